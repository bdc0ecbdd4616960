"""The tables of the models, as resources of the template.

A model decides the keys, the indexes and the time to live of its table. All else, such as encryption or a stream, is
the template's: a table that stands there keeps it, a new one has it from the ledger's table.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import yaml

from local.scaffold.marks import Lines
from local.template import TemplateError

if TYPE_CHECKING:
    from surewrite import Item

_LEDGER = "  Ledger:"
_RESOURCE = re.compile(r"^(\w+):$")
_PROPERTY = re.compile(r"^    (\w+):")
_PLAIN = re.compile(r"[A-Za-z_][\w.-]*")
_DECIDED = (
    "AttributeDefinitions",
    "KeySchema",
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "TimeToLiveSpecification",
)


def resources(models: "Iterable[type[Item]]", there: Sequence[str], ledger: Lines) -> Lines:
    """The tables' lines, with a blank one between two. `there` are those that stand in the template, `ledger` are the
    lines of the ledger's table; all without indentation."""
    blocks = _blocks(there)
    written: Lines = []
    for model in models:
        name = model.schema_.table
        written += ["", f"{name}:", *_decided(model, blocks.get(name, ledger)[1:])]
    return written[1:]


def ledger(text: str) -> Lines:
    """The lines of the ledger's table in a template, without indentation."""
    lines = text.splitlines()
    if _LEDGER not in lines:
        raise TemplateError("the template has no table Ledger: new tables are made after it")
    rest = lines[lines.index(_LEDGER) + 1 :]
    return ["Ledger:", *(line[2:] for line in takewhile(lambda line: line.startswith("    "), rest))]


def _blocks(lines: Sequence[str]) -> Mapping[str, Lines]:
    """The lines of every resource, by its name."""
    blocks: dict[str, Lines] = {}
    block: Lines = []
    for line in filter(None, lines):
        if found := _RESOURCE.match(line):
            block = blocks[found[1]] = []
        block.append(line)
    return blocks


def _decided(model: "type[Item]", lines: Sequence[str]) -> Lines:
    """The lines with what the model decides in the place of what stands there of it."""
    kept: list[Lines] = []
    ours = place = None
    for line in lines:
        if found := _PROPERTY.match(line):
            ours = found[1] in _DECIDED
            place = len(kept) if ours and place is None else place
        elif not line.startswith("     "):
            ours = False
        if not ours:
            kept.append([line])
    if place is None:
        raise TemplateError(f"{model.schema_.table}: AttributeDefinitions is missing")
    kept.insert(place, list(_properties(model)))
    return [line for group in kept for line in group]


def _properties(model: "type[Item]") -> Iterable[str]:
    from surewrite.model.definition import table_definition

    definition = table_definition(model.schema_)
    for name in ("AttributeDefinitions", "KeySchema"):
        yield f"    {name}:"
        yield from (f"      - {_flow(one)}" for one in definition[name])
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if indexes := definition.get(name):
            yield f"    {name}:"
            for index in indexes:
                yield f"      - IndexName: {_flow(index['IndexName'])}"
                yield "        KeySchema:"
                yield from (f"          - {_flow(key)}" for key in index["KeySchema"])
                yield f"        Projection: {_flow(index['Projection'])}"
    if model.schema_.ttl is not None:
        yield f"    TimeToLiveSpecification: {_flow({'AttributeName': model.schema_.ttl, 'Enabled': True})}"


def _flow(value: Any) -> str:
    """YAML on one line. A name that YAML would take for something else, such as `on`, stands in quotes."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(member)}" for name, member in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    plain = isinstance(value, str) and _PLAIN.fullmatch(value) and yaml.safe_load(value) == value
    return value if plain else json.dumps(value, ensure_ascii=False)
