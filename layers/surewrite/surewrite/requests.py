"""The parts of a request that the API and the queue share: collections, items, keys, updates and conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from . import hints
from .errors import (
    ConfigurationError,
    InvalidItem,
    InvalidKey,
    InvalidRequest,
    InvalidUpdate,
    Problem,
    UnknownCollection,
)
from .expressions.actions import Action
from .expressions.attributes import Attribute, attr
from .expressions.compute_json import computed
from .expressions.condition_json import condition_from_json
from .expressions.conditions import Condition, all_of
from .expressions.evaluate import ReturnValues
from .expressions.operands import FromJSON
from .expressions.updates import check_count
from .model.annotations import alias_of
from .model.coerce import model_from_json
from .model.item import Item
from .writes import Write

T = TypeVar("T")

JSONObject: TypeAlias = dict[str, Any]
Paths: TypeAlias = dict[str, Any]


RESERVED = frozenset(["operations", "transactions", "batch-get", "batch-write", "docs", "openapi.json"])
"""Paths of the API, which no collection may take."""


class Catalogue(Mapping[str, type[Item]]):
    """The models by the names of their collections."""

    def __init__(self, *models: type[Item]) -> None:
        self._models = {model.schema_.collection: model for model in models}
        if len(self._models) != len(models):
            raise ConfigurationError("two models have the same collection")
        if taken := sorted(RESERVED & self._models.keys()):
            raise ConfigurationError(f"no collection may be called {taken[0]}: that is a path of the API")

    def __getitem__(self, collection: str) -> type[Item]:
        try:
            return self._models[collection]
        except KeyError:
            raise UnknownCollection(collection, self._models) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __contains__(self, collection: object) -> bool:
        return collection in self._models


class Body(BaseModel):
    """What every request may carry besides its effect."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)

    when: JSONObject | None = None
    return_values: ReturnValues | None = None

    def condition(self, model: type[Item]) -> Condition | None:
        """`when`, read for the model."""
        if self.when is None:
            return None
        try:
            return condition_from_json(model, self.when)
        except InvalidRequest as error:
            raise error.under("when") from None


def demands(
    model: type[Item], when: Condition | None, if_match: str | None, if_none_match: str | None
) -> dict[str, Any]:
    """`when`, `version` and `absent` of a `Write` under `when`. `if_match` is a version, or `*` for any item;
    `if_none_match` is `*`: there must be none."""
    present = attr(model.schema_.partition.name).exists() if if_match == "*" else None
    version = None if if_match == "*" else if_match
    return {"when": all_of([when, present]), "version": version, "absent": if_none_match is not None}


class UpdateBody(Body):
    """The actions of an update, each a mapping of document paths to values.

    `set` assigns, `copy` assigns from another path, `compute` assigns what operands make (`compute_json`), `increment`
    adds to a number that is there, `default` assigns where nothing is, `append` and `prepend` extend a list, `remove`
    lists paths, `add` adds to a number or a set (and creates it), `delete` takes members out of a set.
    """

    # factories: pydantic would deep-copy a default for every message
    set: Paths = Field(default_factory=dict)
    copy_: dict[str, str] = Field(default_factory=dict, alias="copy")
    compute: Paths = Field(default_factory=dict)
    increment: Paths = Field(default_factory=dict)
    default: Paths = Field(default_factory=dict)
    append: Paths = Field(default_factory=dict)
    prepend: Paths = Field(default_factory=dict)
    remove: list[str] = Field(default_factory=list)
    add: Paths = Field(default_factory=dict)
    delete: Paths = Field(default_factory=dict)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not any(getattr(self, section) for section in _SECTIONS.values()) and not self.remove:
            raise ValueError(f"an update needs at least one of {', '.join((*_SECTIONS, 'remove'))}")
        return self

    def bind(self, model: type[Item], key: Any, *, when: Condition | None = None, **options: Any) -> Write:
        """The update of one item, under its own condition and `when`; `options` go to `Write`. InvalidUpdate names each
        action that is wrong."""
        actions, malformed = self._actions()
        demanded = all_of([self.condition(model), when])
        problems: tuple[Problem, ...] = ()
        try:
            write = Write.update(model, key, actions, demanded, **options)
        except InvalidUpdate as error:
            if not malformed:
                raise
            problems = error.problems if actions else ()
        else:
            if not malformed:
                return write
        raise InvalidUpdate(*problems, *malformed)

    def _actions(self) -> tuple[list[Action], list[Problem]]:
        """The actions, and what is wrong with those that cannot be one."""
        check_count(len(self.remove) + sum(len(getattr(self, name)) for name in _SECTIONS.values()))
        actions: list[Action] = []
        malformed: list[Problem] = []
        given = [(section, pair) for section, name in _SECTIONS.items() for pair in getattr(self, name).items()]
        for section, (text, value) in [*given, *(("remove", (text, None)) for text in self.remove)]:
            try:
                actions.append(_METHODS[section](_attribute(text), value))
            except InvalidRequest as error:
                malformed.extend(problem.under(section, text) for problem in error.problems)
        return actions, malformed


_SECTIONS = {
    "set": "set", "copy": "copy_", "compute": "compute", "increment": "increment", "default": "default",
    "append": "append", "prepend": "prepend", "add": "add", "delete": "delete",
}  # fmt: skip

_METHODS: dict[str, Callable[[Attribute, Any], Action]] = {
    "set": lambda attribute, value: attribute.set(FromJSON(value)),
    "copy": lambda attribute, source: replace(attribute.set(_attribute(source)), label="copy"),
    "compute": lambda attribute, value: replace(attribute.set(computed(value)), label="compute"),
    "increment": Attribute.increment,
    "default": lambda attribute, value: attribute.default(FromJSON(value)),
    "append": lambda attribute, value: attribute.append(_elements(value)),
    "prepend": lambda attribute, value: attribute.prepend(_elements(value)),
    "add": lambda attribute, value: attribute.add(FromJSON(value)),
    "delete": lambda attribute, value: attribute.delete(FromJSON(value)),
    "remove": lambda attribute, _: attribute.remove(),
}


def _elements(value: Any) -> FromJSON:
    return FromJSON(value if isinstance(value, list) else [value])


def _attribute(text: str) -> Attribute:
    """The attribute at the path; its errors have no location, for the request's section gives them one."""
    try:
        return attr(text)
    except InvalidRequest as error:
        raise InvalidUpdate(Problem((), error.problems[0].reason)) from None


def problems_of(error: ValidationError) -> tuple[Problem, ...]:
    """What pydantic found, without the input; a name of another library is shown in our spelling."""
    found = error.errors(include_url=False, include_input=False, include_context=False)
    hinted = ({**one, "msg": _reason(one)} if one["type"] == "extra_forbidden" else one for one in found)
    return InvalidItem.from_pydantic(hinted).problems


def _reason(error: Any) -> str:
    return hints.in_json(str(error["loc"][-1])) or "unknown"


def parse_item(model: type[Item], value: Any) -> Item:
    """An instance from a JSON object, under the names of DynamoDB; InvalidItem names each field that is wrong."""
    if model.model_config.get("extra") != "allow":
        unknown = [name for name in value if name not in model.schema_.attributes]
        if unknown:
            raise InvalidItem(*(Problem((name,), model.schema_.unknown(name)) for name in unknown))
    prepared = model_from_json(model, value)
    try:
        item = model.model_validate(prepared, by_alias=True, by_name=False)
    except ValidationError as error:
        raise InvalidItem(*problems_of(error)) from None
    if empty := _empty_sets(item):
        raise InvalidItem(*(Problem((name,), "a set cannot be empty; leave the attribute out") for name in empty))
    return item


def _empty_sets(item: Item) -> list[str]:
    """The names of the attributes that were given as sets without members."""
    fields, values = type(item).model_fields, vars(item)
    given = [
        name
        for name in fields
        if name in item.model_fields_set and isinstance(values[name], set | frozenset) and not values[name]
    ]
    return [alias_of(name, fields[name]) for name in given]


def parse_key(model: type[Item], value: JSONObject) -> JSONObject:
    """A primary key from a JSON object: binary keys are base64 there."""
    if not isinstance(value, dict):
        raise InvalidKey(Problem((), "an object is needed"))
    binary = {attribute.name for attribute in model.schema_.key_attributes if attribute.type == "B"}
    parsers = {attribute.name: attribute.parse for attribute in model.schema_.key_attributes}
    decoded = {n: parsers[n](v) if n in binary and isinstance(v, str) else v for n, v in value.items()}
    return model.schema_.key(decoded)
