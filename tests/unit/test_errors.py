import inspect

import pytest

from surewrite import errors
from surewrite.errors import InvalidItem, InvalidRequest, InvalidUpdate, Problem


@pytest.mark.parametrize(
    ("location", "pointer"),
    [
        ((), ""),
        (("set", "Formats.Audiobook"), "/set/Formats.Audiobook"),
        (("items", 0, "a/b", "c~d"), "/items/0/a~1b/c~0d"),
        (("",), "/"),
    ],
)
def test_a_pointer_is_escaped_as_rfc_6901_says(location: tuple[str | int, ...], pointer: str) -> None:
    assert Problem(location, "is wrong").pointer == pointer


def test_a_message_names_every_place() -> None:
    error = InvalidUpdate(Problem(("set", "Price"), "a number is needed"), Problem((), "too many"))
    assert str(error) == "set Price: a number is needed; too many"


def test_under_leads_every_location_and_keeps_the_kind() -> None:
    error = InvalidItem(Problem(("a",), "x"), Problem((), "y")).under("item", 3)
    assert type(error) is InvalidItem
    assert error.problems == (Problem(("item", 3, "a"), "x"), Problem(("item", 3), "y"))


def test_the_tree_at_the_top_is_the_tree_below() -> None:
    assert errors.__doc__ is not None
    tree: list[tuple[int, str]] = []
    for line in errors.__doc__.splitlines():
        position = max(line.find("├── "), line.find("└── "))
        if position >= 0:
            tree.append((position // 4 + 1, line[position + 4 :].split()[0]))
    parents = {0: "SurewriteError"}
    drawn = {}
    for depth, name in tree:
        parents[depth] = name
        drawn[name] = parents[depth - 1]
    classes = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)]
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in classes if kind.__name__ != "SurewriteError"}


def test_what_pydantic_says_never_quotes_the_input() -> None:
    found = [{"loc": ("a", 0), "msg": "Value error, too odd", "input": "secret"}]
    error = InvalidItem.from_pydantic(found)
    assert str(error) == "a 0: too odd"
    assert isinstance(error, InvalidRequest)
