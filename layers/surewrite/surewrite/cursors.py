"""Cursors: where the next page of a read begins, as a text that only this API can read or make."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cached_property
from typing import TYPE_CHECKING

from .errors import ConfigurationError, InvalidRequest, Problem
from .model.json import canonical
from .model.wire import Image, Wire, image_from_wire, image_to_wire

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

MIN_SECRET = 32
"""Characters of a secret."""


class Cursors:
    """Seals positions with secrets, one or several between spaces: the first seals, all of them open, so that a new one
    can be put in front of the old one.

    A cursor holds the keys of an item, which its reader may not be meant to see, and is encrypted; it opens only for
    the same `context`, which is who reads what.
    """

    def __init__(self, secrets: str) -> None:
        self._secrets = secrets.split()
        if not self._secrets or any(len(secret) < MIN_SECRET for secret in self._secrets):
            raise ConfigurationError(f"CURSOR_KEY: at least {MIN_SECRET} characters are needed, without spaces")

    def seal(self, position: Image, context: str) -> str:
        """The cursor of a position, URL-safe."""
        content = canonical({"of": _digest(context), "at": image_to_wire(position)})
        return self._fernet.encrypt(content.encode()).decode().rstrip("=")

    def open(self, cursor: str, context: str) -> Image:
        """The position; InvalidRequest for another text than a cursor of this context."""
        from cryptography.fernet import InvalidToken

        try:
            content = json.loads(self._fernet.decrypt(cursor.encode() + b"=" * (-len(cursor) % 4)))
        except InvalidToken:
            raise _refused("no cursor of this API, or one that was made with a key that is not used any more") from None
        if content["of"] != _digest(context):
            raise _refused("a cursor of another read or of another caller")
        return image_from_wire(_with_bytes(content["at"]))

    @cached_property
    def _fernet(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet  # takes longer to import than most reads have pages

        keys = (hashlib.sha256(b"surewrite cursor " + secret.encode()).digest() for secret in self._secrets)
        return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def _refused(reason: str) -> InvalidRequest:
    return InvalidRequest(Problem(("next",), reason))


def _digest(context: str) -> str:
    return hashlib.sha256(context.encode()).hexdigest()[:32]


def _with_bytes(wire: Wire) -> Wire:
    """Key values as they were before they became JSON, in which binary ones are base64."""
    return {
        name: {kind: base64.b64decode(value) if kind == "B" else value for kind, value in typed.items()}
        for name, typed in wire.items()
    }
