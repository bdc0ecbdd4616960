import pytest

from surewrite.errors import InvalidUpdate
from surewrite.paths import Path, path


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("Title", ("Title",)),
        ("Formats.Audiobook", ("Formats", "Audiobook")),
        ("basket.items[1].qty", ("basket", "items", 1, "qty")),
        ("a[0][12]", ("a", 0, 12)),
        ("Formats.`v1.0`", ("Formats", "v1.0")),
        ("`a.b`.`[0]`[3]", ("a.b", "[0]", 3)),
        ("a.`b``c`", ("a", "b`c")),
        ("with space.é", ("with space", "é")),
        ("#a.:b", ("#a", ":b")),
    ],
)
def test_text_and_elements(text: str, elements: tuple[str | int, ...]) -> None:
    assert path(text) == elements
    assert str(path(elements)) == text
    assert path(path(text)) is path(text)


@pytest.mark.parametrize("text", ["`a`", "`a`.`b`"])
def test_needless_quotes_go(text: str) -> None:
    assert str(path(text)) == text.replace("`", "")


@pytest.mark.parametrize(
    "text",
    [
        "", ".", ".a", "a.", "a..b", "[0]", "a[", "a[]", "a[-1]", "a[x]", "a]", "a[1", "a[0]b", "a.[0]", "a`b`", "`a",
        "``", "a[1.5]", "`a`b", "a[\u0661]",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    with pytest.raises(InvalidUpdate) as caught:
        path(text)
    (problem,) = caught.value.problems
    assert problem.location == (text,)
    assert problem.reason == "not a document path; write it like Formats.Audiobook or items[1].qty"


def test_an_index_has_at_most_9_digits() -> None:
    assert path("a[999999999]") == ("a", 999999999)
    with pytest.raises(InvalidUpdate, match="an index has at most 9 digits"):
        path("a[1000000000]")


@pytest.mark.parametrize("text", ["\ud800", "a.\udfff"])
def test_half_a_surrogate_pair_names_nothing(text: str) -> None:
    with pytest.raises(InvalidUpdate, match="half a surrogate pair"):
        path(text)


@pytest.mark.parametrize("elements", [(), (0, "a")])
def test_elements_begin_with_a_name(elements: tuple[str | int, ...]) -> None:
    with pytest.raises(InvalidUpdate, match="a path begins with the name of an attribute"):
        path(elements)


def test_depth_is_limited() -> None:
    assert len(path(".".join("a" * 32))) == 32
    with pytest.raises(InvalidUpdate, match="a path has at most 32 elements"):
        path(".".join("a" * 33))


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("a", "a", True),
        ("a", "a.b", True),
        ("a[0]", "a", True),
        ("a.b", "a.c", False),
        ("a", "ab", False),
        ("a[0]", "a[1]", False),
        ("a[0].x", "a[0].y", False),
    ],
)
def test_overlaps(one: str, other: str, overlap: bool) -> None:
    assert path(one).overlaps(path(other)) is overlap
    assert path(other).overlaps(path(one)) is overlap


def test_repr_is_readable() -> None:
    assert repr(Path(("a", 0, "b.c"))) == "Path('a[0].`b.c`')"
