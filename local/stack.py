"""Everything of the template, running on this machine."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from local import aws, engines, functions, models, resources, template
from local.http import Server
from local.poller import Poller
from local.resources import Resources

_LAST_BATCH_SECONDS = 5.0


@dataclass(frozen=True)
class Stack:
    """`example` is the path of an item that the first model could have, None without models."""

    server: Server
    resources: Resources
    note: str | None
    example: str | None = None


@contextmanager
def running(path: Path, port: int, data: Path | None) -> Iterator[Stack]:
    """Engines, tables, queues, handlers and pollers; the caller serves `stack.server`.

    Raises TemplateError, PortError, EngineError and LoadError, and what a handler's module raises.
    """
    plain = template.read(path)
    with ExitStack() as cleanup:
        server = cleanup.enter_context(Server(port))
        endpoints = cleanup.enter_context(engines.running(data, server.fail))
        created = resources.create(plain, endpoints)
        definition = template.read(path, created.references)
        variables = aws.environment(endpoints.dynamodb, endpoints.sqs)
        # A handler that makes its client with its first event finds the engines as well.
        os.environ.update(variables)
        loaded = {
            name: functions.load(function, functions.environment(function, variables))
            for name, function in definition.functions.items()
        }
        served = [model for function in loaded.values() for model in function.models]
        models.check(served, definition.tables)
        server.functions, server.routes = loaded, definition.routes
        server.resources = created.to_json()
        cleanup.enter_context(_polling(_pollers(definition, created, server)))
        yield Stack(server, created, endpoints.note, models.path(served[0]) if served else None)


def _pollers(definition: template.Template, created: Resources, server: Server) -> list[Poller]:
    queues = {queue.arn: queue for queue in definition.queues.values()}
    return [
        Poller(
            aws.sqs_client(created.sqs),
            mapping,
            queues[mapping.event_source_arn],
            created.queues[queues[mapping.event_source_arn].logical_id],
            server.functions[mapping.function_name],
        )
        for mapping in definition.mappings
        if mapping.enabled
    ]


@contextmanager
def _polling(pollers: list[Poller]) -> Iterator[None]:
    try:
        for poller in pollers:
            poller.start()
        yield
    finally:
        for poller in pollers:
            poller.stop()
        for poller in pollers:
            poller.join(_LAST_BATCH_SECONDS)
