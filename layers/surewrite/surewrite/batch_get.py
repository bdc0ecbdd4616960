"""Many items by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from .commit.session import MAX_KEYS, Call, Session
from .errors import InvalidRequest, ReadIncomplete, Retryable
from .expressions.projection import projection
from .model.item import Item
from .model.json import canonical
from .model.wire import Image, Wire, image_from_wire, image_to_wire
from .reading import Consumed, listed, shown
from .writes import Target

M = TypeVar("M", bound=Item)


@dataclass(frozen=True)
class Found(Generic[M]):
    """Many items by their keys: `items` in the order of the keys, the keys that are `missing`."""

    items: list[M]
    missing: list[Image]
    consumed: Consumed = ()


@dataclass(frozen=True)
class Wanted(Generic[M]):
    """Items of one model: their keys, and the document paths that are read of each."""

    model: type[M]
    keys: Sequence[Image]
    fields: Sequence[str] | None = None

    def found(self, images: Mapping[str, Image], consumed: Consumed) -> Found[M]:
        """Each key once, in the order in which they were given."""
        present, missing = self.split(images)
        return Found([shown(self.model, image, self.fields) for image in present], missing, consumed)

    def split(self, images: Mapping[str, Image]) -> tuple[list[Image], list[Image]]:
        """The items that there are, and the keys of those that there are not."""
        keys = {Target.of(self.model, key).text: key for key in self.keys}
        missing = [dict(key) for text, key in keys.items() if text not in images]
        return [images[text] for text in keys if text in images], missing


@dataclass
class _Chunk:
    """The keys of one BatchGetItem, by table."""

    asked: dict[str, dict[str, Any]] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    size: int = 0

    def takes(self, table: str, number: int) -> bool:
        return self.size < MAX_KEYS and self.wanted.get(table, number) == number

    def add(self, table: str, number: int, options: Mapping[str, Any], key: Wire) -> None:
        self.asked.setdefault(table, {**options, "Keys": []})["Keys"].append(key)
        self.wanted[table] = number
        self.size += 1


@dataclass
class _Read:
    """What was read, for each of `wanted` by the canonical text of its key; where time ran out, why, and the keys that
    remain."""

    found: list[dict[str, Image]]
    remaining: list[list[Image]]
    error: Retryable | None = None


def read_many(session: Session, wanted: Sequence[Wanted[Any]], consistent: bool, call: Call) -> list[dict[str, Image]]:
    """The items that exist, for each of `wanted` by the canonical text of their keys. A key is read once, 100 of them
    in a request; what DynamoDB leaves is asked for again. Raises a Retryable where time runs out."""
    read = _read(session, wanted, consistent, call)
    if read.error is not None:
        raise read.error
    return read.found


def _read(session: Session, wanted: Sequence[Wanted[Any]], consistent: bool, call: Call) -> _Read:
    read = _Read([{} for _ in wanted], [[] for _ in wanted])
    for chunk in _chunks(session, wanted, consistent):
        left: Mapping[str, Any] = chunk.asked
        if read.error is None:
            responses, left, read.error = session.batch("BatchGetItem", chunk.asked, call)
            for table, items in ((table, items) for one in responses for table, items in one["Responses"].items()):
                number = chunk.wanted[table]
                for image in map(image_from_wire, items):
                    key = wanted[number].model.schema_.key_of(image)
                    read.found[number][canonical(image_to_wire(key))] = image
        for table, one in left.items():
            read.remaining[chunk.wanted[table]] += map(image_from_wire, one["Keys"])
    return read


def _chunks(session: Session, wanted: Sequence[Wanted[Any]], consistent: bool) -> Iterator[_Chunk]:
    chunk = _Chunk()
    for number, one in enumerate(wanted):
        options: dict[str, Any] = {"ConsistentRead": consistent}
        if one.fields is not None:
            options |= projection(one.model, one.fields)
        table = session.table(one.model)
        for target in dict.fromkeys(Target.of(one.model, key) for key in one.keys):
            if not chunk.takes(table, number):
                yield chunk
                chunk = _Chunk()
            chunk.add(table, number, options, target.key_wire)
    if chunk.size:
        yield chunk


def get_many(
    session: Session,
    wanted: Mapping[type[Item], Iterable[Any]],
    call: Call,
    *,
    fields: Mapping[Any, Iterable[str]] | None = None,
    consistent: bool = False,
) -> dict[type[Item], Found[Any]]:
    """The items of several models by their keys. InvalidKey names what is no key, ReadIncomplete what remains
    where time runs out."""
    if not isinstance(wanted, Mapping):
        raise InvalidRequest.at("models and lists of keys are needed", "keys")
    asked = [Wanted(model, _keys(model, keys), listed((fields or {}).get(model))) for model, keys in wanted.items()]
    read = _read(session, asked, consistent, call)
    consumed = tuple(call.consumed)
    found = {one.model: one.found(images, consumed) for one, images in zip(asked, read.found, strict=True)}
    if read.error is not None:
        remaining = {one.model: keys for one, keys in zip(asked, read.remaining, strict=True) if keys}
        raise ReadIncomplete({model: one.items for model, one in found.items()}, remaining) from read.error
    return found


def _keys(model: type[Item], keys: Iterable[Any]) -> list[Image]:
    if isinstance(keys, str | bytes | Mapping) or not isinstance(keys, Iterable):
        raise InvalidRequest.at("a list of keys is needed", "keys")
    return [model.schema_.key(key) for key in keys]
