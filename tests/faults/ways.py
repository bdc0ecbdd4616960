"""Every way of the protocol, with what must stand in the tables after it, however often it was broken off."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from surewrite import Boto3Transport, Client, Deadline, IdempotencyKey, Item, Outcome, Transport, Write, attr
from surewrite.errors import Retryable
from surewrite.model.wire import Image
from surewrite.testing import Clock, Crash, Fault, FaultPlan, FaultTransport, InterceptingTransport
from tests.engine.house import House, Keys
from tests.faults.wires import Edit, Edited
from tests.models import Book, Offer

T = TypeVar("T")
BLIND = ("TransactWriteItems",)
PINNED = ("BatchGetItem", "TransactWriteItems")


def book(name: str, **fields: Any) -> Book:
    return Book.model_validate({"author": "a", "title": name, "stock": 1, **fields})


@dataclass(frozen=True)
class Way:
    """One write, made for an item of any name. `before` is what stands there, `after` what must stand there when it
    has been applied once, `answer` what every delivery must be told; `operations` is the way without a fault."""

    operations: tuple[str, ...]
    write: Callable[[str], Write]
    before: Callable[[str], Item | None]
    after: Callable[[str], Item | None]
    answer: Callable[[str], Item | None] = lambda name: None


def _add(name: str, **options: Any) -> Write:
    return Write.update(Book, ("a", name), {attr("Views").add(1)}, **options)


FIRST_ONLY = attr("Views").eq(0)

WAYS: dict[str, Way] = {
    "blind": Way(BLIND, _add, book, lambda name: book(name, views=1)),
    "blind if": Way(BLIND, lambda name: _add(name, when=FIRST_ONLY), book, lambda name: book(name, views=1)),
    "blind within a limit": Way(
        BLIND,
        lambda name: Write.update(Book, ("a", name), {attr("Stock").add(-1)}),
        book,
        lambda name: book(name, stock=0),
    ),
    "create": Way(BLIND, lambda name: Write.put(book(name), absent=True), lambda name: None, book),
    "pinned": Way(
        PINNED,
        lambda name: _add(name, return_values="ALL_NEW"),
        book,
        lambda name: book(name, views=1),
        lambda name: book(name, views=1),
    ),
    "pinned if": Way(
        PINNED,
        lambda name: _add(name, when=FIRST_ONLY, return_values="ALL_OLD"),
        book,
        lambda name: book(name, views=1),
        book,
    ),
    "create and show": Way(
        PINNED, lambda name: Write.put(book(name), absent=True, return_values="ALL_NEW"), lambda name: None, book, book
    ),
    "delete": Way(
        PINNED,
        lambda name: Write.delete(Book, ("a", name), when=FIRST_ONLY, return_values="ALL_OLD"),
        book,
        lambda name: None,
        book,
    ),
    "pinned by validators": Way(
        PINNED,
        lambda name: Write.update(Offer, name, {attr("low").add(1), attr("high").add(1)}),
        lambda name: Offer(id=name, low=1, high=1),
        lambda name: Offer(id=name, low=2, high=2),
    ),
}


@dataclass(frozen=True)
class Still(Deadline):
    """Time that does not pass: what is left is always the same."""

    def remaining(self) -> float:
        return self.at


IMPATIENT = Still(0.05 + 1e-9)
"""Enough for every call, but not to wait before another attempt."""


def no_sleep(seconds: float) -> None:
    pass


def timed(inner: Transport, clock: Clock) -> Transport:
    """Each call takes 20 ms of the clock's time, however long it takes: what a deadline cuts short is the same in every
    run."""
    return InterceptingTransport(inner, lambda operation, request: clock.sleep(0.02))


def broken(house: House, plan: FaultPlan) -> FaultTransport:
    return FaultTransport(Boto3Transport(house.client), plan, sleep=no_sleep)


def edited(house: House, edit: Edit) -> Edited:
    return Edited(Boto3Transport(house.client), edit)


def until_done(house: House, transport: FaultTransport, deliver: Callable[[Client], T]) -> T:
    """Delivers again and again, as a queue does, each time to a process that knows nothing of the last one."""
    with shown(transport):
        for _ in range(100):
            try:
                return deliver(house.on(transport, no_sleep))
            except (Retryable, Crash):
                continue
        raise AssertionError("it never ends")


@contextmanager
def shown(*transports: FaultTransport) -> Iterator[None]:
    """Tells which faults there were when something fails."""
    try:
        yield
    except BaseException as error:
        for transport in transports:
            error.add_note(repr(transport))
        raise


def prepare(house: House, way: Way, name: str, keys: Keys) -> tuple[Write, IdempotencyKey]:
    before = way.before(name)
    if before is not None:
        house.seed(before)
    return way.write(name), keys(name)


def check(house: House, way: Way, name: str, outcome: Outcome, keys: Keys) -> None:
    """The effect once, its key consumed with it, the right answer, and the same answer to another delivery."""
    write, key = way.write(name), keys(name)
    stored = house.stored(write.model, write.key)
    assert stored == _stamped(way.after(name), (stored or {}).get("_v"))
    assert house.consumed_by(key, write)
    held = house.holds(key) or {}
    assert ("outcome" in held) == ("entry" not in held and write.return_values != "NONE")
    # a replay shows the item as it is now, where the key lies in a slot: no outcome is kept
    assert outcome.current <= (outcome.replayed and "entry" in held and write.return_values != "NONE")
    assert outcome.attributes == _image(way.after(name) if outcome.current else way.answer(name))
    if outcome.version is not None:
        assert outcome.version == (stored or {}).get("_v")

    again = house.db.commit(write, key)
    assert again == house.replay_of(outcome, write, key)
    if "outcome" in held:
        assert again.dump() == outcome.dump() == held["outcome"]
    assert house.stored(write.model, write.key) == stored


def _image(item: Item | None) -> Image | None:
    return None if item is None else item.to_image()


def _stamped(item: Item | None, version: str | None) -> Image | None:
    assert version != "seeded"
    return None if item is None else {**item.to_image(), "_v": version}


def fitting(operation: str) -> list[Fault]:
    return [fault for fault in Fault if fault is not Fault.PASS and fault.fits(operation)]
