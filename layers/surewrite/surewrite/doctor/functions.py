"""The worker: every queue has a mapping that is on, and that says message by message what failed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from .finding import Finding


@dataclass(frozen=True, slots=True)
class Worker:
    """The worker's function: its ARN without a version, its timeout in seconds, its variables."""

    arn: str
    timeout: float
    variables: Mapping[str, str]

    @classmethod
    def of(cls, functions: Any, name: str) -> Self:
        """From boto3's client for Lambda."""
        found = functions.get_function_configuration(FunctionName=name)
        return cls(found["FunctionArn"], found["Timeout"], found.get("Environment", {}).get("Variables", {}))


def examine_mappings(functions: Any, queues: Mapping[str, str], worker: Worker) -> list[Finding]:
    """Of the event source mappings of the queues, whose ARNs are given by logical id."""
    return [
        finding
        for name, arn in queues.items()
        for finding in _mapping(
            name, functions.list_event_source_mappings(EventSourceArn=arn)["EventSourceMappings"], worker
        )
    ]


def _mapping(name: str, mappings: list[Mapping[str, Any]], worker: Worker) -> Iterator[Finding]:
    own = [one for one in mappings if str(one["FunctionArn"]).startswith(worker.arn)]
    if not own:
        yield Finding(name, "no mapping leads from it to the worker", "deploy the stack: its messages wait")
    for one in own:
        if one["State"] not in ("Enabled", "Enabling", "Updating", "Creating"):
            yield Finding(name, f"its mapping is {one['State'].lower()}: its messages wait", f"enable {one['UUID']}")
        if "ReportBatchItemFailures" not in one.get("FunctionResponseTypes", ()):
            problem = "a batch of which one message failed comes again whole"
            yield Finding(name, problem, "set FunctionResponseTypes to ReportBatchItemFailures")
        if "MaximumConcurrency" not in one.get("ScalingConfig", {}):
            problem = "any number of workers may read it, and each claims the same slots of the ledger"
            yield Finding(name, problem, "set ScalingConfig.MaximumConcurrency (WritesConcurrency)")
