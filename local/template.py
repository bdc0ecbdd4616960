"""What template.yaml says, as plain typed objects.

`read` is a function of the file and of references: once the engines run, it is read again with
the real queue URLs, and every function's environment comes out as CloudFormation would set it.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from cfnlint.decode import decode_str
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from local.aws import ACCOUNT, REGION, arn
from local.intrinsics import Resolver

DEFAULT_ROUTE = "$default"

_INVOKED = re.compile(r":function:(\w+)(:\w+)?/invocations$")

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "local",
    "AWS::URLSuffix": "amazonaws.com",
}


class TemplateError(ValueError):
    """A template that cannot be run: one line that names the resource and the reason."""


class _Properties(BaseModel):
    """The properties that matter here, with CloudFormation's names, types and defaults."""

    model_config = ConfigDict(alias_generator=to_pascal, validate_by_name=True, frozen=True, coerce_numbers_to_str=True)


class KeyElement(_Properties):
    attribute_name: str
    key_type: Literal["HASH", "RANGE"]


class AttributeDefinition(_Properties):
    attribute_name: str
    attribute_type: Literal["S", "N", "B"]


class TimeToLive(_Properties):
    attribute_name: str
    enabled: bool


class Table(_Properties):
    logical_id: str
    key_schema: list[KeyElement] = Field(min_length=1, max_length=2)
    attribute_definitions: list[AttributeDefinition]
    global_secondary_indexes: list[dict[str, Any]] | None = None
    local_secondary_indexes: list[dict[str, Any]] | None = None
    time_to_live_specification: TimeToLive | None = None

    @property
    def key(self) -> dict[str, str]:
        """Names and types of the key attributes, partition key first: `{"Author": "S", "Title": "S"}`."""
        types = {definition.attribute_name: definition.attribute_type for definition in self.attribute_definitions}
        names = [element.attribute_name for element in sorted(self.key_schema, key=lambda element: element.key_type)]
        return {name: types[name] for name in names}

    @property
    def ttl(self) -> str | None:
        """The attribute whose time an item does not outlive."""
        wanted = self.time_to_live_specification
        return wanted.attribute_name if wanted is not None and wanted.enabled else None

    @property
    def index_names(self) -> set[str]:
        indexes = [*(self.global_secondary_indexes or ()), *(self.local_secondary_indexes or ())]
        return {index["IndexName"] for index in indexes}

    def index_keys(self, name: str, *, local: bool) -> list[str] | None:
        """The key attributes of an index, partition key first; None if there is none of that name."""
        indexes = (self.local_secondary_indexes if local else self.global_secondary_indexes) or []
        schemas = [index["KeySchema"] for index in indexes if index["IndexName"] == name]
        in_order = (sorted(schema, key=lambda element: str(element["KeyType"])) for schema in schemas)
        return next(([element["AttributeName"] for element in schema] for schema in in_order), None)


class RedrivePolicy(_Properties):
    dead_letter_target_arn: str = Field(alias="deadLetterTargetArn")
    max_receive_count: int = Field(alias="maxReceiveCount", ge=1, le=1000)


class Queue(_Properties):
    logical_id: str
    fifo_queue: bool = False
    content_based_deduplication: bool = False
    visibility_timeout: int = Field(default=30, ge=0, le=43_200)
    delay_seconds: int = Field(default=0, ge=0, le=900)
    message_retention_period: int = Field(default=345_600, ge=60, le=1_209_600)
    redrive_policy: RedrivePolicy | None = None

    @property
    def name(self) -> str:
        return _queue_name(self.logical_id, self.fifo_queue)

    @property
    def arn(self) -> str:
        return arn("sqs", self.name)


class _Environment(_Properties):
    variables: dict[str, str] = Field(default_factory=dict)


class Function(_Properties):
    """`timeout` is in seconds, `memory_size` in MB; the paths are absolute."""

    logical_id: str
    code_uri: Path
    handler: str = Field(pattern=r"^\w+(\.\w+)+$")
    layers: list[Path] = Field(default_factory=list)
    environment_block: _Environment = Field(default=_Environment(), alias="Environment")
    timeout: int = Field(default=3, ge=1, le=900)
    memory_size: int = 128

    @property
    def environment(self) -> dict[str, str]:
        return self.environment_block.variables

    @property
    def arn(self) -> str:
        return arn("lambda", f"function:{self.logical_id}")


class EventSourceMapping(_Properties):
    """Which queue calls which function, in what batches."""

    logical_id: str
    event_source_arn: str
    function_name: str
    enabled: bool = True
    batch_size: int = Field(default=10, ge=1, le=10_000)
    maximum_batching_window_in_seconds: int = Field(default=0, ge=0, le=300)
    function_response_types: list[Literal["ReportBatchItemFailures"]] = Field(default_factory=list)

    @property
    def partial_responses(self) -> bool:
        """Whether the function may report single messages of a batch as failed."""
        return bool(self.function_response_types)


@dataclass(frozen=True)
class Route:
    """An HTTP API's route to a function; `$default` has the method ANY."""

    method: str
    path: str
    function: str

    @property
    def key(self) -> str:
        return DEFAULT_ROUTE if self.path == DEFAULT_ROUTE else f"{self.method} {self.path}"


@dataclass(frozen=True)
class Template:
    """Everything by its logical id."""

    tables: dict[str, Table]
    queues: dict[str, Queue]
    functions: dict[str, Function]
    routes: list[Route]
    mappings: list[EventSourceMapping]


def read(path: Path, references: Mapping[str, str] | None = None) -> Template:
    """The template at `path`.

    `references` are what `!Ref` is of parameters and resources (a queue's URL, a table's physical
    name) in place of the defaults. Raises TemplateError.
    """
    document = _document(path)
    resources: dict[str, Any] = document["Resources"]
    template = Template({}, {}, {}, [], [])
    reader = _Reader(path, document, references or {})
    for logical_id, resource in resources.items():
        with _errors_of(path, logical_id):
            reader.add(template, logical_id, resource["Type"], resource.get("Properties", {}))
    for mapping in template.mappings:
        with _errors_of(path, mapping.logical_id):
            _check(mapping, template)
    return template


class _Reader:
    def __init__(self, path: Path, document: dict[str, Any], references: Mapping[str, str]) -> None:
        resources = document["Resources"]
        self._root = path.resolve().parent
        self._globals = document.get("Globals", {}).get("Function", {})
        self._layers = {
            logical_id: self._root / str(resource["Properties"]["ContentUri"])
            for logical_id, resource in resources.items()
            if resource.get("Type") == "AWS::Serverless::LayerVersion"
        }
        self._integrations = {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in resources.items()
            if resource.get("Type") == "AWS::ApiGatewayV2::Integration"
        }
        self._resolve = Resolver(
            refs={**_PSEUDO_PARAMETERS, **_defaults(document), **_references(resources), **references},
            attributes=_attributes(resources),
            mappings=document.get("Mappings", {}),
        )

    def add(self, template: Template, logical_id: str, kind: str, properties: dict[str, Any]) -> None:
        match kind:
            case "AWS::DynamoDB::Table":
                template.tables[logical_id] = self._build(Table, logical_id, properties)
            case "AWS::SQS::Queue":
                template.queues[logical_id] = self._build(Queue, logical_id, properties)
            case "AWS::Lambda::EventSourceMapping":
                template.mappings.append(self._build(EventSourceMapping, logical_id, properties))
            case "AWS::Serverless::Function":
                self._add_function(template, logical_id, _merge(self._globals, properties))
            case "AWS::ApiGatewayV2::Route":
                self._add_route(template, properties)

    def _add_route(self, template: Template, properties: dict[str, Any]) -> None:
        integration = str(self._resolve(properties["Target"])).removeprefix("integrations/")
        if integration not in self._integrations:
            raise ValueError(f"Target: there is no integration {integration}")
        uri = str(self._resolve(self._integrations[integration]["IntegrationUri"]))
        if (function := _INVOKED.search(uri)) is None:
            raise ValueError(f"Target: the IntegrationUri of {integration} invokes no function")
        method, _, path = str(properties["RouteKey"]).rpartition(" ")
        template.routes.append(Route(method or "ANY", path, function[1]))

    def _add_function(self, template: Template, logical_id: str, properties: dict[str, Any]) -> None:
        layers = [self._layers[str(self._resolve(layer))] for layer in properties.get("Layers", [])]
        paths = {"CodeUri": self._root / str(properties["CodeUri"]), "Layers": layers}
        template.functions[logical_id] = self._build(Function, logical_id, {**properties, **paths})
        for name, event in properties.get("Events", {}).items():
            details = event.get("Properties", {})
            if event["Type"] == "HttpApi":
                method = str(details.get("Method", "ANY")).upper()
                method = "ANY" if method == "X-AMAZON-APIGATEWAY-ANY-METHOD" else method
                template.routes.append(Route(method, str(details.get("Path", DEFAULT_ROUTE)), logical_id))
            elif event["Type"] == "SQS":
                source = {**details, "EventSourceArn": details["Queue"], "FunctionName": logical_id}
                template.mappings.append(self._build(EventSourceMapping, f"{logical_id}{name}", source))

    def _build(self, model: type["_Model"], logical_id: str, properties: Mapping[str, Any]) -> "_Model":
        # Only what the model asks for is resolved: policies and the like may hold what only AWS can resolve.
        wanted = {field.alias for field in model.model_fields.values()}
        known = {name: self._resolve(value) for name, value in properties.items() if name in wanted}
        return model.model_validate({**known, "LogicalId": logical_id})


_Model = TypeVar("_Model", bound=_Properties)


def _document(path: Path) -> dict[str, Any]:
    try:
        return parse(path, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TemplateError(f"{path}: {error.strerror}") from error


def parse(path: Path, text: str) -> dict[str, Any]:
    """The text of a template that stands at `path`, or is to stand there. TemplateError where it is none, or names two
    resources alike."""
    document, mistakes = decode_str(text)
    for mistake in mistakes:
        raise TemplateError(f"{path}:{mistake.linenumber}: {' '.join(mistake.message.split())}")
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise TemplateError(f"{path}: it has no Resources")
    for logical_id, resource in document["Resources"].items():
        if not isinstance(resource, dict) or "Type" not in resource:
            raise TemplateError(f"{path}: {logical_id}: Type is missing")
    return document


def _defaults(document: dict[str, Any]) -> dict[str, Any]:
    """A parameter without a default, such as a secret, is its own name here, as long as it has to be: the same at every
    start."""
    parameters = document.get("Parameters", {})
    return {name: parameter.get("Default", _stand_in(name, parameter)) for name, parameter in parameters.items()}


def _stand_in(name: str, parameter: Mapping[str, Any]) -> str:
    return f"local-{name}".ljust(int(parameter.get("MinLength", 0)), "-")


def _references(resources: dict[str, Any]) -> dict[str, str]:
    def reference(logical_id: str, resource: dict[str, Any]) -> str:
        if resource["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{_queue_name_of(logical_id, resource)}"
        return logical_id

    names = {logical_id: reference(logical_id, resource) for logical_id, resource in resources.items()}
    # SAM's way to name the alias that it publishes: here there is one version only.
    return names | {f"{logical_id}.Alias": logical_id for logical_id in resources}


def _attributes(resources: dict[str, Any]) -> dict[str, str]:
    attributes = {}
    for logical_id, resource in resources.items():
        match resource["Type"]:
            case "AWS::DynamoDB::Table":
                attributes[f"{logical_id}.Arn"] = arn("dynamodb", f"table/{logical_id}")
            case "AWS::SQS::Queue":
                name = _queue_name_of(logical_id, resource)
                attributes |= {f"{logical_id}.Arn": arn("sqs", name), f"{logical_id}.QueueName": name}
            case "AWS::Serverless::Function":
                attributes[f"{logical_id}.Arn"] = arn("lambda", f"function:{logical_id}")
    return attributes


def _queue_name_of(logical_id: str, resource: dict[str, Any]) -> str:
    return _queue_name(logical_id, resource.get("Properties", {}).get("FifoQueue") is True)


def _queue_name(logical_id: str, fifo: bool) -> str:
    return f"{logical_id}.fifo" if fifo else logical_id


def _merge(common: Any, own: Any) -> Any:
    """Globals under a function's own properties, as SAM merges them: maps join, lists append."""
    if isinstance(common, dict) and isinstance(own, dict):
        return {**common, **{name: _merge(common.get(name, value), value) for name, value in own.items()}}
    if isinstance(common, list) and isinstance(own, list) and common is not own:
        return common + own
    return own


def _check(mapping: EventSourceMapping, template: Template) -> None:
    if mapping.function_name not in template.functions:
        raise ValueError(f"FunctionName: there is no function {mapping.function_name}")
    queues = {queue.arn: queue for queue in template.queues.values()}
    if mapping.event_source_arn not in queues:
        raise ValueError(f"EventSourceArn: there is no queue {mapping.event_source_arn}")
    # The two rules on which a deployment fails.
    queue, function = queues[mapping.event_source_arn], template.functions[mapping.function_name]
    if queue.visibility_timeout < function.timeout:
        raise ValueError(f"{queue.logical_id}'s VisibilityTimeout is shorter than {function.logical_id}'s Timeout")
    if mapping.batch_size > 10 and (queue.fifo_queue or not mapping.maximum_batching_window_in_seconds):
        raise ValueError("a BatchSize above 10 needs a standard queue and a MaximumBatchingWindowInSeconds")


@contextmanager
def _errors_of(path: Path, logical_id: str) -> Iterator[None]:
    try:
        yield
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TemplateError(f"{path}: {logical_id}: {where}: {first['msg']}") from error
    except KeyError as error:
        raise TemplateError(f"{path}: {logical_id}: {error.args[0]} is missing") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise TemplateError(f"{path}: {logical_id}: {error}") from error
