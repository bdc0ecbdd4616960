"""The seam: every call to DynamoDB is one call of a `Transport`.

A transport takes the name of an operation and its request, and returns the response or raises what botocore raises.
Wrap one to count, delay or break calls: nothing else of the library talks to the network.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import IncompleteReadError

from ..errors import ConfigurationError


class Transport(Protocol):
    """Sends one request, as `transport("GetItem", {...})`, and returns DynamoDB's response."""

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]: ...


class Boto3Transport:
    """The transport of production: a boto3 client of DynamoDB.

    A transaction's actions are in DynamoDB's own form already. botocore would walk through all of them twice, once for
    its endpoint rules and once to write them as JSON, which takes longer than all else. So it is given an empty action
    in their place, and they are put into the body just before that is signed. It fails closed: DynamoDB refuses a
    transaction with an empty action, and what was sent is checked.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._body: ContextVar[_Body | None] = ContextVar("body", default=None)
        client.meta.events.register("before-call.dynamodb.TransactWriteItems", self._fill)
        client.meta.events.register("after-call.dynamodb", _check_whole, unique_id="surewrite")

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        response: dict[str, Any]
        if operation != "TransactWriteItems":
            response = getattr(self._client, xform_name(operation))(**request)
            return response
        body = _Body(_encode(request["TransactItems"]))
        token = self._body.set(body)
        try:
            response = self._client.transact_write_items(**{**request, "TransactItems": [{}]})
        finally:
            self._body.reset(token)
        if not body.sent:
            raise ConfigurationError("this version of botocore does not let a request's body be written: pin another")
        return response

    def _fill(self, params: dict[str, Any], **_: Any) -> None:
        """Handles botocore's event: `params` is the HTTP request."""
        body = self._body.get()
        if body is not None:
            rest = json.loads(params["body"])
            del rest["TransactItems"]
            params["body"] = f'{json.dumps(rest)[:-1]},"TransactItems":{body.actions}}}'.encode()
            body.sent = True


@dataclass
class _Body:
    """The actions of one transaction as JSON, and whether they went into its request."""

    actions: str
    sent: bool = False


def _check_whole(http_response: Any, **_: Any) -> None:
    """Handles botocore's event: botocore takes a response that breaks off for one that says nothing."""
    expected, received = int(http_response.headers.get("content-length", 0)), len(http_response.content or b"")
    if received < expected:
        raise IncompleteReadError(actual_bytes=received, expected_bytes=expected)


def _encode(actions: Any) -> str:
    return json.dumps(actions, separators=(",", ":"), default=_encode_bytes)


def _encode_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode()


def boto3_client(*, max_connections: int = 16, **kwargs: Any) -> Any:
    """A boto3 client tuned for this library; `kwargs` go to `boto3.client` (`endpoint_url`, `region_name`, …).

    botocore's retries are off, because they take no account of the time that a function has left: `Session` retries.
    Requests are built by the library, so botocore need not validate their shape again.
    """
    config = Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        connect_timeout=1,
        read_timeout=2,
        max_pool_connections=max_connections,
        tcp_keepalive=True,
        parameter_validation=False,
    )
    return boto3.client("dynamodb", config=config, **kwargs)
