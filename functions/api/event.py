"""The event of an HTTP API, as Powertools reads it, except where that would lose a byte."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal, Self
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from surewrite.errors import InvalidRequest, Problem


class UnexpectedEvent(Exception):
    """The event is not one of an HTTP API with payload format 2.0. The message names each member that is wrong."""


class Event(APIGatewayProxyEventV2):
    """One request."""

    @property
    def path(self) -> str:
        """The path, each segment percent-encoded.

        HTTP APIs decode `rawPath`, which loses the difference between a slash and `%2F`, but decode each path parameter
        by itself: so the parameters are put into the path of their route. A route without any (`$default`, the one
        route of a function URL) leaves the path as it came.
        """
        template = self.route_key.partition(" ")[2]
        if "{" not in template or "+}" in template:
            return quote(super().path, safe="/%")
        parameters = self.path_parameters
        return re.sub(r"{([^}]+)}", lambda match: quote(parameters.get(match[1], ""), safe=""), template)

    @cached_property
    def decoded_body(self) -> str | None:
        """The body as text. Powertools drops what is not base64, and so would count for a body that was damaged."""
        if not self.is_base64_encoded or self.body is None:
            return self.body
        try:
            return base64.b64decode(self.body, validate=True).decode()
        except ValueError:
            raise InvalidRequest(Problem((), "the body is not base64 of UTF-8 text")) from None


class Resolver(APIGatewayHttpResolver):
    """Powertools' resolver for HTTP APIs, with the event above."""

    def _to_proxy_event(self, event: dict[str, Any]) -> Event:
        return Event(event, self._json_body_deserializer)


def new_router() -> APIGatewayHttpRouter:
    """Routes that `Resolver.include_router` takes in."""
    return APIGatewayHttpRouter()  # type: ignore[no-untyped-call]


def close(router: APIGatewayHttpRouter, path: str, methods: Iterable[str]) -> None:
    """Refuses all methods of the path but these. No collection has its name: otherwise it would be that of items."""

    @router.route(path, method=sorted({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}.difference(methods)))
    def refuse_method(**_: str) -> Response[str]:
        raise NotFoundError


class _Shape(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, hide_input_in_errors=True)


class _Http(_Shape):
    method: str


class _RequestContext(_Shape):
    http: _Http
    stage: str
    authorizer: dict[str, dict[str, Any] | None] | None = None


class _Request(_Shape):
    version: Literal["2.0"]
    route_key: str
    raw_path: str
    request_context: _RequestContext
    headers: dict[str, str] | None = None
    query_string_parameters: dict[str, str] | None = None
    path_parameters: dict[str, str] | None = None
    body: str | None = None
    is_base64_encoded: bool = False

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.is_base64_encoded and self.body is None:
            raise ValueError("isBase64Encoded is true, but there is no body")
        return self


def check(event: Any) -> None:
    """Raises UnexpectedEvent unless the event has the members that are read here."""
    try:
        _Request.model_validate(event)
    except ValidationError as error:
        found = [(".".join(map(str, one["loc"])), one["msg"].removeprefix("Value error, ")) for one in error.errors()]
        reasons = "; ".join(f"{where}: {reason}" if where else reason for where, reason in found)
        raise UnexpectedEvent(f"no event of an HTTP API with payload format 2.0: {reasons}") from None
