"""Several updates of one item as one: sums for additions, unions for members, disjoint paths side by side.

The combined update does to every item what its parts do one after the other. Where that cannot be had in one expression
(one part reads what another one writes, paths overlap, elements of a list move) the parts stay apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from ..errors import InvalidRequest
from ..model.wire import MAX_DIGITS, number
from ..paths import Path
from .actions import Action, AddAction, DeleteAction, SetAction, kind_of
from .merge_patch import MergeAction
from .operands import Value, add_exactly
from .updates import Update


class Combiner:
    """Takes one update after the other, as long as they go together.

    The cost of `add` depends on the update that is added, not on how many there are already.
    """

    def __init__(self, first: Update) -> None:
        self._actions: dict[Path, Action] = {}
        self._lists: set[Path] = set()
        self._prefixes: set[Path] = set()
        self._adopt(first.actions)
        self._only = first
        self.count = 1

    def add(self, update: Update) -> bool:
        """Whether the update could be joined; if not, nothing has changed."""
        joined: list[Action] = []
        for action in update.actions:
            one = self._joined(action)
            if one is None:
                return False
            joined.append(one)
        if any(one.path not in self._actions for one in joined) and not self._fits(joined):
            return False
        self._adopt(joined)
        self.count += 1
        return True

    def update(self) -> Update:
        """The combination of all."""
        return self._only if self.count == 1 else Update(tuple(sorted(self._actions.values(), key=_order)))

    def _joined(self, action: Action) -> Action | None:
        """The action that does what the one on its path and this one do, None if they do not go together."""
        if isinstance(action, MergeAction) or any(self._writes(path) for path in action.reads()):
            return None
        present = self._actions.get(action.path)
        if present is not None:
            return _merged(present, action)
        return None if self._writes(action.path) or self._same_list(action.path) else action

    def _writes(self, path: Path) -> bool:
        """Whether an action's path leads to, through or below this one."""
        return path in self._prefixes or any(Path(path[:depth]) in self._actions for depth in range(1, len(path) + 1))

    def _same_list(self, path: Path) -> bool:
        """Elements may move when another one of their list is set or removed."""
        return any(owner in self._lists for owner in _owners(path))

    def _fits(self, joined: Iterable[Action]) -> bool:
        actions = {**self._actions, **{one.path: one for one in joined}}
        try:
            Update(tuple(sorted(actions.values(), key=_order))).check_size()
        except InvalidRequest:
            return False
        return True

    def _adopt(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if action.path not in self._actions:
                self._lists.update(_owners(action.path))
                self._prefixes.update(Path(action.path[:depth]) for depth in range(1, len(action.path) + 1))
            self._actions[action.path] = action


def combine(first: Update, second: Update) -> Update | None:
    """One update that does what `first` and then `second` do to any item, None if there is none."""
    combiner = Combiner(first)
    return combiner.update() if combiner.add(second) else None


def _merged(present: Action, action: Action) -> Action | None:
    match present, action:
        case AddAction(value=Decimal() as one), AddAction(value=Decimal() as other):
            total = _sum(one, other)
            return None if total is None else replace(present, value=total)
        case (AddAction(value=set() as one), AddAction(value=set() as other)) | (
            DeleteAction(value=set() as one),
            DeleteAction(value=set() as other),
        ):
            return replace(present, value=one | other) if kind_of(one) == kind_of(other) else None  # type: ignore[call-arg]
        case SetAction(operand=Value()), SetAction(operand=Value()):
            # in a list, an index beyond its end appends: the second time it may not be beyond any more
            return None if any(isinstance(element, int) for element in action.path) else action
    return None


def _sum(one: Decimal, other: Decimal) -> Decimal | None:
    """The sum, None if adding it at once might succeed on a number to which one of the two cannot be added alone: a
    part has digits, at either end, that the sum does not have."""
    try:
        total = add_exactly(one, other)
    except ValueError:
        return None
    parts = (one, other, total)
    if all(part == part.to_integral_value() and part.adjusted() < MAX_DIGITS for part in parts):
        return total  # whole numbers, as most are
    finest = min(map(_exponent, parts))
    if finest < 0 and _exponent(total) > finest:
        return None
    return total if max(part.adjusted() for part in parts) - finest < MAX_DIGITS else None


def _exponent(value: Decimal) -> int:
    exponent = number(value).as_tuple().exponent
    assert isinstance(exponent, int)
    return exponent


def _owners(path: Path) -> list[Path]:
    """The lists that the path leads through."""
    return [Path(path[:depth]) for depth, element in enumerate(path) if isinstance(element, int)]


def _order(action: Action) -> tuple[str, str]:
    return action.clause, str(action.path)
