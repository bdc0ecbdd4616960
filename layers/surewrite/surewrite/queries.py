"""Queries and scans as a client of an API asks for them: by the parameters of a URL, or by a JSON body."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .errors import InvalidRequest, Problem, located
from .expressions.condition_json import condition_from_json
from .expressions.conditions import Condition, all_of
from .expressions.key_conditions import Key
from .model.item import Item
from .model.json import loads
from .model.keys import parse_number
from .reading import Reading
from .requests import JSONObject

MAX_LIMIT = 1000
"""Items of one page, before its filter."""


def _whole(number: object) -> object:
    """JSON does not tell 20.0 from 20."""
    return int(number) if isinstance(number, Decimal) and number == number.to_integral_value() else number


_Whole = Annotated[int, BeforeValidator(_whole)]


class _Asked(BaseModel):
    """What parameters and bodies have in common. `limit` counts items before the filter; `count` asks for no items but
    only how many there are; `next` is the cursor of the page before: all else but `limit` has to be as it was there."""

    fields: list[str] | None = None
    index: str | None = None
    limit: Annotated[_Whole, Field(ge=1, le=MAX_LIMIT)] | None = None
    descending: bool = False
    consistent: bool = False
    count: bool = False
    segment: tuple[int, int] | None = None
    next: str | None = None

    def reading(self, model: type[Item]) -> Reading:
        """The query, or the scan. InvalidRequest names the member that is wrong."""
        if self.index is not None and self.index not in model.schema_.indexes:
            known = ", ".join(model.schema_.indexes)
            raise InvalidRequest.at(f"unknown index, there are {known}" if known else "there are no indexes", "index")
        reading = Reading(
            model=model,
            key=self._key(model),
            where=self._where(model),
            fields=self.fields,
            index=self.index,
            descending=self.descending,
            consistent=self.consistent,
            counting=self.count,
            segment=self.segment,
        )
        reading.request()  # what is wrong with it is said before anything is read
        return reading

    def _key(self, model: type[Item]) -> Condition | None:
        raise NotImplementedError

    def _where(self, model: type[Item]) -> Condition | None:
        raise NotImplementedError


def _pair(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class QueryBody(_Asked):
    """A query as JSON, a scan without `key`: `{"key": {"Author": {"eq": "John Grisham"}}, "limit": 20}`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    key: JSONObject | None = None
    where: JSONObject | None = None
    segment: Annotated[tuple[_Whole, _Whole] | None, BeforeValidator(_pair)] = None

    def _key(self, model: type[Item]) -> Condition | None:
        return None if self.key is None else located(("key",), condition_from_json, model, self.key)

    def _where(self, model: type[Item]) -> Condition | None:
        return None if self.where is None else located(("where",), condition_from_json, model, self.where)


def _flag(text: object) -> object:
    """`?consistent` is `?consistent=true`."""
    return True if text == "" else text


def _list(text: object) -> object:
    return text.split(",") if isinstance(text, str) else text


_Flag = Annotated[bool, BeforeValidator(_flag)]


class QueryParameters(_Asked):
    """A query as the parameters of a URL, a scan without `partition`.

    `partition` and `sort` are values of the table's key, or of the index's, spelled as in the path of an item; a sort
    key may also be compared: `sort.lt`, `sort.le`, `sort.gt`, `sort.ge`, `sort.begins_with`, and `sort.ge` together
    with `sort.le`. `where` is a condition as JSON, `fields` are document paths between commas, `segment` is `0,4`.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    partition: str | None = None
    sort: str | None = None
    sort_lt: str | None = Field(default=None, alias="sort.lt")
    sort_le: str | None = Field(default=None, alias="sort.le")
    sort_gt: str | None = Field(default=None, alias="sort.gt")
    sort_ge: str | None = Field(default=None, alias="sort.ge")
    sort_begins_with: str | None = Field(default=None, alias="sort.begins_with")
    where: str | None = None
    fields: Annotated[list[str] | None, BeforeValidator(_list)] = None
    segment: Annotated[tuple[int, int] | None, BeforeValidator(_list)] = None
    descending: _Flag = False
    consistent: _Flag = False
    count: _Flag = False
    return_consumed_capacity: Literal["TOTAL", "INDEXES", "NONE"] | None = None

    _SORT: ClassVar = {
        "sort": "eq",
        "sort.lt": "lt",
        "sort.le": "le",
        "sort.gt": "gt",
        "sort.ge": "ge",
        "sort.begins_with": "begins_with",
    }

    def _key(self, model: type[Item]) -> Condition | None:
        index = model.schema_.indexes.get(self.index or "")
        keys = index.keys if index is not None else model.schema_.key_attributes
        tests = {name: getattr(self, name.replace(".", "_")) for name in self._SORT}
        given = {name: text for name, text in tests.items() if text is not None}
        if self.partition is None:
            if given:
                raise InvalidRequest.at("a partition is needed as well", next(iter(given)))
            return None
        conditions = [_test(model, keys[0], "eq", "partition", self.partition)]
        if given and len(keys) == 1:
            raise InvalidRequest.at(f"there is no sort key{' in this index' if index else ''}", next(iter(given)))
        if len(given) > 1:
            if given.keys() != {"sort.ge", "sort.le"}:
                reason = "a sort key has one condition, or sort.ge together with sort.le"
                raise InvalidRequest(*(Problem((name,), reason) for name in given))
            bounds = [_value(keys[1].type, name, given[name]) for name in ("sort.ge", "sort.le")]
            conditions.append(_made(model, {keys[1].name: {"between": bounds}}, "sort.ge"))
        else:
            conditions += [_test(model, keys[1], self._SORT[name], name, text) for name, text in given.items()]
        return all_of(conditions)

    def _where(self, model: type[Item]) -> Condition | None:
        if self.where is None:
            return None
        return located(("where",), condition_from_json, model, located(("where",), loads, self.where))


def _test(model: type[Item], key: Key, operator: str, parameter: str, text: str) -> Condition:
    if operator == "begins_with" and key.type == "N":
        raise InvalidRequest.at(f"{key.name} is a number, which has no beginning", parameter)
    return _made(model, {key.name: {operator: _value(key.type, parameter, text)}}, parameter)


def _made(model: type[Item], condition: JSONObject, parameter: str) -> Condition:
    """The condition; what is wrong with it is said of its parameter."""
    try:
        return condition_from_json(model, condition)
    except InvalidRequest as error:
        raise InvalidRequest(*(Problem((parameter,), problem.reason) for problem in error.problems)) from None


def _value(type_: str, parameter: str, text: str) -> Any:
    """As JSON has it: binary values stay base64."""
    if not text:
        raise InvalidRequest.at("a key cannot be empty", parameter)
    if type_ != "N":
        return text
    try:
        return parse_number(text)
    except ValueError as error:
        raise InvalidRequest.at(str(error), parameter) from None
