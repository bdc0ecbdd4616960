"""`Write`: one validated change of one item, and how it is written in a request. `BulkWrite` and `TransactWrite`: many
of them, chunk by chunk or all together."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self, TypeAlias, get_args

from .errors import ConditionFailed, InvalidRequest, Problem
from .expressions.accepted import AnyCondition, as_condition
from .expressions.actions import Action
from .expressions.attributes import attr
from .expressions.conditions import Condition, all_of, render_condition
from .expressions.constraints import NeedsRead, constraint_of
from .expressions.evaluate import ReturnValues
from .expressions.placeholders import Placeholders
from .expressions.resolve import resolve
from .expressions.updates import Update
from .model.item import VERSION, Item, check_size, checked_wire, wholly_given
from .model.json import canonical
from .model.wire import Image, Wire, image_to_wire, item_size


@dataclass(frozen=True)
class Put:
    """Stores a whole item. `given` is the part of the image that was not filled in by defaults."""

    image: Image
    given: Image

    @cached_property
    def wire(self) -> Wire:
        """The image on the wire; InvalidItem if DynamoDB would refuse a value."""
        return checked_wire(self.image)

    @cached_property
    def size(self) -> int:
        """The bytes of the item, without its version."""
        return item_size(self.wire)

    @property
    def given_wire(self) -> Wire:
        return self.wire if self.given == self.image else image_to_wire(self.given)


@dataclass(frozen=True)
class Delete:
    """Deletes the item."""


@dataclass(frozen=True)
class Check:
    """Leaves the item as it is: only the condition counts."""


_RETURN_VALUES: dict[str, tuple[str, ...]] = {
    "update": ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"),
    "put": ("NONE", "ALL_OLD", "ALL_NEW"),
    "delete": ("NONE", "ALL_OLD"),
    "check": ("NONE",),
}

MAX_WRITES = 100
"""Writes and checks of one transaction ("Actions: TransactWriteItems"); a key takes the place of one."""


@dataclass(frozen=True, slots=True)
class Target:
    """One item, for telling items apart: its logical table, and its key as canonical text."""

    table: str
    text: str
    model: type[Item] = field(compare=False)
    key_wire: Wire = field(compare=False)

    @classmethod
    def of(cls, model: type[Item], key: Image) -> Target:
        wire = image_to_wire(key)
        return cls(model.schema_.table, canonical(wire), model, wire)


def new_version() -> str:
    """Random and not a counter: a batch put or a restored backup cannot bring an old value back."""
    return secrets.token_urlsafe(12)


_VERSION_BYTES = len(VERSION) + len(new_version())


@dataclass(frozen=True)
class Write:
    """A change of the item under `key`, to be made only where `when` holds.

    `version` demands that the item still has that version, `absent` that there is no item yet. `return_values` is
    DynamoDB's ReturnValues; a put can show ALL_NEW as well, which is the item as it was put. With
    `return_values_on_condition_check_failure="NONE"` a ConditionFailed does not bring the item.
    """

    model: type[Item]
    key: Image
    action: Put | Update | Delete | Check
    when: Condition | None = None
    return_values: ReturnValues = "NONE"
    version: str | None = None
    absent: bool = False
    return_values_on_condition_check_failure: OnFailure = "ALL_OLD"

    def __post_init__(self) -> None:
        if self.return_values_on_condition_check_failure not in get_args(OnFailure):
            reason = f"must be one of {', '.join(get_args(OnFailure))}"
            raise InvalidRequest(Problem(("return_values_on_condition_check_failure",), reason))
        if self.return_values not in _RETURN_VALUES[self.kind]:
            reason = f"must be one of {', '.join(_RETURN_VALUES[self.kind])} ({self.kind})"
            raise InvalidRequest(Problem(("return_values",), reason))
        if self.when is not None:
            object.__setattr__(self, "when", as_condition(self.when).bound(self.model))

    @classmethod
    def put(cls, item: Item, **options: Any) -> Self:
        """Stores the item whole; ItemTooLarge over 400 KB."""
        image = item.to_image()
        action = Put(image, image if wholly_given(item) else item.to_image(given_only=True))
        check_size(action.size + _VERSION_BYTES)
        schema = type(item).schema_
        schema.check_indexed(action.image)
        return cls(type(item), schema.key(schema.key_of(action.image)), action, **options)

    @classmethod
    def update(
        cls, model: type[Item], key: Any, actions: Iterable[Action], when: AnyCondition | None = None, **options: Any
    ) -> Self:
        """Changes the item in place, or creates it."""
        condition = None if when is None else as_condition(when)
        update = Update.build(model, actions, present=() if condition is None else condition.present())
        return cls(model, model.schema_.key(key), update, condition, **options)

    @classmethod
    def delete(cls, model: type[Item], key: Any, **options: Any) -> Self:
        """Deletes the item, if there is one."""
        return cls(model, model.schema_.key(key), Delete(), **options)

    @classmethod
    def check(cls, model: type[Item], key: Any, when: AnyCondition | None = None, **options: Any) -> Self:
        """Changes nothing, but lets a transaction go ahead only where the item fulfils the condition."""
        condition = None if when is None else as_condition(when)
        write = cls(model, model.schema_.key(key), Check(), condition, **options)
        if write.condition is None:
            raise InvalidRequest(Problem(("when",), "a check needs a condition"))
        return write

    def failed(self, image: Image | None) -> ConditionFailed:
        """The error where the item is not what the write demands."""
        shown = self.return_values_on_condition_check_failure == "ALL_OLD"
        return ConditionFailed(self.model.schema_.visible(image) if shown else None)

    @property
    def kind(self) -> Literal["put", "update", "delete", "check"]:
        match self.action:
            case Put():
                return "put"
            case Update():
                return "update"
            case Delete():
                return "delete"
        return "check"

    @property
    def stamps(self) -> bool:
        """Whether the item has a new version afterwards."""
        return self.kind in ("put", "update")

    @cached_property
    def target(self) -> Target:
        """Which item it changes."""
        return Target.of(self.model, self.key)

    @cached_property
    def needs_item(self) -> bool:
        """Whether the item has to be read before it can be committed; if not, under `constraint`."""
        return self._limits is None

    @property
    def constraint(self) -> Condition | None:
        """What the model's limits demand of the item, besides the write's own condition."""
        return self._limits[0] if self._limits is not None else None

    @cached_property
    def _limits(self) -> tuple[Condition | None] | None:
        try:
            return (constraint_of(self.model, self.action) if isinstance(self.action, Update) else None,)
        except NeedsRead:
            return None

    @cached_property
    def size(self) -> int:
        """Bytes in a request, roughly."""
        match self.action:
            case Put() as put:
                return put.size + 200
            case Update() as update:
                return len(update.expression.text) + item_size(update.expression.placeholders.values) + 400
            case _:
                return 400

    @cached_property
    def condition(self) -> Condition | None:
        """All that the client demands of the item."""
        pinned = attr(VERSION).eq(self.version) if self.version is not None else None
        absent = attr(self.model.schema_.partition.name).not_exists() if self.absent else None
        return all_of([self.when, pinned, absent])

    @cached_property
    def fingerprint(self) -> str:
        """Of the canonical request: equal for equal requests, however they were written."""
        match self.action:
            case Put() as put:
                action = canonical(put.given_wire)
            case Update() as update:
                action = update.canonical
            case _:
                action = ""
        when = "" if self.when is None else _canonical(self.when)
        target = (self.target.table, self.target.text)
        request = [self.kind, *target, action, when, self.return_values, self.version, self.absent]
        return hashlib.sha256(json.dumps(request).encode()).hexdigest()[:32]

    def at(self, key: Image) -> Write:
        """The same write of another item."""
        other = replace(self, key=key)
        other.__dict__["_limits"] = self._limits  # they depend on the model and the action only
        return other

    def resolved(self, image: Image | None) -> Write:
        """The write as it is for the item that it meets."""
        if not isinstance(self.action, Update):
            return self
        return replace(self, action=resolve(self.action, {**self.key, **(image or {})}))

    def request(self, table: str, version: str, extra: Condition | None = None) -> tuple[str, dict[str, Any]]:
        """The operation (`Put`, `Update`, `Delete` or `ConditionCheck`, as a transaction names it) and its parameters.

        The item is stamped with `version`; `extra` is demanded besides the write's own condition.
        """
        parameters: dict[str, Any] = {"TableName": table}
        place = Placeholders()
        match self.action:
            case Put() as put:
                operation = "Put"
                parameters["Item"] = {**put.wire, VERSION: {"S": version}}
            case Update() as update:
                operation = "Update"
                place = update.expression.placeholders.copy()
                parameters |= {"Key": self.target.key_wire, "UpdateExpression": update.stamped(version, place)}
            case _:
                operation = "Delete" if self.kind == "delete" else "ConditionCheck"
                parameters["Key"] = self.target.key_wire
        condition = all_of([self.condition, extra])
        if condition is not None:
            parameters["ConditionExpression"] = render_condition(condition, place)
            parameters["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return operation, parameters | place.parameters()


def _canonical(condition: Condition) -> str:
    """A text in which equal conditions are equal."""
    place = Placeholders()
    text = condition.render(place)
    return canonical([text, place.names, place.values])


Duplicates: TypeAlias = Literal["error", "first", "last"]
OnFailure: TypeAlias = Literal["ALL_OLD", "NONE"]
"""What to do with several writes of one item: refuse the bulk, or keep the first or the last of them."""


@dataclass(frozen=True)
class BulkWrite:
    """Puts and deletes of distinct items, without conditions."""

    writes: tuple[Write, ...]

    @classmethod
    def of(cls, writes: Iterable[Write], duplicates: Duplicates = "error") -> BulkWrite:
        """The bulk; InvalidRequest for a write that it cannot hold, or a duplicate where those are errors."""
        if duplicates not in get_args(Duplicates):
            raise InvalidRequest(Problem(("duplicates",), f"must be one of {', '.join(get_args(Duplicates))}"))
        kept: dict[Target, Write] = {}
        for position, write in enumerate(writes):
            if write.kind not in ("put", "delete") or write.condition is not None or write.return_values != "NONE":
                raise InvalidRequest(Problem((position,), "a bulk write has plain puts and deletes only"))
            if write.target in kept and duplicates == "error":
                raise InvalidRequest(Problem((position,), "a second write of the same item"))
            if write.target not in kept or duplicates == "last":
                kept.pop(write.target, None)
                kept[write.target] = write
        return cls(tuple(kept.values()))

    @cached_property
    def fingerprint(self) -> str:
        return digest(write.fingerprint for write in self.writes)

    def chunks(self, items: int, size: int) -> Iterator[tuple[Write, ...]]:
        """The writes in their order, at most so many and so large: the same bulk always falls into the same chunks."""
        chunk: list[Write] = []
        bytes_ = 0
        for write in self.writes:
            if chunk and (len(chunk) == items or bytes_ + write.size > size):
                yield tuple(chunk)
                chunk, bytes_ = [], 0
            chunk.append(write)
            bytes_ += write.size
        if chunk:
            yield tuple(chunk)


@dataclass(frozen=True)
class TransactWrite:
    """Writes and checks of distinct items that are applied all together or not at all."""

    writes: tuple[Write, ...]

    @classmethod
    def of(cls, writes: Iterable[Write], *, keyed: bool = True) -> Self:
        """At least one and at most 99 of them, without a key 100. InvalidRequest names those that are wrong by their
        position."""
        given = tuple(writes)
        most = MAX_WRITES - keyed
        if not given:
            raise InvalidRequest(Problem(("writes",), "a transaction needs at least one write"))
        if len(given) > most:
            raise InvalidRequest(
                Problem((), f"a transaction has at most {most} writes and checks, these are {len(given)}")
            )
        problems: list[Problem] = []
        seen: set[Target] = set()
        for position, write in enumerate(given):
            if write.return_values != "NONE":
                problems.append(Problem(("writes", position, "return_values"), "a transaction returns no values"))
            if write.target in seen:
                problems.append(Problem(("writes", position), "a second write of the same item"))
            seen.add(write.target)
        if problems:
            raise InvalidRequest(*problems)
        return cls(given)

    @cached_property
    def fingerprint(self) -> str:
        return digest(["transaction", *(write.fingerprint for write in self.writes)])

    @cached_property
    def size(self) -> int:
        """Bytes in a request, roughly."""
        return sum(write.size for write in self.writes)


AnyWrite: TypeAlias = Write | BulkWrite | TransactWrite


def digest(parts: Iterable[str]) -> str:
    """A fingerprint of several."""
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:32]
