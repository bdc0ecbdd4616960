"""`surewrite rejected`: what waits in the rejected queues, and what is to become of it."""

from __future__ import annotations

import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

import typer

from ..sqs.redrive import Redrive, Redriven
from ..sqs.redrive import discard as discard_messages
from ..sqs.waiting import Sweep, Waiting
from . import output
from .deployment import REJECTED_QUEUES, CommandError, Deployment
from .options import DEFAULT_MODELS, AsJson, Models, Stack

app = typer.Typer(help="Messages that were rejected: list, show, redrive, discard.", no_args_is_help=True)

MOVED = "moved by SQS"
"""Stands for the reason of a message that SQS has moved by itself."""

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

Queue = Annotated[
    str | None,
    typer.Option(
        "--queue", "-q", help="One of them only: RejectedQueue, OrderedRejectedQueue, RejectedOperationsQueue."
    ),
]
Reason = Annotated[
    str | None,
    typer.Option(
        "--reason", "-r", help=f"Those whose reason begins so: ConditionFailed. '{MOVED}': those without one."
    ),
]
Older = Annotated[str | None, typer.Option("--older-than", metavar="AGE", help="Those sent before: 30m, 2h, 3d.")]
Newer = Annotated[str | None, typer.Option("--newer-than", metavar="AGE", help="Those sent since.")]
Ids = Annotated[list[str] | None, typer.Option("--id", help="Those with this message id; may be repeated.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do it. Without this it is only said what would be done.")]


@dataclass(frozen=True)
class Filter:
    """Which messages a command is about; times are in seconds since 1970."""

    reason: str
    before: float
    since: float
    ids: frozenset[str]

    @classmethod
    def of(cls, reason: str | None, older: str | None, newer: str | None, ids: Sequence[str] | None = None) -> Self:
        """From the options; CommandError for an age that is none."""
        now = time.time()
        before = math.inf if older is None else now - _seconds(older)
        return cls(reason or "", before, 0.0 if newer is None else now - _seconds(newer), frozenset(ids or ()))

    def __call__(self, message: Waiting) -> bool:
        return (
            reason_of(message).startswith(self.reason)
            and self.since <= (message.sent or 0) / 1000 < self.before
            and (not self.ids or message.message_id in self.ids)
        )


def reason_of(message: Waiting) -> str:
    return message.reason or MOVED


@app.command("list")
def list_(
    stack: Stack = None,
    models: Models = DEFAULT_MODELS,
    queue: Queue = None,
    reason: Reason = None,
    older_than: Older = None,
    newer_than: Newer = None,
    as_json: AsJson = False,
) -> None:
    """What waits, by reason. With --json each message, without its body."""
    chosen = Filter.of(reason, older_than, newer_than)
    found = ((name, one) for name, one in _waiting(Deployment.of(stack, models), queue) if chosen(one))
    if as_json:
        output.lines(_facts(name, one) for name, one in found)
        return
    counts: Counter[tuple[str, str, str]] = Counter()
    oldest: dict[tuple[str, str, str], int] = {}
    for name, one in found:
        row = (name, reason_of(one), one.source or "")
        counts[row] += 1
        oldest[row] = min(one.sent or 0, oldest.get(row, one.sent or 0))
    if not counts:
        output.note("nothing waits")
        return
    rows = [(count, *row, output.moment(oldest[row])) for row, count in counts.most_common()]
    output.table(["#messages", "queue", "reason", "from", "oldest"], rows)


@app.command()
def show(
    message_id: Annotated[str, typer.Argument(metavar="MESSAGE_ID")],
    stack: Stack = None,
    models: Models = DEFAULT_MODELS,
    queue: Queue = None,
    as_json: AsJson = False,
) -> None:
    """One message whole: its body, which is what a user sent, its attributes, its key."""
    for name, one in _waiting(Deployment.of(stack, models), queue):
        if one.message_id == message_id:
            facts = {**_facts(name, one), "attributes": _texts(one), "body": one.body}
            output.facts(facts, as_json=as_json)
            return
    raise CommandError(f"no message {message_id} waits in a rejected queue")


@app.command()
def redrive(
    stack: Stack = None,
    models: Models = DEFAULT_MODELS,
    queue: Queue = None,
    reason: Reason = None,
    older_than: Older = None,
    newer_than: Newer = None,
    ids: Ids = None,
    to: Annotated[str | None, typer.Option(help="The queue that they go to; by default where each comes from.")] = None,
    rate: Annotated[float | None, typer.Option(min=0.01, help="At most so many messages a second.")] = None,
    unkeyed: Annotated[
        bool, typer.Option(help="Also those without a key, which are applied again if they were applied before.")
    ] = False,
    hold: Annotated[int, typer.Option(min=1, help="Seconds for which a message is hidden that is being sent.")] = 120,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Sends messages back with key, group and attributes. They are applied once, however often this is interrupted."""
    if to is not None and queue is None:
        raise CommandError("--to is for the messages of one --queue: operations and writes go to queues of their own")
    deployment = Deployment.of(stack, models)
    chosen = Filter.of(reason, older_than, newer_than, ids)
    target = deployment.names.get(to, to) if to else None

    def work(url: str, report: Any) -> Redriven:
        return Redrive(deployment.sqs, url, to=target, rate=rate, unkeyed=unkeyed, hold=hold).run(chosen, report)

    _change(deployment, queue, chosen, "redriven", work, yes=yes, as_json=as_json)


@app.command()
def discard(
    stack: Stack = None,
    models: Models = DEFAULT_MODELS,
    queue: Queue = None,
    reason: Reason = None,
    older_than: Older = None,
    newer_than: Newer = None,
    ids: Ids = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Deletes messages for good."""
    deployment = Deployment.of(stack, models)
    chosen = Filter.of(reason, older_than, newer_than, ids)

    def work(url: str, report: Any) -> Redriven:
        return discard_messages(deployment.sqs, url, chosen, report)

    _change(deployment, queue, chosen, "discarded", work, yes=yes, as_json=as_json)


def _change(
    deployment: Deployment, queue: str | None, chosen: Filter, done: str, work: Any, *, yes: bool, as_json: bool
) -> None:
    """Does `work` in each queue, or says what would be done; exit code 1 where a message stays that was chosen."""
    results: list[dict[str, Any]] = []
    for name, url in _queues(deployment, queue).items():
        if not yes:
            count = sum(1 for _, one in _waiting(deployment, name) if chosen(one))
            results.append({"queue": name, f"would_be_{done}": count})
            continue
        result = _with_bar(f"{name} {done}", deployment.sqs, url, work)
        results.append({"queue": name, done: result.done, "kept": result.kept, "failed": len(result.failures)})
        for message_id, cause in result.failures.items():
            output.note(f"{message_id}: {cause}")
    if as_json:
        output.lines(results)
    else:
        first, *counts = results[0]
        output.table([first, *(f"#{count.replace('_', ' ')}" for count in counts)], (one.values() for one in results))
    if not yes:
        output.note("Nothing was changed. --yes does it.")
    if any(one.get("failed") for one in results):
        raise typer.Exit(1)


def _with_bar(what: str, sqs: Any, url: str, work: Any) -> Redriven:
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    begun = time.monotonic()
    with output.progress(what, int(attributes["ApproximateNumberOfMessages"]) or None) as bar:
        (task,) = bar.task_ids

        def report(result: Redriven) -> None:
            seen = result.done + result.kept + len(result.failures)
            bar.update(task, completed=seen, rate=f"{result.done / max(0.001, time.monotonic() - begun):,.0f}/s")

        done: Redriven = work(url, report)
    return done


def _queues(deployment: Deployment, queue: str | None) -> dict[str, str]:
    if queue is not None and queue not in REJECTED_QUEUES:
        raise CommandError(f"--queue {queue}: one of {', '.join(REJECTED_QUEUES)} is needed")
    found = deployment.queues(REJECTED_QUEUES if queue is None else [queue])
    if not found:
        raise CommandError("no rejected queue is known: name a --stack")
    return found


def _waiting(deployment: Deployment, queue: str | None) -> Iterator[tuple[str, Waiting]]:
    """Each message with the name of its queue. All of them are shown to others again in the end."""
    for name, url in _queues(deployment, queue).items():
        sweep = Sweep(deployment.sqs, url)
        held: list[Waiting] = []
        try:
            for messages in sweep:
                held += messages
                yield from ((name, one) for one in messages)
        finally:
            sweep.release(held)


def _facts(queue: str, message: Waiting) -> dict[str, Any]:
    return {
        "queue": queue,
        "message_id": message.message_id,
        "reason": reason_of(message),
        "from": message.source,
        "key": message.key,
        "group": message.group,
        "sent": output.moment(message.sent),
    }


def _texts(message: Waiting) -> dict[str, str]:
    return {name: one.get("StringValue") or repr(one.get("BinaryValue")) for name, one in message.attributes.items()}


def _seconds(age: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", age)
    if found is None:
        raise CommandError(f"{age} is no age: write 30s, 30m, 2h or 3d")
    return float(found[1]) * _UNITS[found[2]]
