"""Everything of the template, running on this machine."""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local import aws, engines, functions, resources, template
from local.http import Server
from local.poller import Poller
from local.resources import Resources

if TYPE_CHECKING:
    from surewrite import Item

_LAST_BATCH_SECONDS = 5.0


@dataclass(frozen=True)
class Stack:
    server: Server
    resources: Resources
    note: str | None


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
        for each in loaded.values():
            check_models(definition, each.models)
        server.functions, server.routes = loaded, definition.routes
        server.resources = created.to_json()
        cleanup.enter_context(_polling(_pollers(definition, created, server)))
        yield Stack(server, created, endpoints.note)


def check_models(definition: template.Template, models: "Iterable[type[Item]]") -> None:
    """TemplateError where a model has no table, or another key than its table: DynamoDB would refuse every write."""
    for model in models:
        name, key = model.schema_.table, {one.name: one.type for one in model.schema_.key_attributes}
        if name not in definition.tables:
            raise template.TemplateError(f"{model.__name__}: the template has no table {name}")
        table = definition.tables[name].key
        if list(table.items()) != list(key.items()):
            raise template.TemplateError(f"{name}: the table's key is {_spelt(table)}, the model's {_spelt(key)}")


def _spelt(key: Mapping[str, str]) -> str:
    return " and ".join(f"{name} ({type_})" for name, type_ in key.items())


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
