"""Two or three workers on one key of one slot: every order of their calls, with the slot forgotten at any moment."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from surewrite import Boto3Transport, Client, Entry, IdempotencyKey, Transport, Write, attr
from surewrite.commit.records import Record
from surewrite.commit.slots import MARGIN
from surewrite.testing import Clock
from tests.engine.house import RETENTION, House, Keys
from tests.engine.test_slots import kinds
from tests.faults.turns import Actor, in_every_order
from tests.faults.ways import no_sleep
from tests.models import Book

EXPIRED = RETENTION + MARGIN + 1
SLOW = 40
"""Seconds by which a clock is slow: less than keys are remembered, or there would be nothing to see."""

_numbers = itertools.count()


@dataclass
class Scene:
    """One key, the item that it writes, and other keys of its slot."""

    house: House
    keys: Keys
    name: str

    @property
    def key(self) -> IdempotencyKey:
        return self.keys("the key")

    def write(self) -> Write:
        return Write.update(Book, ("turns", self.name), {attr("Views").add(1)})

    def commit(self, source: str, *, slow: float = 0.0) -> Actor:
        """A worker that commits the key for a message; tells what became of it. Its clock may be slow."""

        def act(transport: Transport) -> str:
            (kind,) = kinds(self._on(transport, slow).commit_many([Entry(self.write(), self.key, source=source)]))
            return kind

        return act

    def reject(self, source: str = "m1") -> Actor:
        """A worker that records a rejection; None if it did."""

        def act(transport: Transport) -> Record | None:
            return self._on(transport).reject(self.key, self.write().fingerprint, "no", source=source)

        return act

    def fill(self, *names: str, slow: float = 0.0) -> Actor:
        """A worker that commits other keys of the slot, one after the other."""

        def act(transport: Transport) -> None:
            for name in names:
                write = Write.put(Book(author="turns", title=f"{self.name}/{name}"))
                self._on(transport, slow).commit(write, self.keys(name))

        return act

    def forget(self, transport: Transport) -> None:
        """TTL deletes the slot if it has expired."""
        request = {
            "TableName": self.house.names["Ledger"],
            "Key": {"id": {"S": self.house.db.session.ledger.slot(self.key)}},
            "ConditionExpression": "expires_at < :now",
            "ExpressionAttributeValues": {":now": {"N": str(int(self.house.clock()))}},
        }
        with suppress(self.house.client.exceptions.ConditionalCheckFailedException):
            transport("DeleteItem", request)

    @property
    def views(self) -> int:
        return int((self.house.shown(Book, ("turns", self.name)) or {}).get("Views", 0))

    def _on(self, transport: Transport, slow: float = 0.0) -> Client:
        return replace(self.house, clock=Clock(self.house.clock() - slow)).on(transport, no_sleep)


@dataclass(frozen=True)
class Story:
    """What has happened before, how long ago, and who acts at once."""

    close_at: int
    before: Callable[[Scene], Sequence[Actor]]
    actors: Callable[[Scene], Sequence[Actor]]
    waits: float = 0.0


def nothing(scene: Scene) -> Sequence[Actor]:
    return ()


STORIES = {
    "a slot closes": Story(2, nothing, lambda one: [one.commit("m1"), one.commit("m2"), one.fill("b", "c")]),
    "a slot is closed": Story(
        1, lambda one: [one.fill("b")], lambda one: [one.commit("m1"), one.commit("m2"), one.forget]
    ),
    "a closed slot has expired": Story(
        1,
        lambda one: [one.fill("b")],
        lambda one: [one.commit("m1"), one.commit("m2"), one.forget],
        waits=EXPIRED,
    ),
    "a closed slot would be outlived": Story(
        1,
        lambda one: [one.fill("b")],
        lambda one: [one.commit("m1"), one.commit("m2"), one.forget],
        waits=MARGIN + 10,
    ),
    "other keys by a slow clock": Story(
        9, nothing, lambda one: [one.commit("m1"), one.commit("m2"), one.fill("b", "c", slow=SLOW)]
    ),
    "a marked key, and its slot has expired": Story(
        9,
        lambda one: [one.reject("m0")],
        lambda one: [one.commit("m1"), one.commit("m2"), one.forget],
        waits=EXPIRED,
    ),
    "a marked key, and other keys by a slow clock": Story(
        9,
        lambda one: [one.reject("m0")],
        lambda one: [one.commit("m1"), one.fill("b", "c", slow=SLOW)],
        waits=MARGIN + 10,
    ),
    "a rejection, and a redrive": Story(9, nothing, lambda one: [one.reject("m1"), one.commit("m1"), one.commit("m2")]),
    "a rejection, and the slot closes": Story(
        1, nothing, lambda one: [one.reject("m1"), one.commit("m1"), one.fill("b")]
    ),
    "a rejection in a slot that has expired": Story(
        1, lambda one: [one.fill("b")], lambda one: [one.reject("m1"), one.commit("m1"), one.forget], waits=EXPIRED
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_every_order_of_the_calls(house: House, name: str, story: str) -> None:
    told = STORIES[story]
    house = replace(house, clock=Clock(), close_at=told.close_at)
    send = Boto3Transport(house.client)
    scene = Scene(house, Keys("packed"), "")

    def prepare() -> Sequence[Actor]:
        scene.name = f"{name}/{next(_numbers)}"
        scene.keys = Keys("packed", scope=scene.name)
        for act in told.before(scene):
            act(send)
        house.clock.now += told.waits
        return told.actors(scene)

    orders = 0
    for results, steps in in_every_order(send, prepare):
        try:
            check(scene, story, results)
            house.clock.now += RETENTION - 1
            scene.forget(send)
            if "applied" in results:
                assert scene.commit("m9")(send) == "replayed"
        except AssertionError as error:
            error.add_note(f"{results} after {', '.join(steps)}")
            raise
        orders += 1
    assert orders >= 9


def check(scene: Scene, story: str, results: Sequence[object]) -> None:
    """One effect, for one of them, and none for a message that was rejected."""
    commits = [one for one in results if isinstance(one, str)]
    assert scene.views == commits.count("applied") <= 1
    assert set(commits) <= {"applied", "replayed", "Rejected"}
    if not story.startswith("a rejection"):
        assert "applied" in commits
        assert "Rejected" not in commits
        return
    rejection, first, *_ = results
    if rejection is None:
        assert first in ("Rejected", "replayed")
    else:
        assert isinstance(rejection, Record)
        assert "applied" in commits
