"""`surewrite doctor`: is it set up as it has to be?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import typer

from ..commit.ledger import DEFAULT_RETENTION_DAYS
from ..doctor import Expected, Finding, Worker, examine_ledger, examine_mappings, examine_queues, examine_table
from . import output
from .deployment import LEDGER, QUEUES, REJECTED_QUEUES, Deployment
from .options import DEFAULT_MODELS, AsJson, Models, Stack

WORKER = "WorkerFunction"


def doctor(stack: Stack = None, models: Models = DEFAULT_MODELS, as_json: AsJson = False) -> None:
    """Compares tables, queues and the worker with the models and the template's rules. Exit code 1 with findings."""
    deployment = Deployment.of(stack, models)
    findings = [*_tables(deployment), *_messages(deployment)]
    if as_json:
        output.lines(asdict(finding) for finding in findings)
    elif findings:
        output.table(["resource", "problem", "remedy"], ((one.resource, one.problem, one.remedy) for one in findings))
    if findings:
        raise typer.Exit(1)
    output.note(f"nothing is wrong with {len(deployment.names)} resources")


def _tables(deployment: Deployment) -> Iterator[Finding]:
    dynamodb = deployment.client("dynamodb")
    for model in deployment.models:
        table = model.schema_.table
        if table not in deployment.names:
            yield Finding(table, "the deployment has no such table", "make scaffold, then deploy")
            continue
        yield from examine_table(dynamodb, deployment.names[table], model, recovery=not deployment.local)
    yield from examine_ledger(dynamodb, deployment.name(LEDGER), recovery=not deployment.local)


def _messages(deployment: Deployment) -> Iterator[Finding]:
    sqs = deployment.sqs
    worker = None
    sources, rejected = deployment.queues(QUEUES), deployment.queues(REJECTED_QUEUES)
    if WORKER in deployment.names and not deployment.local:
        functions = deployment.client("lambda")
        worker = Worker.of(functions, deployment.names[WORKER])
        arns = {
            name: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            for name, url in sources.items()
        }
        yield from examine_mappings(functions, arns, worker)
    days = worker.variables.get("LEDGER_RETENTION_DAYS") if worker else None
    expected = Expected(worker.timeout if worker else None, float(days or DEFAULT_RETENTION_DAYS))
    yield from examine_queues(sqs, sources, rejected, expected)
