"""The file of a load: its lines one by one, and what tells it from other files."""

from __future__ import annotations

import gzip
import hashlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_GZIP = b"\x1f\x8b"


class Source:
    """A file, or stdin for `-`; gzip is unpacked. `size` is its bytes, None where that is not known."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.size = None if path == "-" else Path(path).stat().st_size
        self.read = 0

    def digest(self) -> str | None:
        """SHA-256 of what is in it, None for stdin. A file with another line is another file, under any name."""
        if self.size is None:
            return None
        with Path(self.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def lines(self) -> Iterator[str]:
        """Its lines with their ends; UTF-8, and a byte order mark is none of the text. `read` counts the bytes as they
        lie in the file. UnicodeDecodeError for what is not UTF-8."""
        raw = sys.stdin.buffer if self.size is None else Path(self.path).open("rb")  # noqa: SIM115 - closed with the text
        buffered = io.BufferedReader(_Counted(raw, self))
        packed = buffered.peek(2)[:2] == _GZIP
        file = gzip.GzipFile(fileobj=buffered) if packed else buffered
        with io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as text:
            yield from text


class _Counted(io.RawIOBase):
    """Counts what is read of a file."""

    def __init__(self, file: BinaryIO, source: Source) -> None:
        self._file, self._source = file, source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._source.read += len(data)
        return len(data)

    def close(self) -> None:
        if self._source.size is not None:
            self._file.close()
        super().close()
