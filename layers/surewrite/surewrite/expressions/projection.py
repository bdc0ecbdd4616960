"""Projections: the parts of an item that document paths lead to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import InvalidRequest, Problem
from ..model.fields import field_at
from ..model.item import VERSION, Item
from ..model.wire import Image
from ..paths import Element, Path
from ..paths import path as parse_path
from .operands import MISSING
from .placeholders import MAX_EXPRESSION_BYTES, Placeholders


def projection(
    model: type[Item], fields: Iterable[str | Path], place: Placeholders | None = None, *, versioned: bool = True
) -> dict[str, Any]:
    """The parameters of a read that is to return these document paths only. The key and the version go along, so that
    an item without any of the fields is told from no item. `place` are the placeholders that a request has already;
    `versioned` is False for an index that does not hold the version.

    InvalidRequest for a path that the model does not have, and for a string in the place of a list of paths.
    """
    if isinstance(fields, str) or not isinstance(fields, Iterable):
        raise InvalidRequest(Problem(("fields",), "a list of document paths is needed"))
    wanted = {_parsed(name) for name in fields}
    for path in wanted:
        _check(model, path)
    paths = {*wanted, *(Path((name,)) for name in (*model.schema_.key_names, *([VERSION] if versioned else ())))}
    outermost = sorted((one for one in paths if not any(_within(one, other) for other in paths)), key=str)
    place = place or Placeholders()
    text = ", ".join(map(place.path, outermost))
    if len(text) > MAX_EXPRESSION_BYTES:
        raise InvalidRequest(Problem(("fields",), f"longer than DynamoDB's {MAX_EXPRESSION_BYTES} bytes"))
    return {"ProjectionExpression": text, **place.parameters()}


def _parsed(name: str | Path) -> Path:
    if not isinstance(name, str | Path):
        raise InvalidRequest.at("a document path is needed", "fields")
    try:
        return parse_path(name)
    except InvalidRequest as error:
        raise InvalidRequest(*(Problem(("fields", str(name)), problem.reason) for problem in error.problems)) from None


def _check(model: type[Item], path: Path) -> None:
    if path.name != VERSION:
        try:
            field_at(model, path)
        except InvalidRequest as error:
            raise InvalidRequest(*(problem.under("fields", str(path)) for problem in error.problems)) from None


def _within(one: Path, other: Path) -> bool:
    """Whether one path leads through the other; no projection may have both."""
    return one != other and one[: len(other)] == other


def project(image: Mapping[str, Any], paths: Iterable[Path]) -> Image:
    """The parts of an image that the paths lead to; of a list only the elements that are named, closed up."""
    tree: dict[Element, Any] = {}
    for path in paths:
        branch = tree
        for element in path:
            branch = branch.setdefault(element, {})
    part = _part(image, tree) if tree else MISSING
    return part if isinstance(part, dict) else {}


def _part(value: Any, tree: dict[Element, Any]) -> Any:
    if not tree:
        return value
    if isinstance(value, Mapping):
        parts = {name: _part(value[name], branch) for name, branch in tree.items() if name in value}
        return {name: part for name, part in parts.items() if part is not MISSING} or MISSING
    if isinstance(value, list):
        indexes = sorted(index for index in tree if isinstance(index, int) and index < len(value))
        elements = [_part(value[index], tree[index]) for index in indexes]
        return [element for element in elements if element is not MISSING] or MISSING
    return MISSING
