"""What the headers of a request demand: `If-Match`, `If-None-Match` (RFC 9110, section 13) and `Prefer` (RFC 7240)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from surewrite.errors import InvalidRequest, Problem
from surewrite.expressions.conditions import Condition
from surewrite.model.item import Item
from surewrite.requests import demands


def of_write(headers: Mapping[str, str], model: type[Item], when: Condition | None = None) -> dict[str, Any]:
    """`when`, `version` and `absent` of a `Write`: what its headers demand, besides the condition in its body."""
    named = members(headers)
    return demands(model, when, named.get("if_match"), named.get("if_none_match"))


def members(headers: Mapping[str, str]) -> dict[str, str]:
    """`if_match` and `if_none_match` as members of a message."""
    found: dict[str, str] = {}
    if (if_match := headers.get("If-Match")) is not None:
        found["if_match"] = "*" if if_match == "*" else _version(if_match)
    if (if_none_match := headers.get("If-None-Match")) is not None:
        if if_none_match != "*":
            raise InvalidRequest(Problem(("If-None-Match",), "must be * for a write"))
        found["if_none_match"] = "*"
    return found


def _version(tag: str) -> str:
    match = re.fullmatch('"([!#-~]*)"', tag)
    if match is None:
        raise InvalidRequest(Problem(("If-Match",), 'must be one strong entity tag, as in "abc", or *'))
    return match[1]


def is_current(headers: Mapping[str, str], version: str) -> bool:
    """Whether the client of a read has this version already, as its `If-None-Match` says."""
    tags = headers.get("If-None-Match", "")
    return tags == "*" or f'"{version}"' in tags


def prefers_minimal(headers: Mapping[str, str]) -> bool:
    """`Prefer: return=minimal`."""
    return _preferences(headers).get("return") == "minimal"


def prefers_async(headers: Mapping[str, str]) -> bool:
    """`Prefer: respond-async`."""
    return _preferences(headers).get("respond-async") == ""


# whatever stands between commas that are not quoted; in a quoted string a backslash escapes (RFC 9110, section 5.6.4)
_PREFERENCE = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^,"])+')


def _preferences(headers: Mapping[str, str]) -> dict[str, str]:
    """The preferences by their names in lower case, without their parameters; of a repeated one the first counts."""
    found: dict[str, str] = {}
    for preference in _PREFERENCE.findall(headers.get("Prefer", "")):
        name, _, value = preference.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found
