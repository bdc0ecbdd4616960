"""`IdempotencyKey`: what makes two requests one, within the scope of their caller."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import time
import uuid
from dataclasses import dataclass, field

from ..errors import InvalidKey, Problem

MAX_KEY_LENGTH = 255

QUEUE_SCOPE = "queue:"
"""How the scope of a queue's messages begins. Their outcomes need not be kept: SQS asks for none."""

# a record id has at most 2,048 bytes
_LONG_SCOPE = 400

_TIMED = re.compile(
    r"(?:\S* )?(?:"  # the group of a deduplication id
    r"([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"  # RFC 9562, section 5.7
    r"|([0-7][0-9a-hjkmnp-tv-z]{9})[0-9a-hjkmnp-tv-z]{16}"  # github.com/ulid/spec
    r"|([0-9]{13})-\S+"
    r")",
    re.IGNORECASE | re.ASCII,
)
_CROCKFORD = str.maketrans("abcdefghjkmnpqrstvwxyz", "abcdefghijklmnopqrstuv")
_YEAR_2010, _YEAR_2100 = 1_262_304_000_000, 4_102_444_800_000
_UNREAD = -1


def new_key() -> str:
    """A fresh UUID of version 7 (RFC 9562, section 5.7), the best of keys: it carries its time. Python has
    `uuid.uuid7` from 3.14 on."""
    milliseconds = int(time.time() * 1000)
    bits = milliseconds << 80 | int.from_bytes(os.urandom(10))
    return str(uuid.UUID(int=bits & ~(0xF000 << 64 | 0xC000 << 48) | 0x7000 << 64 | 0x8000 << 48))


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """A key within the scope of its caller: no caller can replay, or block, the key of another."""

    scope: str
    key: str
    _time: int | None = field(default=_UNREAD, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.key) <= MAX_KEY_LENGTH or not self.key.isprintable():
            raise InvalidKey(Problem(("idempotency_key",), f"1 to {MAX_KEY_LENGTH} printable characters are needed"))

    @classmethod
    def of(cls, key: str | IdempotencyKey, scope: str) -> IdempotencyKey:
        """The key, in the scope if it is only a text; InvalidKey for anything else."""
        if isinstance(key, IdempotencyKey):
            return key
        if not isinstance(key, str):
            raise InvalidKey(Problem(("idempotency_key",), "a string or an IdempotencyKey is needed"))
        return cls(scope, key)

    @property
    def timestamp(self) -> int | None:
        """The time that the key carries, in milliseconds since 1970, None if it carries none.

        It does if it is a UUIDv7, a ULID, or `<13 digits>-<text>` as the default key of a message is; each also behind
        a message group and a space. A time that is not from 2010 to 2100 is taken for chance.
        """
        if self._time == _UNREAD:
            object.__setattr__(self, "_time", _timestamp(self.key))
        return self._time

    @property
    def record_id(self) -> str:
        """`<scope>#<sha256(key), 32 base32 characters>`."""
        digest = hashlib.sha256(self.key.encode()).digest()[:20]
        return f"{self.record_scope}#{base64.b32encode(digest).decode()}"

    @property
    def record_scope(self) -> str:
        """The scope as record ids begin with it: the hash of one that is long."""
        scope = self.scope
        return scope if len(scope) <= _LONG_SCOPE else f"sha256:{hashlib.sha256(scope.encode()).hexdigest()}"


def _timestamp(key: str) -> int | None:
    found = _TIMED.fullmatch(key)
    if found is None:
        return None
    high, low, ulid, decimal = found.groups()
    if high:
        time = int(high + low, 16)
    elif ulid:
        time = int(ulid.lower().translate(_CROCKFORD), 32)
    else:
        time = int(decimal)
    return time if _YEAR_2010 <= time < _YEAR_2100 else None
