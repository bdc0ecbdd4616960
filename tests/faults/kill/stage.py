"""Engine, tables, proxy, queues and workers of one run, and how messages go through them until none is left."""

import os
import random
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from local import aws, engines, poller, template
from local.engines import ROOT
from surewrite.commit.ledger import DEFAULT_SLOT_MS
from surewrite.settings import table_variable
from surewrite.testing import FaultPlan, create_tables
from tests.faults.kill.queues import Message, Queue, RejectedQueue
from tests.faults.kill.worker import HandlerFailed, Killed, Worker
from tests.faults.proxy import Proxy, drawn_from
from tests.models import MODELS

TEMPLATE = ROOT / "template.yaml"
REJECTED_URL = f"http://127.0.0.1/{aws.ACCOUNT}/RejectedQueue"


class Engine:
    """Dynoxide on a data file: what it has acknowledged outlives it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.endpoint = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        command = [str(engines.find_dynoxide()), "serve", "--host", "127.0.0.1", "--port", str(self._port)]
        self._process = subprocess.Popen(
            [*command, "--db-path", str(self._path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        limit = time.monotonic() + 20
        while not self._listens():
            assert self._process.poll() is None, "Dynoxide does not start on its data file"
            assert time.monotonic() < limit, "Dynoxide does not listen"
            time.sleep(0.01)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()


@dataclass(repr=False)
class Stage:
    """One run. Whatever it does at random is drawn from its seed."""

    seed: int
    client: Any
    tables: Mapping[str, str]
    function: template.Function
    proxy: Proxy
    rejected: RejectedQueue
    twice: float = 0.0
    variables: Mapping[str, str] = field(default_factory=dict)
    models: str = "tests.models"
    slot_ms: int = DEFAULT_SLOT_MS
    may_raise: bool = False
    queues: dict[str, Queue] = field(default_factory=dict)
    kills: int = 0
    deliveries: int = 0
    errors: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"KILL_SEED={self.seed}: {self.deliveries} deliveries, {self.kills} kills, {self.proxy!r}"

    def send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            queue = self.queues.get(message.queue)
            if queue is None:
                chance = drawn_from(self.seed, message.queue)
                queue = self.queues[message.queue] = Queue(message.queue, chance, twice=self.twice)
            queue.send(message)

    def worker(self) -> Worker:
        """A new execution environment of the function."""
        engines = aws.environment(self.proxy.url, self.proxy.url)
        return Worker(self.function, {**engines, **self.variables}, self.models)

    def drain(
        self,
        *,
        kills: int = 0,
        workers: int = 2,
        sizes: Sequence[int] = (1, 10, 50, 200),
        meanwhile: Callable[[random.Random], None] | None = None,
        patience: float = 240.0,
    ) -> None:
        """Delivers until every queue is empty; up to `kills` times a worker is killed at a random moment. `meanwhile`
        is called again and again as long as there is something to deliver."""
        threads = [
            threading.Thread(target=self._deliver, args=(number, kills // workers, sizes), daemon=True)
            for number in range(workers)
        ]
        self._limit = time.monotonic() + patience
        for thread in threads:
            thread.start()
        chance = drawn_from(self.seed, "meanwhile")
        while meanwhile is not None and any(thread.is_alive() for thread in threads):
            meanwhile(chance)
        for thread in threads:
            thread.join()
        assert not self.errors, f"{self.errors}; {self!r}"
        assert all(queue.empty for queue in self.queues.values()), f"not drained in {patience} s; {self!r}"

    def _deliver(self, number: int, kills: int, sizes: Sequence[int]) -> None:
        """One poller with its worker."""
        chance = drawn_from(self.seed, "worker", number)
        worker, usual = self.worker(), 0.05
        try:
            while time.monotonic() < self._limit and not self.errors:
                waiting = [queue for queue in self.queues.values() if not queue.empty]
                if not waiting:
                    return
                queue = chance.choice(waiting)
                batch = queue.receive(min(chance.choice(sizes), 10 if queue.fifo else 10_000))
                if not batch:
                    time.sleep(0.002)  # somebody else has the rest
                    continue
                doomed = kills > 0 and chance.random() < 0.7
                began = time.monotonic()
                try:
                    with _killed_after(worker, chance.uniform(0, 1.2 * usual) if doomed else None):
                        self.deliver(worker, queue, batch)
                except Killed:
                    kills -= 1
                    worker.close()
                    worker = self.worker()
                else:
                    usual += (time.monotonic() - began - usual) / 4
        except BaseException as error:
            self.errors.append(f"{type(error).__name__}: {error}")
        finally:
            worker.close()

    def deliver(self, worker: Worker, queue: Queue, batch: list[Message]) -> None:
        """One batch, acknowledged by what the handler answers. After Killed it waits in the queue again."""
        everything = {message.id for message in batch}
        failed = everything
        self.deliveries += 1
        try:
            failed = poller.failures(worker({"Records": queue.records(batch)}), everything)
            if queue.fifo:
                _check_order(batch, failed)
        except Killed:
            self.kills += 1
            raise
        except HandlerFailed as error:
            if not self.may_raise:
                self.errors.append(f"the handler raised {error}")
        finally:
            queue.settle(batch, failed)


def _check_order(batch: Sequence[Message], failed: set[str]) -> None:
    """In a group nothing may be done after a message that is to come again."""
    stopped: set[str | None] = set()
    for message in batch:
        if message.id in failed:
            stopped.add(message.group)
        else:
            assert message.group not in stopped, f"{message.id} was done before an earlier one of its group"


@contextmanager
def _killed_after(worker: Worker, seconds: float | None) -> Iterator[None]:
    if seconds is None:
        yield
        return
    timer = threading.Timer(seconds, worker.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


_prefixes = (f"k{number}-" for number in range(10**6))


@contextmanager
def stage(
    endpoint: str,
    seed: int,
    plan: FaultPlan | None = None,
    *,
    twice: float = 0.0,
    timeout: int = 8,
    slot_ms: int = DEFAULT_SLOT_MS,
) -> Iterator[Stage]:
    """Fresh tables behind a proxy that breaks calls by plan. `timeout` is the worker's, in seconds: an engine that is
    gone for a while must not stop the run for long."""
    client = aws.dynamodb_client(endpoint)
    tables = create_tables(client, MODELS, next(_prefixes))
    function = template.read(TEMPLATE).functions["WorkerFunction"].model_copy(update={"timeout": timeout})
    variables = {
        **{"LEDGER_TABLE" if name == "Ledger" else table_variable(name): physical for name, physical in tables.items()},
        "LEDGER_SLOT_MS": str(slot_ms),
        "REJECTED_QUEUE_URL": REJECTED_URL,
        # SQS answers at the first attempt or the messages come back: botocore's waits would only take time
        "AWS_MAX_ATTEMPTS": "1",
    }
    rejected = RejectedQueue()
    with Proxy(endpoint, plan, sqs=rejected.answer) as proxy:
        yield Stage(seed, client, tables, function, proxy, rejected, twice, variables, slot_ms=slot_ms)


def seed_of_run(default: int) -> int:
    """KILL_SEED, to run again what has failed."""
    return int(os.environ.get("KILL_SEED") or default)
