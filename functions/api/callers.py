"""Whose request it is, and so whose idempotency keys."""

from __future__ import annotations

import re

from event import Event
from surewrite.commit.idempotency_key import IdempotencyKey
from surewrite.errors import InvalidKey, Problem

_HEADER = "Idempotency-Key"


def idempotency_key(event: Event) -> IdempotencyKey | None:
    """The `Idempotency-Key` header in the scope of its caller, None where there is none.

    1 to 255 printable ASCII characters, quoted as a string of RFC 8941 (draft-ietf-httpapi-idempotency-key-header) or
    plain. Raises InvalidKey.
    """
    if (value := event.headers.get(_HEADER)) is None:
        return None
    quoted = re.fullmatch(r'"((?:[^"\\]|\\["\\])*)"', value)
    key = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else value
    if not (key.isascii() and key.isprintable()) or value != value.strip():
        raise InvalidKey(Problem((_HEADER,), "1 to 255 printable ASCII characters are needed"))
    try:
        return IdempotencyKey(scope(event), key)
    except InvalidKey as error:
        raise InvalidKey(Problem((_HEADER,), error.problems[0].reason)) from None


def scope(event: Event) -> str:
    """The caller, as the API's authorizer names it; `anonymous` where the API has no authorizer.

    | authorizer | scope |
    |---|---|
    | JWT | issuer and subject: a subject is unique within its issuer only (RFC 7519, section 4.1.2) |
    | IAM, with a Cognito identity | the identity, for all identities of a pool share one role |
    | IAM | the ARN, without the name of the session: a client that restarts gets another session |
    | Lambda | `principalId` of its context |

    Raises InvalidKey where the authorizer names no caller: all such callers would share their keys.
    """
    if event.request_context.get("authorizer") is None:
        return "anonymous"
    authorizer = event.request_context.authorizer
    claims, iam, context = authorizer.jwt_claim, authorizer.iam, authorizer.get_lambda
    if claims.get("iss") and claims.get("sub"):
        return f"jwt:{claims['iss']} {claims['sub']}"
    if iam.cognito_identity_id:
        return f"cognito:{iam.cognito_identity_id}"
    if iam.user_arn:
        return f"iam:{_without_session(iam.user_arn)}"
    if context.get("principalId"):
        return f"principal:{context['principalId']}"
    raise InvalidKey(Problem((_HEADER,), "the authorizer names no caller (iss and sub, userArn or principalId)"))


def reader(event: Event) -> str:
    """Whose cursors these are. A caller whom the authorizer does not name may read, but shares them with all others of
    that kind."""
    try:
        return scope(event)
    except InvalidKey:
        return "unnamed"


def _without_session(arn: str) -> str:
    """`arn:aws:sts::123456789012:assumed-role/Editor/i-0abc` is the role `…:assumed-role/Editor`."""
    return re.sub(r"(:assumed-role/[^/]+)/.*", r"\1", arn)
