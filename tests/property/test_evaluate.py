"""`apply` and `returned` against the real engine."""

from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from surewrite import Update, apply, attr
from surewrite.errors import InvalidUpdate
from surewrite.expressions.evaluate import ReturnValues, returned
from surewrite.expressions.operands import Operand
from surewrite.expressions.resolve import resolve
from surewrite.model.wire import Image
from surewrite.paths import path
from tests import engines
from tests.property.engine import (
    Engine,
    EngineRefused,
    has_quirks,
    in_turn,
    leading_nowhere,
    of_named_elements,
    refers_nowhere,
)
from tests.property.strategies import KEY, Thing, images, list_cases, nested_operands, updates

RETURNS: list[ReturnValues] = ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]


def refusal(update: Update, image: Image) -> InvalidUpdate | None:
    try:
        apply(update, image)
    except InvalidUpdate as error:
        return error
    return None


def both_take(update: Update, image: Image) -> Update | None:
    """The update without what only the engine takes, None if there is nothing left."""
    lost = leading_nowhere(update, image)
    if lost:
        assert refusal(update, image) is not None
    kept = tuple(action for action in update.actions if action not in lost)
    return Update(kept) if kept else None


@given(case=st.tuples(images() | st.none(), updates) | list_cases())
def test_apply_makes_what_update_item_stores(engine: Engine, case: tuple[Image | None, Update]) -> None:
    image, update = case
    base = {**KEY, **(image or {})}
    remaining = both_take(update, base)
    assume(remaining is not None and not in_turn(remaining))
    assert remaining is not None
    refused = refusal(remaining, base)
    for returns in RETURNS:
        engine.store(image)
        if refused is not None:
            with pytest.raises(EngineRefused):
                engine.update(resolve(remaining, base), returns)
            assert engine.stored() == image
            assert {problem.location[1] for problem in refused.problems} <= set(map(str, remaining.paths))
        else:
            new = apply(remaining, base)
            theirs = engine.update(resolve(remaining, base), returns)
            assert engine.stored() == new
            compare_returned(remaining, returns, image, returned(remaining, returns, image, new), theirs)


def compare_returned(update: Update, returns: ReturnValues, image: Image | None, ours: Any, theirs: Any) -> None:
    if returns == "ALL_OLD" and image is None:
        # DynamoDB returns nothing where there was no item; the engine returns the bare key
        assert ours is None
        assert theirs in (None, KEY)
    elif returns in ("UPDATED_OLD", "UPDATED_NEW"):
        assert ours == of_named_elements(update, update.paths, theirs)
    else:
        assert ours == theirs


@given(image=images(), operand=nested_operands)
def test_operands_within_operands_are_refused_where_the_engine_refuses(
    engine: Engine, image: Image, operand: Operand
) -> None:
    action = attr("m").set(operand)
    engine.store(image)
    try:
        update = Update.build(Thing, [attr("free.z").set(operand)], present=[path("free")])
    except InvalidUpdate:
        event("refused")
        if not (engines.chosen().quirks and has_quirks(operand)):
            with pytest.raises(EngineRefused):
                engine.update(Update((action,)))
        return
    event("built")
    try:
        new = apply(update, image)
    except InvalidUpdate:
        with pytest.raises(EngineRefused):
            engine.update(update)
    else:
        assume(engines.chosen().quirks or not refers_nowhere(operand, image))
        engine.update(update)
        assert engine.stored() == new
