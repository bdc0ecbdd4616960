"""Every item of a table, as it is stored."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ..client import Client
from ..model.item import Item
from ..model.wire import Image
from ..parallel_scan import in_segments, read_segments
from ..reading import Reading


def stored_images(client: Client, model: type[Item], *, segments: int = 4, consistent: bool = False) -> Iterator[Image]:
    """The items of a model's table, by a scan of so many threads, in any order: also those, and those attributes, that
    the model does not know."""
    readings = in_segments(Reading(model=model, consistent=consistent), segments)
    return read_segments(client.session, readings, partial(client.session.begin, None))
