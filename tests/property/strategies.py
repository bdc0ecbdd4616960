"""Generated items and updates: every type, every action, paths that exist and paths that do not."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from surewrite import Item, PartitionKey, Update, attr, list_append, literal
from surewrite.expressions.actions import Action
from surewrite.expressions.attributes import Attribute
from surewrite.expressions.operands import IfNotExists, ListAppend, Sum, Value
from surewrite.model.wire import Image


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    n: Decimal = Decimal(0)
    words: set[str] = set()
    more: list[Decimal] = []


class Thing(Item, table="Things"):
    """A field of every type; `free` holds anything."""

    id: PartitionKey[str]
    n: Decimal | None = None
    m: Decimal | None = None
    text: str | None = None
    raw: bytes | None = None
    flag: bool | None = None
    null: None = None
    words: set[str] = set()
    numbers: set[Decimal] = set()
    blobs: set[bytes] = set()
    map: dict[str, Decimal] = {}
    free: dict[str, Any] = {}
    part: Part = Part()
    items: list[Decimal] = []
    parts: list[Part] = []


KEY: Image = {"id": "it"}
NAMES = ["x", "y", "size", "a.b", "[0]", "a`b", "é #:"]


def _scaled(digits: int, adjusted: int) -> Decimal:
    """The number with these digits whose first one has this place."""
    return Decimal(f"{digits}E{adjusted - len(str(digits)) + 1}")


# small ones meet each other, the others reach all 38 digits and both ends of the range
numbers = st.one_of(
    st.integers(-9, 9).map(Decimal),
    st.integers(-(10**38) + 1, 10**38 - 1).map(Decimal),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-1000, max_value=1000),
    st.builds(_scaled, st.integers(1, 10**38 - 1), st.integers(-130, 125)),
)
texts = st.text(max_size=4)
blobs = st.binary(max_size=4)
names = st.sampled_from(NAMES)
few = st.integers(-9, 9).map(Decimal)


def sets_of(members: st.SearchStrategy[Any]) -> st.SearchStrategy[set[Any]]:
    return st.sets(members, min_size=1, max_size=3)


_words, _blobs = st.sampled_from(["a", "b", "c", "é"]), st.sampled_from([b"", b"a", b"\x00\xff"])
_parts = st.fixed_dictionaries({}, optional={"n": few, "words": sets_of(_words), "more": st.lists(few, max_size=3)})
OF_KIND: dict[str, st.SearchStrategy[Any]] = {
    "N": numbers,
    "S": texts,
    "B": blobs,
    "BOOL": st.booleans(),
    "NULL": st.none(),
    "SS": sets_of(_words),
    "NS": sets_of(few),
    "BS": sets_of(_blobs),
    "numbers": st.lists(few, max_size=4),
    "parts": st.lists(_parts, max_size=3),
    "map": st.dictionaries(names, few, max_size=3),
    "part": _parts,
}
_leaves = st.one_of(*(OF_KIND[kind] for kind in ("N", "S", "B", "BOOL", "NULL", "SS", "NS", "BS")))
anything = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
OF_KIND["free"] = st.dictionaries(names, anything, max_size=4)

FIELDS = {
    "n": "N", "m": "N", "text": "S", "raw": "B", "flag": "BOOL", "null": "NULL", "words": "SS", "numbers": "NS",
    "blobs": "BS", "map": "map", "free": "free", "part": "part", "items": "numbers", "parts": "parts",
}  # fmt: skip


@st.composite
def images(draw: Callable[..., Any]) -> Image:
    """An item with some of the fields, about every other one with a value of another type than the model's."""
    chosen = draw(st.lists(st.sampled_from(sorted(FIELDS)), unique=True))
    astray = draw(st.sampled_from([None, *FIELDS]))
    return {**KEY, **{name: draw(anything if name == astray else OF_KIND[FIELDS[name]]) for name in chosen}}


indexes = st.sampled_from([0, 0, 1, 1, 2, 3, 9])
_PLACES: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    **{name: st.just((name,)) for name in FIELDS},
    "N": st.one_of(
        st.sampled_from([("n",), ("m",), ("part", "n")]),
        st.tuples(st.just("map"), names),
        st.tuples(st.just("items"), indexes),
        st.tuples(st.just("parts"), indexes, st.just("n")),
        st.tuples(st.just("part"), st.just("more"), indexes),
    ),
    "SS": st.one_of(
        st.sampled_from([("words",), ("part", "words")]), st.tuples(st.just("parts"), indexes, st.just("words"))
    ),
    "numbers": st.one_of(
        st.sampled_from([("items",), ("part", "more")]), st.tuples(st.just("parts"), indexes, st.just("more"))
    ),
    "part": st.one_of(st.just(("part",)), st.tuples(st.just("parts"), indexes)),
}


def places(kind: str) -> st.SearchStrategy[Attribute]:
    """Paths to values of the kind, as the model has them or within `free`."""
    first = next(name for name, of in FIELDS.items() if of == kind)
    free = st.tuples(st.just("free"), names) | st.tuples(st.just("free"), names, names | indexes)
    typed = _PLACES.get(kind, st.just((first,)))
    return st.one_of(typed, typed, free).map(attr)


def _numeric(target: Attribute, draw: Callable[..., Any]) -> Action:
    number, other = draw(numbers), draw(places("N"))
    chosen: Action = draw(
        st.sampled_from(
            [
                target.add(number),
                target.increment(number),
                target.set(other + number),
                target.set(number - other),
                target.set(literal(number) + draw(numbers)),
                target.set(target - other),
                target.set(other.if_not_exists(number) + number),
            ]
        )
    )
    return chosen


@st.composite
def actions(draw: Callable[..., Any]) -> Action:
    kind = draw(st.sampled_from(sorted(OF_KIND)))
    target = draw(places(kind))
    value = draw(OF_KIND[kind])
    common = [target.set(value), target.default(value), target.set(draw(places(kind))), target.remove()]
    match kind:
        case "N":
            special = [_numeric(target, draw)] * 4
        case "SS" | "NS" | "BS":
            special = [target.add(value), target.delete(value)] * 2
        case "numbers" | "parts":
            joined = list_append(draw(places(kind)), value)
            special = [target.append(value), target.prepend(value), target.set(joined)] * 2
        case _:
            special = []
    chosen: Action = draw(st.sampled_from([*common, *special]))
    return chosen


def distinct(drawn: list[Action]) -> list[Action]:
    """As many of the actions as go together."""
    kept: list[Action] = []
    for action in drawn:
        if not any(action.path.overlaps(other.path) for other in kept):
            kept.append(action)
    return kept


updates = st.lists(actions(), min_size=1, max_size=5).map(lambda drawn: Update.build(Thing, distinct(drawn)))


@st.composite
def list_cases(draw: Callable[..., Any]) -> tuple[Image, Update]:
    """An item with a list, and several actions on elements of that list: within it, beyond its end, side by side."""
    typed = draw(st.booleans())
    owner = ("items",) if typed else ("free", "x")
    length = draw(st.integers(0, 5))
    elements = [draw(few if typed else few | sets_of(_words)) for _ in range(length)]
    image = {**KEY, "items": elements} if typed else {**KEY, "free": {"x": elements}}
    positions = draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, 7, 9]), min_size=2, max_size=4, unique=True))
    made: list[Action] = []
    for position in positions:
        element = attr((*owner, position))
        choices = [element.remove(), element.remove(), element.set(draw(few)), element.set(attr((*owner, 0)))]
        if not typed:
            choices += [element.delete(draw(sets_of(_words))), element.add(draw(sets_of(_words) | few))]
        made.append(draw(st.sampled_from(choices)))
    return image, Update.build(Thing, made)


def _composed(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    path = _free.map(lambda attribute: attribute.path)
    return st.one_of(
        st.builds(Sum, inner, inner, st.sampled_from("+-")),
        st.builds(IfNotExists, path, inner),
        st.builds(ListAppend, inner, inner),
    )


_free = st.sampled_from([attr("free.x"), attr("free.y")])
nested_operands = st.recursive(
    st.one_of(_free, few.map(Value), st.lists(few, max_size=2).map(Value)), _composed, max_leaves=4
)
"""Operands within operands, as DynamoDB's grammar has them and as it has them not."""
