"""Workers and engines that die at any moment: nothing is lost, nothing is doubled.

Every run is drawn from a seed, which a failure prints; KILL_SEED=… runs it again.
"""

import random
import threading
from pathlib import Path

import pytest

from surewrite.commit.slots import CLOSE_AT
from surewrite.testing import Exactly, Fault, Randomly
from tests.faults.kill.audit import check, contents, lay_out, restock, slot_sizes, wipe
from tests.faults.kill.stage import Engine, Stage, seed_of_run, stage
from tests.faults.kill.traffic import STOCK, Fate, Traffic, counting, mixed, one_of_each, seeds
from tests.faults.kill.worker import Killed, Worker
from tests.faults.proxy import FAULTS, drawn_from


def test_a_thousand_messages_and_a_worker_that_is_killed(dynamodb_endpoint: str) -> None:
    """All keys that carry their time are of one slot, which closes on the way."""
    seed = seed_of_run(1)
    with stage(dynamodb_endpoint, seed, twice=0.1, slot_ms=1000) as run:
        traffic = counting(1000, drawn_from(seed))
        lay_out(run)
        run.send(traffic.messages)
        run.drain(kills=40, sizes=(5, 20, 60))

        check(run, traffic.requests)
        sound = [request for request in traffic.requests if request.fate is Fate.APPLIED]
        assert contents(run)["Books", "hot 0"]["Views"] == len(sound) < len(traffic.messages)
        assert max(slot_sizes(run)) >= CLOSE_AT
        assert run.kills >= 10, run


@pytest.mark.parametrize("seed", [2, 3])
def test_messages_of_every_kind_and_workers_that_are_killed(dynamodb_endpoint: str, seed: int) -> None:
    seed = seed_of_run(seed)
    with stage(dynamodb_endpoint, seed, twice=0.1) as run:
        traffic = mixed(600, drawn_from(seed))
        lay_out(run)
        run.send(traffic.messages)
        run.drain(kills=30)
        check(run, traffic.requests)
        _redrive(run, traffic)


def test_messages_of_every_kind_over_a_network_that_breaks(dynamodb_endpoint: str) -> None:
    seed = seed_of_run(4)
    plan = Randomly(seed, rate=0.4, calls=10**6, kinds=FAULTS)
    # with so little time many messages have to come again
    with stage(dynamodb_endpoint, seed, plan, twice=0.1, timeout=2) as run:
        traffic = mixed(400, drawn_from(seed))
        lay_out(run)
        run.send(traffic.messages)
        run.drain(kills=10)
        assert len(set(run.proxy.injected.values())) >= 9, run
        check(run, traffic.requests)
        _redrive(run, traffic)


def test_an_engine_that_is_killed_and_restarted_on_its_data(tmp_path: Path) -> None:
    seed = seed_of_run(5)
    deaths = 0
    with Engine(tmp_path / "data.db") as engine, stage(engine.endpoint, seed, twice=0.1) as run:

        def kill_engine(chance: random.Random) -> None:
            nonlocal deaths
            threading.Event().wait(chance.uniform(0.05, 0.3))
            if deaths < 10:
                deaths += 1
                engine.kill()
                threading.Event().wait(chance.uniform(0, 0.1))
                engine.start()

        traffic = mixed(600, drawn_from(seed))
        lay_out(run)
        run.send(traffic.messages)
        run.drain(kills=4, meanwhile=kill_engine)
        assert deaths >= 3, run
        check(run, traffic.requests)
        _redrive(run, traffic)


def test_a_worker_killed_before_and_after_every_call(dynamodb_endpoint: str) -> None:
    """A small batch of every kind: whichever call it dies at, the second delivery completes the first."""
    seed = seed_of_run(6)
    with stage(dynamodb_endpoint, seed) as run:
        worker = _delivered(run, run.worker(), Exactly({}))
        total, seen = len(run.proxy.calls), set(run.proxy.calls)
        for number in range(1, total + 1):
            for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
                worker = _delivered(run, worker, Exactly({number: fault}))
                seen.update(run.proxy.calls)
        worker.close()
    assert seen - {"GetItem"} == {"TransactWriteItems", "BatchGetItem", "UpdateItem", "SendMessageBatch"}
    assert run.kills > total, run


def _delivered(run: Stage, worker: Worker, plan: Exactly) -> Worker:
    """A batch, delivered until it is acknowledged, and checked; answers the worker that has survived."""
    wipe(run)
    lay_out(run)
    run.queues.clear()
    run.rejected.messages.clear()
    traffic = one_of_each(drawn_from(run.seed))
    run.send(traffic.messages)
    run.proxy.restart(plan)
    (queue,) = run.queues.values()
    while batch := queue.receive(1000):
        run.proxy.crash = worker.kill
        try:
            run.deliver(worker, queue, batch)
        except Killed:
            worker.close()
            worker = run.worker()
    assert not run.errors, run.errors
    check(run, traffic.requests)
    return worker


def _redrive(run: Stage, traffic: Traffic) -> None:
    """The stock is raised, and everything that was rejected is sent again, twice over: what had found no stock is
    applied once, and what was hopeless is rejected once more."""
    assert contents(run)["Books", "stock"]["Stock"] == 0
    restock(run)
    copies = [*run.rejected.redrive("once"), *run.rejected.redrive("again")]
    run.rejected.messages.clear()
    run.send(copies)
    run.drain(kills=4)
    before = seeds()
    before["Books", "stock"]["Stock"] += 2 * STOCK
    applied = check(run, traffic.requests, before)
    assert applied >= {request for request in traffic.requests if request.name.startswith("stock")}, run
