"""The request cache: the messages of a batch are much alike."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidRequest
from ..messages import parse_message
from ..requests import Catalogue, parse_key
from ..writes import AnyWrite, Write

LIMIT = 16 * 1024 * 1024
"""Bytes that the writes of a cache may take, by an estimate from the lengths of their texts."""

_LONG = 2048
# measured: a list of small numbers takes most, 80 bytes a character
_WRITE_BYTES, _BYTES_PER_CHARACTER = 2048, 24


class RequestCache:
    """Turns parsed JSON into writes, and remembers what it has read.

    Messages that ask for the same update share its actions, and those that ask for it on the same item share the write:
    the thousandth increment of a counter costs a look-up.
    """

    def __init__(self, catalogue: Catalogue, *, limit: int = LIMIT) -> None:
        self._catalogue = catalogue
        self._writes, self._updates = _Bounded(limit // 2), _Bounded(limit // 2)

    def read(self, value: Any, size: int) -> AnyWrite:
        """What a message asks for; its idempotency key is not looked at. `size` is the length of its text."""
        if size > _LONG or not isinstance(value, dict) or value.get("op") != "update" or "key" not in value:
            return self._interpret(value)
        # repr tells every value from every other, a number from a string of its digits included
        update = repr([(name, member) for name, member in value.items() if name not in ("key", "idempotency_key")])
        text = f"{update} {value['key']!r}"
        write = self._writes.get(text)
        if write is None:
            write = self._update(update, value)
            self._writes.keep(text, write)
        return write

    def _update(self, text: str, value: dict[str, Any]) -> Write:
        known = self._updates.get(text)
        if known is not None:
            try:
                return known.at(parse_key(known.model, value["key"]))
            except InvalidRequest as error:
                raise error.under("key") from None
        write = self._interpret(value)
        assert isinstance(write, Write)
        self._updates.keep(text, write)
        return write

    def _interpret(self, value: Any) -> AnyWrite:
        if isinstance(value, dict) and "idempotency_key" in value:
            value = {name: member for name, member in value.items() if name != "idempotency_key"}
        return parse_message(value).to_write(self._catalogue)


class _Bounded:
    """Writes by their text, at most `limit` bytes of them; when they are full all are forgotten."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._writes: dict[str, Write] = {}
        self.get = self._writes.get

    def keep(self, text: str, write: Write) -> None:
        size = _WRITE_BYTES + _BYTES_PER_CHARACTER * len(text)
        if self._size + size > self._limit:
            self._writes.clear()
            self._size = 0
        self._writes[text] = write
        self._size += size
