"""Document paths: `Formats.Audiobook`, `basket.items[1].qty`, `` Formats.`v1.0` ``.

A name with a dot, a bracket or a backtick is written between backticks (a backtick inside is doubled).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from .errors import InvalidUpdate, Problem

MAX_DEPTH = 32
"""How deep an item may be nested, and a path may lead: "Service, account, and table quotas"."""

Element: TypeAlias = str | int
"""A name in a map, or an index in a list."""

_TOKEN = re.compile(r"`(?P<quoted>(?:[^`]|``)+)`|(?P<name>[^.\[\]`]+)|\[(?P<index>\d+)\]", re.ASCII)
_MAX_INDEX_DIGITS = 9

# longer texts are not kept: requests that are full of them could fill the memory
_LONG = 256


class Path(tuple[Element, ...]):
    """The way to an attribute: names of maps and indexes of lists, beginning with the attribute's name."""

    __slots__ = ()

    def __str__(self) -> str:
        text = ""
        for element in self:
            if isinstance(element, int):
                text += f"[{element}]"
            else:
                quoted = "`" + element.replace("`", "``") + "`" if re.search(r"[.\[\]`]", element) else element
                text += f".{quoted}" if text else quoted
        return text

    def __repr__(self) -> str:
        return f"Path({str(self)!r})"

    @property
    def name(self) -> str:
        """The attribute of the item that the path begins with."""
        first = self[0]
        assert isinstance(first, str)
        return first

    def overlaps(self, other: Path) -> bool:
        """Whether one of the two leads through the other, which no expression may combine."""
        return self[: len(other)] == other[: len(self)]


def path(spec: str | Path | Iterable[Element]) -> Path:
    """A path from its text, or from its elements; InvalidUpdate says what is wrong with it."""
    if isinstance(spec, Path):
        return spec
    if isinstance(spec, str):
        if not spec.isascii():
            _check_unicode(spec)
        return _parse(spec) if len(spec) <= _LONG else _parse.__wrapped__(spec)
    elements = Path(spec)
    if not elements or not isinstance(elements[0], str):
        raise InvalidUpdate(Problem((), "a path begins with the name of an attribute"))
    return elements


@lru_cache(maxsize=2048)
def _parse(text: str) -> Path:
    elements: list[Element] = []
    position = 0
    while position < len(text):
        if elements and text[position] == ".":
            position += 1
            follows_dot = True
        else:
            follows_dot = not elements
        token = _TOKEN.match(text, position)
        if token is None or (token["index"] is None) != follows_dot:
            raise _malformed(text)
        if token["index"] is not None:
            if len(token["index"]) > _MAX_INDEX_DIGITS:
                raise InvalidUpdate(Problem((text,), f"an index has at most {_MAX_INDEX_DIGITS} digits"))
            elements.append(int(token["index"]))
        else:
            elements.append(token["quoted"].replace("``", "`") if token["quoted"] else token["name"])
        position = token.end()
    if not elements:
        raise _malformed(text)
    if len(elements) > MAX_DEPTH:
        raise InvalidUpdate(Problem((text,), f"a path has at most {MAX_DEPTH} elements"))
    return Path(elements)


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidUpdate(Problem((), "a path is not valid Unicode: half a surrogate pair")) from None


def _malformed(text: str) -> InvalidUpdate:
    return InvalidUpdate(Problem((text,), "not a document path; write it like Formats.Audiobook or items[1].qty"))
