"""A scan by several threads, each of a segment of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace

from .commit.session import Call, Session
from .errors import InvalidRequest
from .model.wire import Image
from .reading import Images, Reading, read_page

MAX_SEGMENTS = 100
"""Threads of one scan."""


def in_segments(reading: Reading, segments: int) -> list[Reading]:
    """The segments of the scan. InvalidRequest names what is wrong."""
    if type(segments) is not int or not 1 <= segments <= MAX_SEGMENTS:
        raise InvalidRequest.at(f"a number from 1 to {MAX_SEGMENTS} is needed", "segments")
    if reading.segment is not None:
        raise InvalidRequest.at("this is one segment already", "segments")
    return [replace(reading, segment=(number, segments)) for number in range(segments)]


def read_segments(
    session: Session, readings: list[Reading], begin: Callable[[], Call], *, page_size: int | None = None
) -> Iterator[Image]:
    """Every item of the readings, as their pages come. The next page of each is read while this one is taken: there are
    never more than two pages of each. What one of them raises ends all, and so does closing the iterator."""
    with ThreadPoolExecutor(len(readings), thread_name_prefix="scan") as threads:
        pending: dict[Future[Images], Reading] = {}

        def read(reading: Reading, after: Image | None) -> None:
            page = threads.submit(read_page, session, reading, begin(), limit=page_size, after=after)
            pending[page] = reading

        try:
            for reading in readings:
                read(reading, None)
            while pending:
                for done in wait(pending, return_when=FIRST_COMPLETED).done:
                    page, reading = done.result(), pending.pop(done)
                    if page.next is not None:
                        read(reading, page.next)
                    yield from page.items
        finally:
            threads.shutdown(cancel_futures=True)
