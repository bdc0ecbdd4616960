"""Numbers and whole values, from JSON text to the table and back."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from surewrite import Outcome
from surewrite.model.json import dumps, loads
from surewrite.model.wire import from_wire, image_to_wire, item_size, number_text, to_wire
from tests.property.engine import Engine
from tests.property.strategies import KEY, anything, numbers


@given(number=numbers)
def test_a_number_keeps_every_digit(engine: Engine, number: Decimal) -> None:
    text = number_text(number)
    wire = to_wire(loads(text))
    assert wire == {"N": text}
    assert dumps(from_wire(wire)) == text
    engine.store({**KEY, "n": loads(text)})
    stored = engine.stored()
    assert stored is not None
    assert dumps(stored["n"]) == text


@given(value=anything)
def test_every_value_comes_back_as_it_was(engine: Engine, value: Any) -> None:
    assert from_wire(to_wire(value)) == value
    engine.store({**KEY, "value": value})
    assert engine.stored() == {**KEY, "value": value}
    assert Outcome.load(Outcome({"value": value}).dump()).attributes == {"value": value}


@given(text=st.text())
def test_a_string_comes_back_from_json(text: str) -> None:
    assert loads(dumps(text)) == text


@given(value=anything)
def test_what_json_can_say_comes_back_from_json(value: Any) -> None:
    assert loads(dumps(value)) == _as_json(value)


def _as_json(value: Any) -> Any:
    """A set as a sorted list, bytes as base64."""
    if isinstance(value, dict):
        return {name: _as_json(member) for name, member in value.items()}
    if isinstance(value, list | set):
        return [_as_json(member) for member in (sorted(value) if isinstance(value, set) else value)]
    return loads(dumps(value)) if isinstance(value, bytes) else value


@given(value=anything)
def test_an_item_is_never_taken_for_smaller_than_its_strings(value: Any) -> None:
    wire = image_to_wire({"value": value})
    assert item_size(wire) > _bytes_of(value)


def _bytes_of(value: Any) -> int:
    match value:
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case dict():
            return sum(len(name.encode()) + _bytes_of(member) for name, member in value.items())
        case list() | set():
            return sum(map(_bytes_of, value))
    return 0
