"""Placeholders: the names and values of a request's expressions, numbered in the order of their first use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidUpdate, Problem
from ..model.wire import Wire, to_wire
from ..paths import Path

# "Service, account, and table quotas": expression parameters
MAX_EXPRESSION_BYTES = 4096
MAX_OPERATORS = 300

# what the stamp of the version adds: ", #999 = :999", or a SET clause of its own
_VERSION_BYTES = 24


@dataclass
class Placeholders:
    """Hands out `#0`, `#1`, … for names (the same one for the same name) and `:0`, `:1`, … for values.

    One for each request: its update and its conditions share it. With `given_only` values are written without what a
    model's defaults filled in, for fingerprints.
    """

    names: dict[str, str] = field(default_factory=dict)
    values: Wire = field(default_factory=dict)
    given_only: bool = False

    def path(self, path: Path) -> str:
        """The path's text."""
        text = ""
        for element in path:
            if isinstance(element, int):
                text += f"[{element}]"
            else:
                placeholder = self.names.setdefault(element, f"#{len(self.names)}")
                text += f".{placeholder}" if text else placeholder
        return text

    def value(self, value: Any, wire: Wire | None = None) -> str:
        """The value's text; `wire` is its wire form, if that is there already."""
        placeholder = f":{len(self.values)}"
        self.values[placeholder] = to_wire(value) if wire is None else wire
        return placeholder

    def copy(self) -> Placeholders:
        """Placeholders that begin with these."""
        return Placeholders(dict(self.names), dict(self.values))

    def parameters(self) -> dict[str, Any]:
        """`ExpressionAttributeNames` and `…Values`, without the empty ones, which DynamoDB refuses."""
        named = {placeholder: name for name, placeholder in self.names.items()}
        parameters = {"ExpressionAttributeNames": named, "ExpressionAttributeValues": dict(self.values)}
        return {name: value for name, value in parameters.items() if value}


def check_expression(text: str, operators: int) -> None:
    """InvalidUpdate if DynamoDB would refuse the update expression for its size."""
    if len(text) > MAX_EXPRESSION_BYTES - _VERSION_BYTES:
        raise InvalidUpdate(Problem((), f"longer than DynamoDB's {MAX_EXPRESSION_BYTES} bytes when written out"))
    if operators + 1 > MAX_OPERATORS:
        raise InvalidUpdate(Problem((), f"more than DynamoDB's {MAX_OPERATORS} operators"))
