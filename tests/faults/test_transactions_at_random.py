"""Transactions equal a model that is plain to see: all of the writes, or none; once for each key, whatever fails."""

from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from surewrite import Write, attr
from surewrite.errors import ConditionFailed, InvalidItem
from surewrite.testing import Exactly, Fault
from tests.engine.house import OWN, PACKED, House
from tests.faults.ways import broken, fitting, until_done
from tests.models import Book

Stocks = dict[int, int]
"""What is in stock of each title; one that is missing is no item."""

MEMBERS = st.sampled_from(["take", "put", "delete", "check"])
TRANSACTIONS = st.lists(st.dictionaries(st.integers(0, 3), MEMBERS, min_size=1, max_size=4), min_size=1, max_size=4)
FAULTS = st.dictionaries(st.integers(1, 12), st.sampled_from(fitting("TransactWriteItems")), max_size=3)


def write(run: str, number: int, kind: str) -> Write:
    key, exists = (run, str(number)), attr("Author").exists()
    match kind:
        case "take":
            return Write.update(Book, key, {attr("Stock").add(-1)}, exists)
        case "put":
            return Write.put(Book(author=run, title=str(number), stock=1), absent=True)
        case "delete":
            return Write.delete(Book, key, when=exists)
    return Write.check(Book, key, attr("Stock").gt(0))


def expected(stocks: Stocks, members: dict[int, str]) -> Stocks | None:
    """The stocks afterwards, None if the transaction is refused."""
    after = dict(stocks)
    for number, kind in members.items():
        if kind == "put":
            if number in stocks:
                return None
            after[number] = 1
        elif number not in stocks or (kind != "delete" and stocks[number] < 1):
            return None
        elif kind == "take":
            after[number] -= 1
        elif kind == "delete":
            del after[number]
    return after


@settings(max_examples=60)
@given(transactions=TRANSACTIONS, faults=FAULTS, packed=st.booleans())
def test_all_or_nothing_once(
    house: House, transactions: list[dict[int, str]], faults: dict[int, Fault], packed: bool
) -> None:
    run, stocks = uuid4().hex, {0: 1, 1: 2}
    house.seed(*(Book(author=run, title=str(number), stock=stock) for number, stock in stocks.items()))
    transport = broken(house, Exactly(faults, if_fitting=True))
    for turn, members in enumerate(transactions):
        writes = [write(run, number, kind) for number, kind in members.items()]
        key = (PACKED if packed else OWN)(f"{run}-{turn}")
        after = expected(stocks, members)
        for repeated in (False, True):
            try:
                outcome = until_done(house, transport, lambda writer, w=writes, k=key: writer.transact(w, k))  # type: ignore[misc]
            except (ConditionFailed, InvalidItem):
                assert after is None
            else:
                assert after is not None
                assert outcome.replayed or not repeated
        stocks = stocks if after is None else after
        items = {number: house.stored(Book, (run, str(number))) for number in range(4)}
        assert {number: item["Stock"] for number, item in items.items() if item is not None} == stocks
