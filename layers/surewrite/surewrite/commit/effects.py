"""What a write makes of the item that it meets: pure, so that a retry and an explanation need no further read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import ConditionFailed, InvalidRequest, SurewriteError
from ..expressions.attributes import attr
from ..expressions.conditions import Condition, all_of
from ..expressions.evaluate import apply, evaluate, returned
from ..expressions.updates import Update
from ..model.item import VERSION, Item, checked_size
from ..model.wire import Image
from ..writes import Check, Put, Write
from .outcome import Outcome


@dataclass(frozen=True)
class Effect:
    """The item after a write, None if it is gone, and the outcome to show."""

    image: Image | None
    outcome: Outcome


def effect(write: Write, image: Image | None, version: str) -> Effect:
    """The write, applied to the image.

    ConditionFailed if it demands another one; InvalidItem, InvalidUpdate or ItemTooLarge if the new item would violate
    the model or DynamoDB would refuse it.
    """
    visible = write.model.schema_.visible
    if write.condition is not None and not evaluate(write.condition, image):
        raise write.failed(image)
    if isinstance(write.action, Check):
        return Effect(image, Outcome())
    old, new = visible(image), _new_image(write, image)
    if new is None:
        return Effect(None, Outcome(old if write.return_values == "ALL_OLD" else None))
    if isinstance(write.action, Update):
        write.model.from_image(new)
        checked_size({**new, VERSION: version})
        write.model.schema_.check_indexed(new)
        shown = visible(returned(write.action, write.return_values, old, new))
    else:
        shown = {"ALL_NEW": visible(new), "ALL_OLD": old}.get(write.return_values)
    return Effect({**new, VERSION: version}, Outcome(shown, version, created=old is None))


def unread_effect(write: Write, image: Image | None) -> Image | None:
    """The item after a write that is committed without being read first: as far as its condition and the model's
    constraint let it, with no look at what else the item holds. Raises what `effect` does."""
    demanded = all_of([write.condition, write.constraint])
    if demanded is not None and not evaluate(demanded, image):
        raise explain(write, image)
    return _new_image(write, image)


def _new_image(write: Write, image: Image | None) -> Image | None:
    """The item after the write, without a version; None if it is gone. InvalidUpdate where DynamoDB would refuse."""
    match write.action:
        case Update() as update:
            return apply(update, {**write.key, **(image or {})})
        case Put(image=new):
            return new
        case Check():
            return image
    return None


def pin(model: type[Item], image: Image | None) -> Condition:
    """Holds as long as the item is the one that was read."""
    partition = attr(model.schema_.partition.name)
    if image is None:
        return partition.not_exists()
    if VERSION in image:
        return attr(VERSION).eq(image[VERSION])
    return partition.exists() & attr(VERSION).not_exists()


def pinned(write: Write, image: Image | None) -> Condition | None:
    """What a write that was computed from the image demands besides its own condition: that very version, and the
    model's constraint, for a writer outside the library may change an item without changing its version."""
    return all_of([pin(write.model, image), write.constraint])


def pinned_request(write: Write, table: str, version: str, image: Image | None) -> tuple[str, dict[str, Any]]:
    """The request of a write that was computed from the image."""
    try:
        return write.request(table, version, pinned(write, image))
    except InvalidRequest:  # with the model's constraint the condition is too long for one request
        return write.request(table, version, pin(write.model, image))


def explain(write: Write, image: Image | None) -> SurewriteError:
    """Why the condition of a write that was not read first has failed: the client's own or a limit of the model."""
    try:
        effect(write.resolved(image), image, "")
    except (ConditionFailed, InvalidRequest) as error:
        return error
    return write.failed(image)
