"""Cursors: sealed positions."""

from decimal import Decimal

import pytest

from surewrite.cursors import Cursors
from surewrite.errors import ConfigurationError, InvalidRequest

OLD, NEW = "old-" + "-" * 32, "new-" + "-" * 32
POSITION = {"id": b"\x00\xff", "number": Decimal("1.50"), "text": "Jörg/ä"}


def test_it_opens_in_its_context() -> None:
    cursors = Cursors(OLD)
    cursor = cursors.seal(POSITION, "alice reads books")
    assert cursors.open(cursor, "alice reads books") == POSITION
    with pytest.raises(InvalidRequest, match="next: a cursor of another read or of another caller"):
        cursors.open(cursor, "bob reads books")


def test_a_new_secret_before_the_old_one() -> None:
    cursor = Cursors(OLD).seal(POSITION, "x")
    both = Cursors(f"{NEW} {OLD}")
    assert both.open(cursor, "x") == POSITION
    newer = both.seal(POSITION, "x")
    assert Cursors(NEW).open(newer, "x") == POSITION
    for secrets, one in ((NEW, cursor), (OLD, newer)):
        with pytest.raises(InvalidRequest, match="next: no cursor of this API"):
            Cursors(secrets).open(one, "x")


@pytest.mark.parametrize("secrets", ["", " ", "short", f"{OLD} short"])
def test_a_secret_is_long(secrets: str) -> None:
    with pytest.raises(ConfigurationError, match="CURSOR_KEY: at least 32 characters are needed"):
        Cursors(secrets)
