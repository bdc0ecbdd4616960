"""Which deployment a command is about: where its tables and queues are, and what its models are.

A stack of CloudFormation by its name, a stack that `make serve` runs by its URL, or the variables that a function of it
has: `LEDGER_TABLE`, one for each table, `WRITES_QUEUE_URL` and the like for queues.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from ..client import Client
from ..commit.transport import Boto3Transport, boto3_client
from ..model.item import Item
from ..requests import Catalogue
from ..settings import table_variable

QUEUES = ("WritesQueue", "OrderedWritesQueue", "OperationsQueue")
REJECTED_QUEUES = ("RejectedQueue", "OrderedRejectedQueue", "RejectedOperationsQueue")
LEDGER = "Ledger"

_RESOURCES = "/_local/resources"
_LOCAL: dict[str, Any] = {"aws_access_key_id": "local", "aws_secret_access_key": "local", "region_name": "us-east-1"}
_CONNECTIONS = 40  # more than a load, or a scan, has calls at a time
_KINDS = {"AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping"}


class CommandError(Exception):
    """A call of the command that cannot work; the message is one line."""


@dataclass(frozen=True)
class Deployment:
    """`names` are the physical names of tables and functions and the URLs of queues, by their logical ids. `endpoints`
    are the services' URLs where they are not AWS's."""

    names: Mapping[str, str]
    models: Sequence[type[Item]]
    endpoints: Mapping[str, str] = field(default_factory=dict)
    local: bool = False

    @classmethod
    def of(cls, stack: str | None, models: str) -> Deployment:
        """The deployment of the options `--stack` and `--models`."""
        loaded = load_models(models)
        if stack is None:
            return cls(_from_environment(loaded), loaded)
        if stack.startswith(("http://", "https://")):
            return _served(stack, loaded)
        return cls(_from_stack(stack), loaded)

    def client(self, service: str) -> Any:
        """boto3's client of a service."""
        credentials = _LOCAL if self.local else {}
        config = Config(retries={"mode": "standard", "total_max_attempts": 5})
        return boto3.client(service, endpoint_url=self.endpoints.get(service), config=config, **credentials)

    @cached_property
    def sqs(self) -> Any:
        return self.client("sqs")

    @cached_property
    def db(self) -> Client:
        """The library's client; how it packs keys and how long it remembers them are the worker's variables."""
        known = [model for model in self.models if model.schema_.table in self.names]
        tables = {model.schema_.table: self.names[model.schema_.table] for model in known}
        variables = {table_variable(table): name for table, name in tables.items()} | {
            "LEDGER_TABLE": self.name(LEDGER)
        }
        given = {name: value for name, value in os.environ.items() if name.startswith("LEDGER_")}
        credentials = _LOCAL if self.local else {}
        endpoint = self.endpoints.get("dynamodb")
        transport = Boto3Transport(boto3_client(max_connections=_CONNECTIONS, endpoint_url=endpoint, **credentials))
        return Client.from_env(known, variables={**given, **self._function_variables, **variables}, transport=transport)

    @cached_property
    def _function_variables(self) -> Mapping[str, str]:
        """`LEDGER_…` of the worker, so that a key is looked for, and put, where the worker puts it."""
        if self.local or "WorkerFunction" not in self.names:
            return {}
        configuration = self.client("lambda").get_function_configuration(FunctionName=self.names["WorkerFunction"])
        variables: Mapping[str, str] = configuration.get("Environment", {}).get("Variables", {})
        return {name: value for name, value in variables.items() if name.startswith("LEDGER_")}

    def name(self, logical_id: str) -> str:
        """CommandError where the deployment has no such thing."""
        if logical_id not in self.names:
            known = ", ".join(sorted(self.names)) or "nothing: name a --stack"
            raise CommandError(f"there is no {logical_id} in this deployment; there is {known}")
        return self.names[logical_id]

    def model(self, collection: str) -> type[Item]:
        """The model of a collection whose table the deployment has."""
        model = Catalogue(*self.models)[collection]
        self.name(model.schema_.table)
        return model

    def queues(self, logical_ids: Sequence[str]) -> dict[str, str]:
        """URLs by logical id, of those that there are."""
        return {name: self.names[name] for name in logical_ids if name in self.names}


def load_models(spec: str) -> Sequence[type[Item]]:
    """The models that `module:ATTRIBUTE` names; the folder in which the command runs is looked through as well."""
    module, _, attribute = spec.partition(":")
    sys.path.append(os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute or "MODELS")
    except (ImportError, AttributeError, ValueError) as error:
        raise CommandError(f"--models {spec}: {error}") from None
    return tuple(found)


def _from_environment(models: Sequence[type[Item]]) -> dict[str, str]:
    wanted = {model.schema_.table: table_variable(model.schema_.table) for model in models}
    wanted[LEDGER] = "LEDGER_TABLE"
    wanted |= {queue: re.sub(r"(?<!^)(?=[A-Z])", "_", queue).upper() + "_URL" for queue in QUEUES + REJECTED_QUEUES}
    return {logical_id: os.environ[name] for logical_id, name in wanted.items() if os.environ.get(name)}


def _from_stack(stack: str) -> dict[str, str]:
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    listed = (one for page in pages for one in page["StackResourceSummaries"])
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed if one["ResourceType"] in _KINDS}


def _served(url: str, models: Sequence[type[Item]]) -> Deployment:
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            url.rstrip("/") + _RESOURCES, timeout=5
        ) as response:
            found = json.load(response)
    except (OSError, ValueError) as error:
        raise CommandError(f"there is no stack of `make serve` at {url}: {error}") from None
    endpoints = {service: found[service]["endpoint"] for service in ("dynamodb", "sqs")}
    return Deployment({**found["dynamodb"]["tables"], **found["sqs"]["queues"]}, models, endpoints, local=True)
