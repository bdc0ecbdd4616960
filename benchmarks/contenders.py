"""Who runs against whom, and on which tables."""

import itertools
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.messages import AUTHOR
from local import aws, functions, resources, template
from local.engines import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SUREWRITE, POWERTOOLS, PLAIN = "surewrite", "powertools", "plain"
CONTENDERS = {SUREWRITE: "surewrite", POWERTOOLS: "Powertools recipe", PLAIN: "plain UpdateItem"}

HERE = Path(__file__).resolve().parent
TEMPLATE = ROOT / "template.yaml"
# Nothing listens there: whoever needs SQS in a run has rejected a message, and fails.
_NO_SQS = "http://127.0.0.1:9"
_OWN_HANDLERS = {POWERTOOLS: "powertools_recipe.handler", PLAIN: "plain_update.handler"}
_prefixes = (f"b{number}-" for number in itertools.count())


@dataclass(frozen=True)
class Tables:
    """Physical names: by logical id of the template, and of the table of the Powertools utility."""

    named: Mapping[str, str]
    idempotency: str

    @property
    def books(self) -> str:
        return self.named["Books"]

    @property
    def references(self) -> dict[str, str]:
        """What the template refers to in this run."""
        return {**self.named, "RejectedQueue": f"{_NO_SQS}/{aws.ACCOUNT}/RejectedQueue"}


@contextmanager
def fresh_tables(client: "DynamoDBClient", ledger: str | None = None) -> Iterator[Tables]:
    """Empty tables, gone afterwards. `ledger` is the physical name of a ledger that is there already, and stays."""
    prefix = next(_prefixes)
    definition = template.read(TEMPLATE)
    created = resources.create_tables(client, definition, prefix)
    idempotency = prefix + "Idempotency"
    client.create_table(
        TableName=idempotency,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        yield Tables({**created, **({"Ledger": ledger} if ledger else {})}, idempotency)
    finally:
        for name in (*created.values(), idempotency):
            client.delete_table(TableName=name)


def definition_of(contender: str, references: Mapping[str, str]) -> template.Function:
    """The worker of the template, or the same function with a contender's code in it."""
    worker = template.read(TEMPLATE, references).functions["WorkerFunction"]
    if contender == SUREWRITE:
        return worker
    return worker.model_copy(update={"code_uri": HERE, "handler": _OWN_HANDLERS[contender], "layers": []})


def environment(contender: str, tables: Tables, endpoint: str) -> dict[str, str]:
    """The variables of the contender's function. No file and no proxy of this machine has a say."""
    variables = {
        **aws.environment(endpoint, _NO_SQS),
        "IDEMPOTENCY_TABLE": tables.idempotency,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    return functions.environment(definition_of(contender, tables.references), variables)


def load(contender: str, tables: Tables, endpoint: str) -> functions.Function:
    """The contender's handler, imported here with its environment."""
    return functions.load(definition_of(contender, tables.references), environment(contender, tables, endpoint))


def counters(client: "DynamoDBClient", tables: Tables) -> dict[str, int]:
    """The views of every book, by title."""
    pages = client.get_paginator("query").paginate(
        TableName=tables.books,
        ConsistentRead=True,
        KeyConditionExpression="Author = :author",
        ExpressionAttributeValues={":author": {"S": AUTHOR}},
    )
    return {item["Title"]["S"]: int(item["Views"]["N"]) for page in pages for item in page["Items"]}
