"""Who runs against whom, and on which tables."""

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.messages import AUTHOR
from local import aws, functions, template
from local.engines import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SUREWRITE, RECORDS, POWERTOOLS, PLAIN = "surewrite", "records", "powertools", "plain"
CONTENDERS = {
    SUREWRITE: "surewrite",
    RECORDS: "surewrite, packing off",
    POWERTOOLS: "Powertools recipe",
    PLAIN: "plain UpdateItem",
}

HERE = Path(__file__).resolve().parent
TEMPLATE = ROOT / "template.yaml"
# Nothing listens there: whoever needs SQS in a run has rejected a message, and fails.
_NO_SQS = "http://127.0.0.1:9"
_OWN_HANDLERS = {POWERTOOLS: "powertools_recipe.handler", PLAIN: "plain_update.handler"}
_MODELS = "bookstore.models"
_prefixes = (f"b{number}-" for number in itertools.count())


@dataclass(frozen=True)
class Tables:
    """Physical names: of the books, of surewrite's ledger, and of the Powertools utility's table."""

    books: str
    ledger: str
    idempotency: str

    @property
    def variables(self) -> dict[str, str]:
        """What tells every contender's function of them."""
        return {
            "BOOKS_TABLE": self.books,
            "LEDGER_TABLE": self.ledger,
            "IDEMPOTENCY_TABLE": self.idempotency,
            "REJECTED_QUEUE_URL": f"{_NO_SQS}/{aws.ACCOUNT}/RejectedQueue",
        }


@contextmanager
def fresh_tables(client: "DynamoDBClient", ledger: str | None = None) -> Iterator[Tables]:
    """Empty tables, gone afterwards. `ledger` is the physical name of a ledger that is there already, and stays."""
    prefix = next(_prefixes)
    keys = {"Books": ["Author", "Title"], "Ledger": ["id"], "Idempotency": ["id"]}
    for name, key in keys.items():
        client.create_table(
            TableName=prefix + name,
            KeySchema=[{"AttributeName": one, "KeyType": "RANGE" if one == "Title" else "HASH"} for one in key],
            AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in key],
            BillingMode="PAY_PER_REQUEST",
        )
    try:
        yield Tables(prefix + "Books", ledger or prefix + "Ledger", prefix + "Idempotency")
    finally:
        for name in keys:
            client.delete_table(TableName=prefix + name)


def definition_of(contender: str) -> template.Function:
    """The worker of the template, or the same function with a contender's code in it."""
    worker = template.read(TEMPLATE).functions["WorkerFunction"]
    if contender not in _OWN_HANDLERS:
        return worker
    return worker.model_copy(update={"code_uri": HERE, "handler": _OWN_HANDLERS[contender], "layers": []})


def environment(contender: str, tables: Tables, endpoint: str) -> dict[str, str]:
    """The variables of the contender's function. No file and no proxy of this machine has a say."""
    variables = {
        **aws.environment(endpoint, _NO_SQS),
        **tables.variables,
        "LEDGER_PACKING": "off" if contender == RECORDS else "on",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    return functions.environment(definition_of(contender), variables)


def load(contender: str, tables: Tables, endpoint: str) -> functions.Function:
    """The contender's handler, imported here with its environment."""
    definition, variables = definition_of(contender), environment(contender, tables, endpoint)
    if contender in _OWN_HANDLERS:
        return functions.load(definition, variables)
    sys.path += [str(layer) for layer in definition.layers if str(layer) not in sys.path]
    from benchmarks import models

    served = sys.modules.get(_MODELS)
    sys.modules[_MODELS] = models
    try:
        return functions.load(definition, variables)
    finally:
        del sys.modules[_MODELS]
        if served is not None:
            sys.modules[_MODELS] = served


def counters(client: "DynamoDBClient", tables: Tables) -> dict[str, int]:
    """The views of every book, by title."""
    pages = client.get_paginator("query").paginate(
        TableName=tables.books,
        ConsistentRead=True,
        KeyConditionExpression="Author = :author",
        ExpressionAttributeValues={":author": {"S": AUTHOR}},
    )
    return {item["Title"]["S"]: int(item["Views"]["N"]) for page in pages for item in page["Items"]}
