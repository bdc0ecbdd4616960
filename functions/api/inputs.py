"""What a request says besides its headers: where its item is, its query and its body."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict

from event import Event
from surewrite.errors import InvalidKey, InvalidRequest, Problem
from surewrite.expressions.conditions import Condition
from surewrite.expressions.evaluate import ReturnValues
from surewrite.model.item import Item
from surewrite.model.json import loads
from surewrite.model.wire import Image
from surewrite.requests import Body, Catalogue
from surewrite.writes import OnFailure

Q = TypeVar("Q", bound="Query")

MERGE_PATCH = "application/merge-patch+json"
# a form is what curl's -d says of any body
_MEDIA_TYPES = ("", "application/json", MERGE_PATCH, "application/x-www-form-urlencoded")


class UnsupportedMediaType(Exception):
    """The body is not JSON."""


def target(catalogue: Catalogue, named: str, partition: str, sort: str | None) -> tuple[type[Item], Image]:
    """The model and the primary key that percent-encoded segments of a path name."""
    model = collection(catalogue, named)
    key = [_decoded("partition", partition)] + ([] if sort is None else [_decoded("sort", sort)])
    return model, model.schema_.parse_key(key)


def collection(catalogue: Catalogue, segment: str) -> type[Item]:
    """The model of the collection in a path."""
    return catalogue[_decoded("collection", segment)]


def attribute(segment: str) -> str:
    """The name of an attribute in a path."""
    return _decoded("attribute", segment)


def key(segment: str) -> str:
    """The idempotency key in a path."""
    return _decoded("key", segment)


def _decoded(name: str, segment: str) -> str:
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError:
        raise InvalidKey(Problem((name,), "is not percent-encoded UTF-8")) from None


class Query(BaseModel):
    """The parameters of a query string; one that is not known is refused, for it would change nothing."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @classmethod
    def of(cls: type[Q], event: Event) -> Q:
        return cls.model_validate(event.query_string_parameters)


class CapacityQuery(Query):
    return_consumed_capacity: Literal["TOTAL", "INDEXES", "NONE"] | None = None


class ReadQuery(CapacityQuery):
    """`?consistent` is `?consistent=true`; `fields` are document paths between commas."""

    consistent: Annotated[bool, BeforeValidator(lambda text: True if text == "" else text)] = False
    fields: Annotated[list[str], BeforeValidator(lambda text: text.split(","))] | None = None


class MeteredQuery(CapacityQuery):
    """What any write may ask for. Item collections are those of tables with local indexes."""

    return_item_collection_metrics: Literal["SIZE", "NONE"] | None = None


class ConditionalQuery(MeteredQuery):
    """What a write that may have a condition may ask for."""

    return_values_on_condition_check_failure: OnFailure | None = None


class WriteQuery(ConditionalQuery):
    """`return_values` may stand in a body instead, but not in both."""

    return_values: ReturnValues | None = None


class PutQuery(WriteQuery):
    """`when` is a condition as JSON: the body of a PUT is the item and nothing else."""

    when: str | None = None

    def condition(self, model: type[Item]) -> Condition | None:
        """`when`, read for the model."""
        if self.when is None:
            return None
        try:
            value = loads(self.when)
        except InvalidRequest as error:
            raise error.under("when") from None
        if not isinstance(value, dict):
            raise InvalidRequest(Problem(("when",), "a JSON object is needed"))
        return Body(when=value).condition(model)


def media_type(event: Event) -> str:
    """The media type of the body, without its parameters. Raises UnsupportedMediaType for another than JSON."""
    found = event.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if event.body and found not in _MEDIA_TYPES:
        raise UnsupportedMediaType
    return found


def json_object(event: Event, *, empty: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The object in the body; `empty` is what no body means, where a request may come without one."""
    media_type(event)
    if not event.decoded_body:
        if empty is None:
            raise InvalidRequest(Problem((), "the body is empty; a JSON object is needed"))
        return dict(empty)
    value = event.json_body
    if not isinstance(value, dict):
        raise InvalidRequest(Problem((), "the body must be a JSON object"))
    return value


def _a_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("a number is needed")
    return value


class CounterBody(Body):
    """By how much a counter is increased; a negative number decreases it."""

    by: Annotated[Any, BeforeValidator(_a_number)] = 1
