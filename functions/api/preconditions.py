"""What the headers of a request demand: `If-Match`, `If-None-Match` (RFC 9110, section 13) and `Prefer` (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from surewrite.errors import InvalidRequest, Problem
from surewrite.expressions.attributes import attr
from surewrite.expressions.conditions import Condition, all_of
from surewrite.model.item import Item


def of_write(headers: Mapping[str, str], model: type[Item], when: Condition | None = None) -> dict[str, Any]:
    """`when`, `version` and `absent` of a `Write`: what its headers demand, besides the condition in its body."""
    if_match, if_none_match = headers.get("If-Match"), headers.get("If-None-Match")
    if if_none_match is not None and if_none_match.strip() != "*":
        raise InvalidRequest(Problem(("If-None-Match",), "must be * for a write"))
    anything = if_match is not None and if_match.strip() == "*"
    present = attr(model.schema_.partition.name).exists() if anything else None
    return {
        "when": all_of([when, present]),
        "version": None if if_match is None or anything else _version(if_match),
        "absent": if_none_match is not None,
    }


def _version(tag: str) -> str:
    match = re.fullmatch(r'\s*"([^"]*)"\s*', tag)
    if match is None:
        raise InvalidRequest(Problem(("If-Match",), 'must be one strong entity tag, as in "abc", or *'))
    return match[1]


def is_current(headers: Mapping[str, str], version: str) -> bool:
    """Whether the client of a read has this version already, as its `If-None-Match` says."""
    tags = headers.get("If-None-Match", "")
    return tags.strip() == "*" or f'"{version}"' in tags


def prefers_minimal(headers: Mapping[str, str]) -> bool:
    """`Prefer: return=minimal`."""
    return re.search(r"(^|[,;\s])return\s*=\s*\"?minimal\b", headers.get("Prefer", "")) is not None
