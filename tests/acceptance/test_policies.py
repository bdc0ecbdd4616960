"""The policies of the template: what the functions call is granted, and nothing else."""

from collections.abc import Mapping
from typing import Any

from cfnlint.decode import decode_str

from surewrite.testing import InterceptingTransport, RecordingSQS, sqs_record
from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, ROOT, Api, Store, Worker, add

Grants = set[tuple[str, str]]
"""Pairs of a table, `Ledger` or `items` for all others, and an action."""

# AWS does not promise to bring items in a cancellation: one that is missing is read by itself.
ALONE: Grants = {("items", "GetItem"), ("Ledger", "GetItem")}

_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


def granted(function: str) -> Grants:
    """What the function's policies allow on tables."""
    document, mistakes = decode_str((ROOT / "template.yaml").read_text())
    assert not mistakes
    found: Grants = set()
    for policy in document["Resources"][function]["Properties"]["Policies"]:
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            names, resources = _listed(statement["Action"]), _listed(statement["Resource"])
            tables = {"Ledger" if resource["Fn::GetAtt"][0] == "Ledger" else "items" for resource in resources}
            actions = [name.removeprefix("dynamodb:") for name in names if name.startswith("dynamodb:")]
            found |= {(table, action) for table in tables for action in actions}
    return found


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Used:
    """Collects what a module's calls need."""

    def __init__(self, store: Store, module: Any) -> None:
        self._ledger, self.grants = store.names["Ledger"], set[tuple[str, str]]()
        session = module.db.session
        session.transport = InterceptingTransport(session.transport, self._note)

    def _note(self, operation: str, request: Mapping[str, Any]) -> None:
        match operation:
            case "TransactWriteItems":
                actions = [pair for action in request["TransactItems"] for pair in action.items()]
                needed = [(parameters["TableName"], _TRANSACTED[kind]) for kind, parameters in actions]
            case "BatchGetItem" | "BatchWriteItem":
                needed = [(table, operation) for table in request["RequestItems"]]
            case _:
                needed = [(request["TableName"], operation)]
        self.grants |= {("Ledger" if table == self._ledger else "items", action) for table, action in needed}


REQUESTS: list[tuple[Any, ...]] = [
    ("PUT", RAINMAKER, BOOK),
    ("PATCH", RAINMAKER, {"set": {"Category": "Law"}, "remove": ["Price"]}),
    ("POST", f"{RAINMAKER}/counters/Views"),
    ("GET", RAINMAKER),
    ("DELETE", RAINMAKER),
]


def test_the_api_is_granted_what_it_calls(api: Api, store: Store) -> None:
    used = Used(store, api.module)
    for prefer in ({}, {"prefer": "return=minimal"}):
        for keyed in (False, True):
            for number, request in enumerate(REQUESTS):
                key = {"idempotency_key": f"{len(prefer)}-{number}"} if keyed else {}
                for _ in range(2):
                    assert api(*request, **prefer, **key).status < 500
    assert used.grants | ALONE == granted("ApiFunction")


def test_the_worker_is_granted_what_it_calls(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    used = Used(store, worker.module)
    item = {"op": "put", "collection": "books", "item": RAINMAKER_KEY}
    firm = {**RAINMAKER_KEY, "Title": "The Firm"}
    bodies = [
        item,
        add("Views", 1),
        add("Views", 1, when={"Category": {"eq": "Law"}}),
        add("Views", 1, return_values="ALL_NEW"),
        add("Stock", -5),
        {"op": "delete", "collection": "books", "key": RAINMAKER_KEY},
        {"op": "batch", "collection": "books", "put": [firm], "delete": [RAINMAKER_KEY]},
        "poison",
    ]
    # with a key that carries its time, and with one that does not
    keys = [{"IdempotencyKey": f"k{number}"} for number in range(len(bodies))]
    records = [sqs_record(body, attributes=own) for body, key in zip(bodies, keys, strict=True) for own in ({}, key)]
    for _ in range(2):
        assert worker(*records) == []
        for record in records:
            assert worker(record) == []
    assert rejected.bodies
    assert used.grants | ALONE == granted("WorkerFunction")
