"""`Transaction`: collects what a unit of work reads and writes, and makes the actions of its commit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ..errors import InvalidUpdate, NotFound, Problem
from ..expressions.accepted import AnyCondition
from ..expressions.actions import Action
from ..expressions.combine import combine
from ..expressions.conditions import render_condition
from ..expressions.placeholders import Placeholders
from ..expressions.updates import Update
from ..model.item import VERSION, Item
from ..model.wire import Image
from ..writes import Target, Write
from .effects import effect, pin, pinned
from .session import Call, Session

M = TypeVar("M", bound=Item)


@dataclass
class Touched:
    """An item of the transaction: as it was read, if it was, and what is to be done to it, if anything."""

    target: Target
    read: bool = False
    image: Image | None = None
    write: Write | None = None


@dataclass
class Transaction:
    """Collects what a function reads and writes. Reads see the tables as they are, not the writes collected here."""

    _session: Session
    _call: Call
    _touched: dict[Target, Touched] = field(default_factory=dict)

    def get(self, model: type[M], key: Any) -> M | None:
        """The item, None if there is none. Either way the commit demands that it is still so."""
        touched = self._touch(Target.of(model, model.schema_.key(key)))
        self._read(touched)
        if touched.image is None:
            return None
        return model.from_image(touched.image).with_version(touched.image.get(VERSION))

    def require(self, model: type[M], key: Any) -> M:
        """The item; NotFound if there is none."""
        item = self.get(model, key)
        if item is None:
            raise NotFound(f"there is no such item in {model.schema_.collection}")
        return item

    def put(self, item: Item, *, when: AnyCondition | None = None, absent: bool = False) -> None:
        """Stores the item whole, where `when` holds; with `absent` only where there is none yet."""
        self._add(Write.put(item, when=when, absent=absent))

    def update(
        self, model: type[Item], key: Any, actions: Iterable[Action], *, when: AnyCondition | None = None
    ) -> None:
        """Changes the item in place. Several updates of one item must go together in one expression."""
        self._add(Write.update(model, key, actions, when))

    def delete(self, model: type[Item], key: Any, *, when: AnyCondition | None = None) -> None:
        """Deletes the item, if there is one."""
        self._add(Write.delete(model, key, when=when))

    # --- for the unit of work ------------------------------------------------------------------------------------

    @property
    def items(self) -> list[Touched]:
        """What has been touched, in the order of the actions."""
        return list(self._touched.values())

    def actions(self, version: str, *, read_all: bool) -> list[dict[str, Any]]:
        """The transaction's actions. What items that were read become is validated here; with `read_all` every item
        is read."""
        actions: list[dict[str, Any]] = []
        for touched in self.items:
            if touched.write is None:
                actions.append(self._check(touched))
                continue
            if touched.read or read_all or touched.write.needs_item:
                self._read(touched)
                touched.write = touched.write.resolved(touched.image)
                effect(touched.write, touched.image, version)
                demanded = pinned(touched.write, touched.image)
            else:
                demanded = touched.write.constraint
            kind, parameters = touched.write.request(self._session.table(touched.target.model), version, demanded)
            actions.append({kind: parameters})
        return actions

    def torn(self) -> bool:
        """Whether the items that were read have never stood there together: one of them has changed since."""
        read = {touched.target: touched.image for touched in self.items if touched.read}
        if len(read) < 2:
            return False
        return self._session.read(read, (), self._call).images != read

    def _touch(self, target: Target) -> Touched:
        return self._touched.setdefault(target, Touched(target))

    def _add(self, write: Write) -> None:
        touched = self._touch(write.target)
        touched.write = write if touched.write is None else _joined(touched.write, write)

    def _read(self, touched: Touched) -> None:
        if not touched.read:
            touched.image = self._session.read([touched.target], (), self._call).images[touched.target]
            touched.read = True

    def _check(self, touched: Touched) -> dict[str, Any]:
        place = Placeholders()
        condition = render_condition(pin(touched.target.model, touched.image), place)
        check = {
            "TableName": self._session.table(touched.target.model),
            "Key": touched.target.key_wire,
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            **place.parameters(),
        }
        return {"ConditionCheck": check}


def _joined(first: Write, second: Write) -> Write:
    together = None
    if isinstance(first.action, Update) and isinstance(second.action, Update) and second.condition is None:
        together = combine(first.action, second.action)
    if together is None:
        raise InvalidUpdate(Problem((first.model.schema_.collection,), "DynamoDB takes one write an item here"))
    return replace(first, action=together)
