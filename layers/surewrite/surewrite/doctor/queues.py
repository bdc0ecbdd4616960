"""Queues: what fails goes to a rejected queue that keeps it longer, and nothing comes again while it is worked on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .finding import Finding

_ATTEMPTS = 3
_TIMES = 6  # AWS Lambda's guide, "Using Lambda with Amazon SQS": six times the function's timeout


@dataclass(frozen=True, slots=True)
class Expected:
    """What the queues are held against: the worker's timeout, in seconds (None if it is not known), and how long the
    ledger remembers a key, in days."""

    timeout: float | None
    retention_days: float


def examine_queues(
    sqs: Any, sources: Mapping[str, str], rejected: Mapping[str, str], expected: Expected
) -> list[Finding]:
    """Of the queues that the worker reads, and of the rejected ones: URLs by logical id. `sqs` is boto3's client."""
    attributes = {name: _attributes(sqs, url) for name, url in {**sources, **rejected}.items()}
    arns = {attributes[name]["QueueArn"]: attributes[name] for name in rejected}
    findings = [one for name in sources for one in _source(name, attributes[name], arns, expected)]
    return [*findings, *(one for name in rejected for one in _encrypted(name, attributes[name]))]


def _attributes(sqs: Any, url: str) -> Mapping[str, str]:
    attributes: Mapping[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return attributes


def _source(
    name: str, queue: Mapping[str, str], rejected: Mapping[str, Mapping[str, str]], expected: Expected
) -> Iterator[Finding]:
    visible = int(queue["VisibilityTimeout"])
    if expected.timeout is not None and visible < _TIMES * expected.timeout:
        problem = f"its visibility timeout is {visible} s, the worker's timeout {expected.timeout:g} s"
        yield Finding(name, problem, f"set VisibilityTimeout to {_TIMES * expected.timeout:g} or more")
    yield from _encrypted(name, queue)
    policy = json.loads(queue.get("RedrivePolicy") or "{}")
    target = rejected.get(policy.get("deadLetterTargetArn", ""))
    if target is None:
        problem = "it has no redrive policy to a rejected queue: what cannot be read blocks it until it is deleted"
        yield Finding(name, problem, "set RedrivePolicy to one of the deployment's rejected queues")
        return
    if int(policy["maxReceiveCount"]) < _ATTEMPTS:
        problem = f"a message is given up after {policy['maxReceiveCount']} attempts, which throttling alone may take"
        yield Finding(name, problem, "set maxReceiveCount to 5")
    kept, kept_rejected = int(queue["MessageRetentionPeriod"]), int(target["MessageRetentionPeriod"])
    if kept_rejected <= kept:
        problem = f"the rejected queue keeps a message for {_days(kept_rejected)}, this one for {_days(kept)}"
        yield Finding(name, problem, "let the rejected queue keep it longer: the time counts from when it was sent")
    if kept + kept_rejected > expected.retention_days * 86_400:
        waits, remembered = _days(kept + kept_rejected), f"{expected.retention_days:g} days"
        problem = f"a message may wait for {waits} in all, and the ledger forgets its key after {remembered}"
        yield Finding(name, problem, "raise LedgerRetentionDays: a redrive after that is applied twice")


def _encrypted(name: str, queue: Mapping[str, str]) -> Iterator[Finding]:
    """An engine for a laptop does not say."""
    if queue.get("SqsManagedSseEnabled") == "false" and not queue.get("KmsMasterKeyId"):
        yield Finding(name, "its messages are not encrypted at rest", "turn SqsManagedSseEnabled on, or name a KMS key")


def _days(seconds: int) -> str:
    return f"{seconds / 86_400:g} days"
