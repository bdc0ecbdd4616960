"""A key belongs to its caller: nobody replays, or blocks, the key of another one."""

from typing import Any

import pytest

from tests.acceptance.harness import RAINMAKER, Api, Store

ROLE = "arn:aws:sts::123456789012:assumed-role/Editor"
ALICE = {"iss": "https://id.example.com", "sub": "alice"}
COGNITO = {"identityId": "us-east-1:7f9e", "identityPoolId": "us-east-1:0c1d", "amr": ["authenticated"]}


def jwt(**claims: str) -> dict[str, Any]:
    return {"jwt": {"claims": claims, "scopes": None}}


def iam(arn: str, cognito: Any = None) -> dict[str, Any]:
    return {"iam": {"userArn": arn, "cognitoIdentity": cognito}}


SCOPES: dict[str, Any] = {
    "anonymous": None,
    "jwt:https://id.example.com alice": jwt(**ALICE),
    "jwt:https://id.example.com bob": jwt(**{**ALICE, "sub": "bob"}),
    "jwt:https://id.example.org alice": jwt(**{**ALICE, "iss": "https://id.example.org"}),
    "iam:arn:aws:iam::123456789012:user/teams/alice": iam("arn:aws:iam::123456789012:user/teams/alice"),
    f"iam:{ROLE}": iam(f"{ROLE}/i-0123456789"),
    "cognito:us-east-1:7f9e": iam(f"{ROLE}/CognitoIdentityCredentials", COGNITO),
    "principal:alice": {"lambda": {"principalId": "alice"}},
}


def test_a_key_belongs_to_its_caller(rainmaker: Api, store: Store) -> None:
    request = {"add": {"Views": 1}}
    for views, caller in enumerate(SCOPES.values(), 1):
        answer = rainmaker("PATCH", RAINMAKER, request, idempotency_key="same", authorizer=caller)
        assert (answer.status, answer.replayed, answer.json["Views"]) == (200, None, views)
    for views, caller in enumerate(SCOPES.values(), 1):
        again = rainmaker("PATCH", RAINMAKER, request, idempotency_key="same", authorizer=caller)
        assert (again.replayed, again.json["Views"]) == ("true", views)
    assert [scope for scope in SCOPES if store.record(scope, "same") is None] == []


def test_another_session_of_a_role_is_the_same_caller(rainmaker: Api, store: Store) -> None:
    request = {"add": {"Views": 1}}
    first = rainmaker("PATCH", RAINMAKER, request, idempotency_key="k", authorizer=iam(f"{ROLE}/before"))
    again = rainmaker("PATCH", RAINMAKER, request, idempotency_key="k", authorizer=iam(f"{ROLE}/after/restart"))
    assert (again.replayed, again.body) == ("true", first.body)
    assert store.book()["Views"] == 1


@pytest.mark.parametrize(
    "authorizer",
    [
        jwt(sub="alice"),
        jwt(iss="https://id.example.com"),
        {"jwt": {"claims": None}},
        {"lambda": {"tenant": "a"}},
        {"lambda": None},
        {"iam": {"userArn": None}},
        {},
    ],
    ids=str,
)
def test_a_caller_without_a_name_has_no_keys(rainmaker: Api, store: Store, authorizer: Any) -> None:
    before = store.tables()
    request = {"add": {"Views": 1}}
    refused = rainmaker("PATCH", RAINMAKER, request, idempotency_key="k", authorizer=authorizer)
    assert (refused.status, refused.pointers) == (400, ["/Idempotency-Key"])
    assert store.tables() == before
    assert rainmaker("PATCH", RAINMAKER, request, authorizer=authorizer).status == 200
