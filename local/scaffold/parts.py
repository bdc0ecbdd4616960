"""What stands between the marks of template.yaml, for the models."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from local.scaffold import tables
from local.scaffold.marks import Lines, Part
from local.template import TemplateError

if TYPE_CHECKING:
    from surewrite import Item

    Models = Sequence[type[Item]]


def parts(models: "Models", text: str) -> dict[str, Part]:
    """Every part of the template `text`. TemplateError for a table that cannot be a resource, and one of two models."""
    _check(models)
    ledger = tables.ledger(text)
    made: dict[str, Callable[[Models], Lines]] = {
        "variables": _variables,
        "tables": _tables,
        "tables and indexes": _tables_and_indexes,
        "table names": _table_names,
        "dashboard": _dashboard,
        "outputs": _outputs,
    }
    fixed: dict[str, Part] = {name: _fixed(lines(models)) for name, lines in made.items()}
    return fixed | {"table resources": lambda there: tables.resources(models, there, ledger)}


def _fixed(lines: Lines) -> Part:
    return lambda there: lines


def _check(models: "Models") -> None:
    if not models:
        raise TemplateError("MODELS is empty: there is nothing to serve")
    owners: dict[str, str] = {}
    for model in models:
        table, name = model.schema_.table, model.__name__
        if not (table.isascii() and table.isalnum()):
            raise TemplateError(f"{name}: the table {table} is a resource's name here: letters and digits only")
        if other := owners.get(table.lower()):
            raise TemplateError(f"{name}: the table {table} is the one of {other} as well, or differs only in case")
        owners[table.lower()] = name


def _names(models: "Models") -> list[str]:
    return [model.schema_.table for model in models]


def _variables(models: "Models") -> Lines:
    from surewrite.settings import table_variable

    return [f"{table_variable(table)}: !Ref {table}" for table in _names(models)]


def _tables(models: "Models") -> Lines:
    return [f"- !GetAtt {table}.Arn" for table in _names(models)]


def _tables_and_indexes(models: "Models") -> Lines:
    lines: Lines = []
    for model in models:
        table = model.schema_.table
        lines.append(f"- !GetAtt {table}.Arn")
        lines += [f'- !Sub "${{{table}.Arn}}/index/{index}"' for index in model.schema_.indexes]
    return lines


def _table_names(models: "Models") -> Lines:
    return _nested(f"!Sub \" OR TableName = '${{{table}}}'\"" for table in _names(models))


def _dashboard(models: "Models") -> Lines:
    return _nested(f"!Sub '{json.dumps(_units(table))}'" for table in _names(models))


def _units(table: str) -> list[Any]:
    """A metric of the dashboard: the write units of a table."""
    options = {"id": f"units_{table.lower()}", "stat": "Sum", "label": table}
    return ["AWS/DynamoDB", "ConsumedWriteCapacityUnits", "TableName", f"${{{table}}}", options]


def _outputs(models: "Models") -> Lines:
    return [f"{table[0].upper()}{table[1:]}Table: {{Value: !Ref {table}}}" for table in _names(models)]


def _nested(entries: Iterable[str]) -> Lines:
    """A list within a list: its first line opens both."""
    return [f"{'  ' if number else '- '}- {entry}" for number, entry in enumerate(entries)]
