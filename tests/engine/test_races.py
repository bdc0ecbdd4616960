"""Many at once: on one key there is one winner and one answer, on one item one write after the other."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from surewrite import Boto3Transport, IdempotencyKey, Outcome, Table, Write, attr
from surewrite.errors import ConditionFailed, KeyReused
from tests.engine.house import RAINMAKER, House, Keys, rainmaker
from tests.models import Book, Offer

THREADS = 16
ROUNDS = 5
T = TypeVar("T")


def at_once(do: Callable[[int], T]) -> list[T]:
    """`do(0)`, `do(1)`, … in threads that begin together."""
    barrier = threading.Barrier(THREADS)

    def begin(number: int) -> T:
        barrier.wait()
        return do(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


FIRST_ONLY = attr("Views").eq(0)
RACES: dict[str, tuple[Callable[[Any], Write], Callable[[dict[str, Any]], None]]] = {
    "add": (
        lambda returns: Write.update(Book, RAINMAKER, {attr("Views").add(1)}, return_values=returns),
        lambda image: image.update(Views=1),
    ),
    "a condition that only the first can meet": (
        lambda returns: Write.update(Book, RAINMAKER, {attr("Views").add(1)}, FIRST_ONLY, return_values=returns),
        lambda image: image.update(Views=1),
    ),
    "a version that only the first can meet": (
        lambda returns: Write.update(Book, RAINMAKER, {attr("Views").add(1)}, version="seeded", return_values=returns),
        lambda image: image.update(Views=1),
    ),
    "the last in stock": (
        lambda returns: Write.update(Book, RAINMAKER, {attr("Stock").add(-1)}, return_values=returns),
        lambda image: image.update(Stock=0),
    ),
    "replace": (
        lambda returns: Write.put(rainmaker(stock=7), when=FIRST_ONLY & attr("Stock").eq(1), return_values=returns),
        lambda image: image.update(Stock=7),
    ),
    "delete": (
        lambda returns: Write.delete(Book, RAINMAKER, when=attr("Stock").eq(1), return_values=returns),
        lambda image: image.clear(),
    ),
}


@pytest.mark.parametrize("returns", ["NONE", "ALL_OLD", "ALL_NEW"])
@pytest.mark.parametrize("name", RACES)
def test_one_key(house: House, key: Keys, name: str, returns: Any) -> None:
    if (name, returns) == ("delete", "ALL_NEW"):
        returns = "ALL_OLD"
    make, change = RACES[name]
    for number in range(ROUNDS):
        house.seed(rainmaker(stock=1))
        after = rainmaker(stock=1).to_image()
        change(after)
        _one_winner(house, make(returns), key(str(number)), after)
    assert house.consumed() == ROUNDS


@pytest.mark.parametrize("returns", ["NONE", "ALL_OLD", "ALL_NEW"])
def test_one_key_that_creates(house: House, key: Keys, returns: Any) -> None:
    for number in range(ROUNDS):
        book = rainmaker(title=str(number))
        _one_winner(house, Write.put(book, absent=True, return_values=returns), key(str(number)), book.to_image())
    assert house.consumed() == ROUNDS


@pytest.mark.parametrize("returns", ["NONE", "UPDATED_NEW"])
def test_one_key_with_validators_across(house: House, key: Keys, returns: Any) -> None:
    for number in range(ROUNDS):
        write = Write.update(Offer, str(number), {attr("low").add(10)}, return_values=returns)
        _one_winner(house, write, key(str(number)), {"id": str(number), "low": 10})


def _one_winner(house: House, write: Write, idempotency_key: IdempotencyKey, after: dict[str, Any]) -> None:
    outcomes = at_once(lambda _: house.db.commit(write, idempotency_key))
    winner = next(outcome for outcome in outcomes if not outcome.replayed)
    replays = [outcome for outcome in outcomes if outcome.replayed]
    assert replays == [house.replay_of(winner, write, idempotency_key)] * (THREADS - 1)
    stored = house.stored(write.model, write.key)
    assert stored == ({**after, "_v": winner.version} if after else None)


@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_one_key_of_two_requests(house: House, key: Keys, returns: Any) -> None:
    """Whichever comes first, the other is refused in every thread."""

    def commit(number: int) -> int | None:
        by = 1 + number % 2
        write = Write.update(Book, RAINMAKER, {attr("Views").add(by)}, return_values=returns)
        try:
            house.db.commit(write, key())
        except KeyReused:
            return None
        return by

    answers = Counter(at_once(commit))
    assert answers.pop(None) == THREADS // 2
    ((views, count),) = answers.items()
    assert count == THREADS // 2
    assert (house.shown(Book, RAINMAKER) or {})["Views"] == views


@pytest.mark.parametrize("table", [Book, Offer])
def test_keys_racing_on_one_item_see_every_value_once(house: House, key: Keys, table: Any) -> None:
    item, name = (RAINMAKER, "Views") if table is Book else ("o", "high")
    actions = {attr(name).add(1), attr("low").add(1)} if table is Offer else {attr(name).add(1)}

    def commit(number: int) -> Outcome:
        return house.db.commit(Write.update(table, item, actions, return_values="ALL_NEW"), key(str(number)))

    outcomes = at_once(commit)
    assert sorted((outcome.attributes or {})[name] for outcome in outcomes) == list(range(1, THREADS + 1))
    assert len({outcome.version for outcome in outcomes}) == THREADS
    last = max(outcomes, key=lambda outcome: (outcome.attributes or {})[name])
    assert house.stored(table, item) == {**(last.attributes or {}), "_v": last.version}
    assert house.consumed() == THREADS


@pytest.mark.parametrize("keyed", [True, False])
@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_of_different_callers_only_one_meets_the_condition(house: House, key: Keys, keyed: bool, returns: Any) -> None:
    house.seed(rainmaker())

    def commit(number: int) -> object:
        write = Write.update(Book, RAINMAKER, {attr("Views").add(1)}, FIRST_ONLY, return_values=returns)
        try:
            house.db.commit(write, key(scope=str(number)) if keyed else None)
        except ConditionFailed as failed:
            return failed.image
        return "applied"

    answers = at_once(commit)
    assert answers.count("applied") == 1
    assert answers.count(rainmaker(views=1).to_image()) == THREADS - 1
    assert house.shown(Book, RAINMAKER) == rainmaker(views=1).to_image()


class Between:
    """Reads the record and the item of a batch in two calls, and lets something happen in between."""

    def __init__(self, house: House, happen: Callable[[], object]) -> None:
        self._send, self._happen = Boto3Transport(house.client), happen

    def __call__(self, operation: str, request: Mapping[str, Any], /) -> dict[str, Any]:
        if operation != "BatchGetItem":
            return self._send(operation, request)
        responses: dict[str, Any] = {}
        for name, asked in request["RequestItems"].items():
            responses |= self._send(operation, {"RequestItems": {name: asked}})["Responses"]
            self._happen()
        return {"Responses": responses}


@pytest.mark.parametrize("name", RACES)
def test_the_first_delivery_commits_between_the_two_reads_of_the_second(house: House, key: Keys, name: str) -> None:
    write = RACES[name][0]("ALL_OLD")
    house.seed(rainmaker(stock=1))
    first: list[Outcome] = []

    def deliver() -> None:
        first.append(house.db.commit(write, key()))

    again = house.on(Between(house, deliver)).commit(write, key())
    # a refusal that the ledger is asked about reads both places of a key that may lie in a slot
    assert [outcome.replayed for outcome in first][:2] == [False, True]
    assert sum(not outcome.replayed for outcome in first) == 1
    assert again == house.replay_of(first[0], write, key())
    assert (house.stored(Book, RAINMAKER) or {}).get("_v") == first[0].version


def test_a_table_serves_threads(house: House) -> None:
    books: Table[Book] = house.table(Book)
    at_once(lambda number: books.update(RAINMAKER, {attr("Tags").add({str(number)})}, idempotency_key=str(number)))
    book = books.get(RAINMAKER)
    assert book is not None
    assert book.tags == set(map(str, range(THREADS)))
