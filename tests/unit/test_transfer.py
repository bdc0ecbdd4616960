"""Lines become items, and items lines."""

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surewrite.errors import InvalidItem
from surewrite.model.item import Item
from surewrite.testing import Clock
from surewrite.transfer import Source, format_of, item_line, read_rows
from surewrite.transfer.formats import Row
from surewrite.transfer.pace import Pace
from surewrite.writes import Put
from tests.models import Book, Part, Thing
from tests.property.strategies import blobs, numbers, texts


def some(members: st.SearchStrategy[Any]) -> st.SearchStrategy[set[Any]]:
    return st.sets(members, max_size=3)


_parts = st.builds(Part, name=texts, blob=blobs, sizes=some(numbers))
things = st.builds(
    Thing,
    id=st.binary(min_size=1, max_size=4),
    number=numbers,
    text=texts | st.none(),
    amount=numbers | st.none(),
    blob=blobs | st.none(),
    flag=st.booleans() | st.none(),
    words=some(texts),
    numbers=some(numbers),
    blobs=some(blobs),
    parts=st.lists(_parts, max_size=2),
    named=st.dictionaries(texts.filter(bool), _parts, max_size=2),
)


def image_of(row: Row) -> dict[str, object]:
    assert row.write is not None, row.problem
    assert isinstance(row.write.action, Put)
    return row.write.action.image


@pytest.mark.parametrize("format", ["jsonl", "dynamodb"])
@given(item=things)
def test_a_line_is_the_item_again(format: str, item: Item) -> None:
    line = item_line({**item.to_image(), "_v": "a version"}, format)
    assert format_of("x", line) == format
    (row,) = read_rows([line], format, type(item))
    assert image_of(row) == item.to_image()


def test_lines_of_json() -> None:
    lines = [
        '{"Author":"A","Title":"1","Views":5}\n',
        "\n",
        "{\n",
        '{"Author":"A"}\n',
        "[]\n",
        '{"Author":"A","Title":"2","No":1}',
    ]
    rows = list(read_rows(lines, "jsonl", Book))
    assert [row.line for row in rows] == [1, 3, 4, 5, 6]
    assert [row.problem for row in rows] == [
        None,
        "not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
        "Title: Field required",
        "an object is needed",
        "No: unknown attribute",
    ]
    assert rows[1].text == "{"


def test_csv() -> None:
    text = (
        "Author,Title,Category,Price,Stock,Formats,Tags\r\n"
        'A,"The ""1"", a\nbook",007,9.50,,"{""Audio"":""X""}","[""a"",""b""]"\r\n'
        "\r\nA,2\r\nA,3,,cheap,1,,\r\n"
    )
    rows = list(read_rows(io.StringIO(text, newline=""), "csv", Book))
    assert image_of(rows[0]) == {
        **Book(author="A", title='The "1", a\nbook', category="007").to_image(),
        "Price": 9.5,
        "Formats": {"Audio": "X"},
        "Tags": {"a", "b"},
    }
    assert [(row.line, row.problem) for row in rows[1:]] == [
        (5, "2 cells, and the header has 7"),
        (6, "Price: a number is needed"),
    ]


def test_a_header_that_the_model_does_not_know() -> None:
    with pytest.raises(InvalidItem, match="header titel: unknown attribute, did you mean Title"):
        list(read_rows(["Author,titel\n", "A,1\n"], "csv", Book))


@pytest.mark.parametrize(
    "line",
    [
        '{"Item":{"Author":"A"}}',
        '{"Item":{"Author":{"B":"?"}}}',
        '{"Item":{"Author":{"N":"x"}}}',
        '{"Item":[]}',
        '{"Item":{"Author":{}}}',
    ],
)
def test_what_is_no_export(line: str) -> None:
    (row,) = read_rows([line], "dynamodb", Book)
    assert row.write is None
    assert row.problem


def test_a_models_own_validator_may_raise_anything() -> None:
    class Moody(Thing, table="Moody"):
        def __init__(self, **data: object) -> None:
            raise RuntimeError("a value that was sent")

    (row,) = read_rows(['{"Item":{}}'], "dynamodb", Moody)
    assert row.problem is not None
    assert "a value" not in row.problem


@pytest.mark.parametrize(
    ("path", "first", "format"),
    [
        ("a.csv", "{}", "csv"),
        ("a.csv.gz", "a", "csv"),
        ("a", '{"Item":{}}', "dynamodb"),
        ("a", '{"Item":{},"x":1}', "jsonl"),
        ("-", "?", "jsonl"),
    ],
)
def test_the_format(path: str, first: str, format: str) -> None:
    assert format_of(path, first) == format


def test_a_file_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    one, other, packed = tmp_path / "one", tmp_path / "other", tmp_path / "packed"
    text = "\ufeffä\r\nb"
    one.write_bytes(text.encode())
    other.write_bytes(text.encode())
    packed.write_bytes(gzip.compress(text.encode()))
    assert Source(str(one)).digest() == Source(str(other)).digest()
    for path in (one, packed):
        source = Source(str(path))
        assert list(source.lines()) == ["ä\r\n", "b"]
        assert source.read == source.size == path.stat().st_size
    one.write_bytes(b"\xff\n")
    assert Source(str(one)).digest() != Source(str(other)).digest()
    with pytest.raises(UnicodeDecodeError):
        list(Source(str(one)).lines())


def test_the_pace_halves_and_grows_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("surewrite.transfer.pace.time.sleep", clock.sleep)
    pace, seen = Pace(), []
    for waits in (0, 0, 3, 1, 0, *([0] * 20), *([1] * 9)):
        for _ in range(waits):
            pace.sleep(0.01)
        pace.adapt()
        seen.append(pace.parallel)
    assert seen[:5] == [10, 12, 6, 3, 5]
    assert max(seen) == 32
    assert seen[-1] == 1
