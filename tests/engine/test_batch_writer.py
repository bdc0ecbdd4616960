"""`Table.batch_writer`: BatchWriteItem as items come."""

import pytest

from surewrite.errors import BulkIncomplete, InvalidItem, InvalidRequest
from surewrite.testing import Exactly, Fault, FaultTransport
from tests.engine.house import House, rainmaker
from tests.models import Book, Product


def product(number: int, quantity: int = 1) -> Product:
    return Product(id=number, quantity_on_hand=quantity)


def stored(house: House) -> dict[int, int]:
    return {one.id: one.quantity_on_hand for one in house.table(Product).scan(consistent=True)}


def test_it_sends_as_items_come(house: House) -> None:
    with house.table(Product).batch_writer() as batch:
        for number in range(60):
            batch.put(product(number))
        assert house.operations == ["BatchWriteItem"] * 2
        for number in range(10):
            batch.delete(number)
    assert house.operations == ["BatchWriteItem"]
    assert stored(house) == dict.fromkeys(range(10, 60), 1)
    assert (house.stored(Product, 59) or {})["_v"]


def test_without_writes_nothing_is_sent(house: House) -> None:
    with house.table(Product).batch_writer():
        pass
    assert house.operations == []


def test_what_is_held_is_sent_after_an_error_too(house: House) -> None:
    def put_and_fail() -> None:
        with house.table(Product).batch_writer() as batch:
            batch.put(product(1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put_and_fail()
    assert stored(house) == {1: 1}


def test_duplicates(house: House) -> None:
    with house.table(Product).batch_writer(overwrite_by_pkeys=["Id"]) as batch:
        batch.put(product(1, 1))
        batch.put(product(2, 1))
        batch.delete(2)
        batch.put(product(1, 2))
        batch.put(product(2, 3))
    assert stored(house) == {1: 2, 2: 3}
    assert house.operations[0] == "BatchWriteItem"
    with house.table(Product).batch_writer() as batch:
        batch.put(product(1, 5))
        with pytest.raises(InvalidRequest, match="a second write of the same item"):
            batch.delete(1)
    assert stored(house) == {1: 5, 2: 3}


def test_the_whole_key_is_needed(house: House) -> None:
    for names in (["Author"], ["author", "title"], ["Author", "Title", "Views"]):
        with pytest.raises(InvalidRequest, match="the names of the whole key are needed: Author, Title"):
            house.table(Book).batch_writer(overwrite_by_pkeys=names)


def test_an_item_of_another_model_is_refused(house: House) -> None:
    batch = house.table(Product).batch_writer()
    with pytest.raises(InvalidItem, match="a Product is needed, this is a Book"):
        batch.put(rainmaker())  # type: ignore[arg-type]


def test_what_is_unprocessed_is_sent_again(house: House) -> None:
    faults = FaultTransport(house.transport, Exactly(dict.fromkeys(range(1, 4), Fault.UNPROCESSED)))
    writer = house.on(faults, lambda seconds: None)
    with writer.table(Product).batch_writer() as batch:
        for number in range(25):
            batch.put(product(number))
    assert stored(house) == dict.fromkeys(range(25), 1)


def test_what_could_not_be_sent_in_time_stays_in_the_buffer(house: House) -> None:
    faults = FaultTransport(house.transport, lambda call, operation: Fault.UNPROCESSED)
    batch = house.on(faults, lambda seconds: None).table(Product).batch_writer(timeout=0.3)
    batch.put(product(1))
    batch.put(product(2))
    with pytest.raises(BulkIncomplete) as left:
        batch.flush()
    assert left.value.positions
    faults.plan = Exactly({})
    batch.flush()
    assert stored(house) == {1: 1, 2: 1}
