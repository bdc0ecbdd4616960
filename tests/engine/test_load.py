"""`Load`: every row of a file once, whoever is killed, and whatever others write in between."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from surewrite import Boto3Transport, attr
from surewrite.errors import KeyReused
from surewrite.testing import Crash, Exactly, Fault, FaultTransport, Randomly
from surewrite.transfer import Load, Loaded, read_rows, stored_images
from surewrite.transfer.formats import Row
from surewrite.transfer.pace import Pace
from tests.engine.house import House
from tests.models import Product

ROWS = 700


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three blocks of three chunks, the last ones smaller."""
    monkeypatch.setattr("surewrite.transfer.load.BLOCK_ROWS", 250)


def lines(many: int = ROWS) -> Iterator[str]:
    for number in range(many):
        yield json.dumps({"Id": number, "QuantityOnHand": number % 5})


def load(house: House, transport: Any = None, text: Iterator[str] | None = None, name: str = "file") -> Loaded:
    pace = Pace()
    client = house.on(transport or Boto3Transport(house.client), sleep=house.clock.sleep)
    return Load(client, Product, name, pace=pace).run(read_rows(text or lines(), "jsonl", Product))


def images(house: House) -> dict[int, Any]:
    found = stored_images(house.db, Product, consistent=True)
    return {int(image["Id"]): {name: value for name, value in image.items() if name != "_v"} for image in found}


def whole(house: House) -> dict[int, int]:
    return {number: int(image["QuantityOnHand"]) for number, image in images(house).items()}


def test_every_row_is_written_and_the_second_time_none(house: House) -> None:
    assert load(house) == Loaded(written=ROWS)
    assert whole(house) == {number: number % 5 for number in range(ROWS)}
    house.table(Product).update(7, {attr("QuantityOnHand").set(100)})
    assert load(house) == Loaded(known=ROWS)
    assert whole(house)[7] == 100


def test_another_file_is_another_load(house: House) -> None:
    load(house)
    assert load(house, name="another") == Loaded(written=ROWS)


def test_a_name_is_of_one_file(house: House) -> None:
    load(house)
    with pytest.raises(KeyReused):
        load(house, text=iter(['{"Id": 1}']))


def test_the_last_row_of_an_item_counts(house: House) -> None:
    text = [json.dumps({"Id": 1, "QuantityOnHand": number}) for number in range(600)]
    assert load(house, text=iter(text)) == Loaded(written=600)
    assert whole(house) == {1: 599}


def test_bad_rows_are_told_and_the_others_written(house: House) -> None:
    told: list[Row] = []
    client = house.on(Boto3Transport(house.client))
    text = ["{}", *lines(3), "oops"]
    loaded = Load(client, Product, "bad", bad=told.append).run(read_rows(text, "jsonl", Product))
    assert loaded == Loaded(written=3, bad=2)
    assert [row.line for row in told] == [1, 5]


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_killed_at_any_call_it_goes_on_and_no_other_writer_is_undone(house: House, fault: Fault) -> None:
    """What is there when it is killed is changed by somebody else. Were it written again, that would be lost."""
    changed: dict[int, int] = {}
    for call in range(1, 14):
        faulty = FaultTransport(Boto3Transport(house.client), Exactly({call: fault}))
        try:
            load(house, faulty)
        except Crash:
            pass
        else:
            assert faulty.calls < call
        for number in whole(house).keys() - changed.keys():
            house.table(Product).update(number, {attr("QuantityOnHand").increment(10)})
            changed[number] = number % 5 + 10
    assert load(house).rows == ROWS
    assert whole(house) == {**{number: number % 5 for number in range(ROWS)}, **changed}
    assert len(changed) > ROWS / 2


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_to_its_calls_every_row_is_written(house: House, seed: int) -> None:
    kinds = [fault for fault in Fault if fault not in (Fault.PASS, Fault.DELAY, Fault.CRASH_BEFORE, Fault.CRASH_AFTER)]
    faulty = FaultTransport(Boto3Transport(house.client), Randomly(seed, rate=0.4, calls=60, kinds=kinds))
    assert load(house, faulty) == Loaded(written=ROWS)
    assert whole(house) == {number: number % 5 for number in range(ROWS)}
    assert load(house) == Loaded(known=ROWS)
