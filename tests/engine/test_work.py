"""The unit of work: reads, writes, result and key in one transaction."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from surewrite import Boto3Transport, Client, IdempotencyKey, Ledger, NotFound, Table, Transaction, attr
from surewrite.errors import ConditionFailed, InvalidItem, InvalidKey, InvalidRequest, InvalidUpdate, KeyReused
from surewrite.testing import InterceptingTransport, RecordingTransport
from tests.models import Book, Product, User

Ahead = list[Callable[[], object]]
"""What happens ahead of the next transactions, one of it ahead of each."""

RAINMAKER = ("John Grisham", "The Rainmaker")


class Receipt(BaseModel):
    total: Decimal
    copies: int


@pytest.fixture
def calls(dynamodb_client: Any) -> RecordingTransport:
    return RecordingTransport(Boto3Transport(dynamodb_client))


@pytest.fixture
def ahead() -> Ahead:
    return []


@pytest.fixture
def writer(calls: RecordingTransport, ahead: Ahead, table_names: dict[str, str]) -> Client:
    def before(operation: str, request: Mapping[str, Any]) -> None:
        if operation == "TransactWriteItems" and ahead:
            ahead.pop(0)()

    return Client(Ledger(table_names["Ledger"]), transport=InterceptingTransport(calls, before), tables=table_names)


@pytest.fixture
def books(writer: Client) -> Table[Book]:
    books = writer.table(Book)
    books.put(Book(author=RAINMAKER[0], title=RAINMAKER[1], price=Decimal("12.5"), stock=10))
    return books


def stock(books: Table[Book]) -> int:
    book = books.get(RAINMAKER, consistent=True)
    assert book is not None
    return book.stock


def order_of(writer: Client, runs: list[int]) -> Any:
    @writer.exactly_once("place_order")
    def place_order(tx: Transaction, copies: int) -> Receipt:
        runs.append(copies)
        book = tx.require(Book, RAINMAKER)
        tx.update(Book, RAINMAKER, {attr("Stock").add(-copies)})
        tx.put(User(username="jane", last_name=f"order-{copies}"))
        assert book.price is not None
        return Receipt(total=book.price * copies, copies=copies)

    return place_order


@pytest.mark.parametrize("key", ["order-1", "1767225600000-order-1"], ids=["any key", "a key with its time"])
def test_the_writes_and_the_result_are_committed_once(
    writer: Client, books: Table[Book], calls: RecordingTransport, key: str
) -> None:
    runs: list[int] = []
    place_order = order_of(writer, runs)
    calls.calls.clear()
    first = place_order(3, idempotency_key=key)
    assert calls.operations == ["GetItem", "GetItem", "TransactWriteItems"]
    again = place_order(3, idempotency_key=key)
    assert first == again == Receipt(total=Decimal("37.5"), copies=3)
    assert runs == [3]
    assert stock(books) == 7
    assert writer.table(User).get(("jane", "order-3")) is not None


@pytest.mark.parametrize("text", ["order-1", "1767225600000-order-1"])
def test_a_key_of_a_queue_is_refused(writer: Client, calls: RecordingTransport, text: str) -> None:
    """It may share its record with others, and then no result is kept."""
    runs: list[int] = []
    with pytest.raises(InvalidKey, match="a queue"):
        order_of(writer, runs)(3, idempotency_key=IdempotencyKey("queue:orders", text))
    assert (runs, calls.operations) == ([], [])


def test_another_request_under_the_key_is_refused(writer: Client, books: Table[Book]) -> None:
    place_order = order_of(writer, [])
    place_order(3, idempotency_key="order-1")
    with pytest.raises(KeyReused):
        place_order(4, idempotency_key="order-1")
    assert stock(books) == 7


def test_a_lost_race_runs_it_again(writer: Client, books: Table[Book], ahead: Ahead) -> None:
    runs: list[int] = []
    place_order = order_of(writer, runs)
    ahead.append(lambda: books.update(RAINMAKER, {attr("Price").set(Decimal(20))}))
    assert place_order(2, idempotency_key="order-1") == Receipt(total=Decimal(40), copies=2)
    assert runs == [2, 2]
    assert stock(books) == 8


def test_an_item_that_was_only_read_is_pinned(writer: Client, books: Table[Book], ahead: Ahead) -> None:
    @writer.exactly_once("note")
    def note(tx: Transaction) -> int:
        seen = tx.require(Book, RAINMAKER).stock
        tx.put(User(username="stock", last_name=str(seen)))
        return seen

    ahead.append(lambda: books.update(RAINMAKER, {attr("Stock").set(5)}))
    assert note(idempotency_key="n") == 5
    assert writer.table(User).get(("stock", "10")) is None


def test_the_model_holds_with_and_without_a_read(writer: Client, books: Table[Book]) -> None:
    @writer.exactly_once("blind")
    def blind(tx: Transaction) -> None:
        tx.update(Book, RAINMAKER, {attr("Stock").add(-11)})

    for work, arguments in ((blind, ()), (order_of(writer, []), (11,))):
        with pytest.raises(InvalidItem, match="Stock"):
            work(*arguments, idempotency_key="too many")
    assert stock(books) == 10


def test_a_condition_of_a_write_fails_the_whole(writer: Client, books: Table[Book]) -> None:
    @writer.exactly_once("conditional")
    def conditional(tx: Transaction) -> None:
        tx.put(User(username="never", last_name="written"))
        tx.update(Book, RAINMAKER, {attr("Views").add(1)}, when=attr("Stock").lt(5))

    with pytest.raises(ConditionFailed):
        conditional(idempotency_key="c")
    assert writer.table(User).get(("never", "written")) is None


def test_what_dynamodb_refuses_is_explained(writer: Client, books: Table[Book]) -> None:
    @writer.exactly_once("increment")
    def increment(tx: Transaction) -> None:
        tx.update(User, ("new", "one"), {attr("age").increment(1)})

    with pytest.raises(InvalidRequest, match="age"):
        increment(idempotency_key="i")


def test_updates_of_one_item_go_together_or_are_refused(writer: Client, books: Table[Book]) -> None:
    @writer.exactly_once("twice")
    def twice(tx: Transaction, second: Any) -> None:
        tx.update(Book, RAINMAKER, {attr("Stock").add(-1)})
        tx.update(Book, RAINMAKER, {second})

    twice(attr("Stock").add(-2), idempotency_key="sum")
    assert stock(books) == 7
    with pytest.raises(InvalidUpdate, match="one write an item"):
        twice(attr("Stock").set(1), idempotency_key="conflict")


def test_an_exception_of_the_function_leaves_the_key_free(writer: Client, books: Table[Book]) -> None:
    @writer.exactly_once("missing")
    def missing(tx: Transaction) -> str:
        return tx.require(Book, ("nobody", "nothing")).author

    with pytest.raises(NotFound):
        missing(idempotency_key="m")
    books.put(Book(author="nobody", title="nothing"))
    assert missing(idempotency_key="m") == "nobody"


def test_threads_with_one_key_get_one_answer(writer: Client, books: Table[Book]) -> None:
    place_order = order_of(writer, [])
    answers: list[Receipt] = []
    order = lambda: answers.append(place_order(1, idempotency_key="same"))  # noqa: E731
    threads = [threading.Thread(target=order) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [Receipt(total=Decimal("12.5"), copies=1)] * 8
    assert stock(books) == 9


def test_a_crash_before_the_commit_leaves_nothing(writer: Client, books: Table[Book], ahead: Ahead) -> None:
    class Crash(BaseException):
        pass

    def crash() -> None:
        raise Crash

    place_order = order_of(writer, [])
    ahead.append(crash)
    with pytest.raises(Crash):
        place_order(1, idempotency_key="k")
    assert stock(books) == 10
    assert place_order(1, idempotency_key="k") == place_order(1, idempotency_key="k")
    assert stock(books) == 9


def test_a_torn_read_never_reaches_the_caller(writer: Client, books: Table[Book], dynamodb_client: Any) -> None:
    """Two items that always change together are read while they change: the function raises, and is run again."""
    products = writer.table(Product)
    products.put(Product(id=1, quantity_on_hand=10))
    runs: list[int] = []

    @writer.exactly_once("torn")
    def move(tx: Transaction) -> int:
        stock = tx.require(Book, RAINMAKER).stock
        if not runs:
            books.update(RAINMAKER, {attr("Stock").set(4)})
            products.update(1, {attr("QuantityOnHand").set(4)})
        runs.append(stock)
        if tx.require(Product, 1).quantity_on_hand != stock:
            raise ValueError("the two differ")
        tx.update(Product, 1, {attr("QuantityOnHand").add(-1)})
        return stock

    assert move(idempotency_key="m") == 4
    assert runs == [10, 4]

    books.update(RAINMAKER, {attr("Stock").set(7)})
    with pytest.raises(ValueError, match="differ"):
        move(idempotency_key="n")


def test_each_run_gets_the_arguments_as_they_were_given(writer: Client, books: Table[Book], ahead: Ahead) -> None:
    seen: list[list[str]] = []

    @writer.exactly_once("tags")
    def tag(tx: Transaction, names: list[str]) -> int:
        seen.append(list(names))
        names.append("added by the run")
        tx.require(Book, RAINMAKER)
        tx.put(User(username="tags", last_name=",".join(names)))
        return len(names)

    given = ["a"]
    ahead.append(lambda: books.update(RAINMAKER, {attr("Views").add(1)}))
    assert tag(given, idempotency_key="t") == 2
    assert seen == [["a"], ["a"]]
    assert given == ["a"]
    assert tag(given, idempotency_key="t") == 2


def test_the_name_says_whose_keys_these_are(writer: Client, books: Table[Book]) -> None:
    """It stays when the function moves to another module."""

    def first(tx: Transaction) -> str:
        return "first"

    def moved(tx: Transaction) -> str:
        return "moved"

    assert writer.exactly_once("greet")(first)(idempotency_key="k") == "first"
    assert writer.exactly_once("greet")(moved)(idempotency_key="k") == "first"
    assert writer.exactly_once("other")(moved)(idempotency_key="k") == "moved"
