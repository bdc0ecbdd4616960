"""Lines as items: JSON lines, CSV, and the JSON of DynamoDB's exports; and an item as a line.

jsonl      {"Author": "John Grisham", "Title": "The Firm", "Stock": 50}
csv        a header with the names of attributes, then a line for each item
dynamodb   {"Item": {"Author": {"S": "John Grisham"}, "Stock": {"N": "50"}}}
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..errors import InvalidItem, InvalidRequest, Problem
from ..model.annotations import types_of_field
from ..model.coerce import decode_base64
from ..model.item import VERSION, Item
from ..model.json import dumps, loads
from ..model.wire import image_from_wire, image_to_wire
from ..requests import parse_item
from ..writes import Write

FORMATS = ("jsonl", "csv", "dynamodb")


@dataclass(frozen=True, slots=True)
class Row:
    """An item of a file: the put that stores it, or what is wrong with it. `line` is its number, from 1; `text` the
    line itself."""

    line: int
    text: str
    write: Write | None = None
    problem: str | None = None


def format_of(path: str, first: str) -> str:
    """The format, by the file's name and its first line."""
    if path.removesuffix(".gz").endswith(".csv"):
        return "csv"
    try:
        value = loads(first)
    except InvalidRequest:
        return "jsonl"
    return "dynamodb" if isinstance(value, dict) and value.keys() == {"Item"} else "jsonl"


def read_rows(lines: Iterable[str], format: str, model: type[Item]) -> Iterator[Row]:
    """A row for each item; empty lines are none. InvalidRequest for a header that the model does not know."""
    if format == "csv":
        yield from _csv_rows(lines, model)
        return
    read = _from_export if format == "dynamodb" else _from_json
    for number, text in enumerate(lines, 1):
        if stripped := text.strip():
            yield _row(number, stripped, model, read)


def item_line(image: Mapping[str, Any], format: str = "jsonl") -> str:
    """The line of an item, in JSON: as `read_rows` reads it."""
    shown = {name: value for name, value in image.items() if name != VERSION}
    return dumps({"Item": image_to_wire(shown)} if format == "dynamodb" else shown)


def _row(number: int, text: str, model: type[Item], read: Callable[[type[Item], Any], Item]) -> Row:
    try:
        return Row(number, text, Write.put(read(model, text)))
    except InvalidRequest as error:
        return Row(number, text, problem=str(error))
    except Exception as error:  # a model's own validator
        return Row(number, text, problem=type(error).__name__)


def _from_json(model: type[Item], text: str) -> Item:
    return parse_item(model, _object(loads(text)))


def _from_export(model: type[Item], text: str) -> Item:
    wire = _object(_object(loads(text)).get("Item"))
    try:
        image = image_from_wire({name: _unpacked(value) for name, value in wire.items() if name != VERSION})
    except (ValueError, TypeError, AttributeError, ArithmeticError):
        raise InvalidItem(Problem((), 'not the JSON of an export: an attribute is written like {"S": …}')) from None
    return model.from_image(image)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidItem(Problem((), "an object is needed"))
    return value


def _unpacked(value: Any) -> Any:
    """The attribute with bytes in the place of base64."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: decode_base64(content)}
        case "BS":
            return {kind: [decode_base64(member) for member in content]}
        case "M":
            return {kind: {name: _unpacked(member) for name, member in content.items()}}
        case "L":
            return {kind: [_unpacked(member) for member in content]}
        case "S" | "N" | "BOOL" | "NULL" | "SS" | "NS":
            return value
    raise ValueError(kind)


def _csv_rows(lines: Iterable[str], model: type[Item]) -> Iterator[Row]:
    kept: list[str] = []
    reader = csv.reader(_kept(lines, kept), strict=True)
    try:
        names = next(reader, [])
    except csv.Error as error:
        raise InvalidRequest(Problem(("header",), str(error))) from None
    unknown = [name for name in names if name not in model.schema_.attributes]
    if unknown and model.model_config.get("extra") != "allow":
        raise InvalidItem(*(Problem(("header", name), model.schema_.unknown(name)) for name in unknown))
    texts = {name for name, field in model.schema_.attributes.items() if types_of_field(field) == {"S"}}
    while True:
        kept.clear()
        number = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Row(number, "".join(kept).strip(), problem=f"not CSV: {error}")
            continue
        if cells is None:
            return
        text = "".join(kept).strip()
        if not cells:
            continue
        if len(cells) != len(names):
            yield Row(number, text, problem=f"{len(cells)} cells, and the header has {len(names)}")
            continue
        yield _row(number, text, model, partial(_from_cells, names, cells, texts))


def _from_cells(names: Sequence[str], cells: Sequence[str], texts: set[str], model: type[Item], text: str) -> Item:
    return parse_item(model, _values(names, cells, texts))


def _kept(lines: Iterable[str], kept: list[str]) -> Iterator[str]:
    """The lines, which are kept as well: an item may go over several."""
    for line in lines:
        kept.append(line)
        yield line


def _values(names: Iterable[str], cells: Iterable[str], texts: set[str]) -> dict[str, Any]:
    """The item's JSON. An empty cell is an attribute that is not there; what is no text is JSON, as 50 or ["a","b"]."""
    found = ((name, cell) for name, cell in zip(names, cells, strict=True) if cell)
    return {name: cell if name in texts else _value(cell) for name, cell in found}


def _value(cell: str) -> Any:
    try:
        return loads(cell)
    except InvalidRequest:
        return cell
