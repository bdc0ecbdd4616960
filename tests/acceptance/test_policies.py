"""The policies of the template: what the functions call is granted on each resource, and nothing else; who may use the
queues.

They are held against the tests' own models: `make scaffold` grants the same on the tables of any others.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cfnlint.decode import decode_str

from local.scaffold import marks, parts
from local.scaffold.command import document
from local.scaffold.requests import Requests, requests
from surewrite import Item
from surewrite.testing import InterceptingTransport, RecordingSQS, sqs_record
from tests.acceptance.harness import ROOT, Api, Store, Worker
from tests.models import MODELS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Grants = set[tuple[str, str]]
"""Pairs of a resource and an action: `("Thread", "GetItem")`, `("Thread/index/LastPostIndex", "Query")`."""

TABLES = {model.schema_.table for model in MODELS} | {"Ledger"}

# AWS does not promise to bring items in a cancellation: one that is missing is read by itself.
ALONE: Grants = {(table, "GetItem") for table in TABLES}

_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
_TEXT = (ROOT / "template.yaml").read_text()
_OF_THE_TESTS, _ = marks.rewrite(ROOT / "template.yaml", _TEXT, parts.parts(MODELS, _TEXT))


def resources(text: str = _TEXT) -> dict[str, Any]:
    document, mistakes = decode_str(text)
    assert not mistakes
    found: dict[str, Any] = document["Resources"]
    return found


def allowed(function: str, service: str) -> Grants:
    """Pairs of a resource and an action of the service that the function's policies allow."""
    found: Grants = set()
    for policy in resources(_OF_THE_TESTS)[function]["Properties"]["Policies"]:
        if "Fn::If" in policy:  # the use of a key of the account's own
            continue
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            names, targets = _listed(statement["Action"]), _listed(statement["Resource"])
            actions = [name.removeprefix(service) for name in names if name.startswith(service)]
            pairs = {(_name(target), action) for target in targets for action in actions}
            assert not found & pairs, "granted twice"
            found |= pairs
    return found


def _name(target: Mapping[str, Any]) -> str:
    """`Thread` for a table or a queue, `Thread/index/LastPostIndex` for an index."""
    return target["Fn::GetAtt"][0] if "Fn::GetAtt" in target else re.sub(r"\${(\w+)\.Arn}", r"\1", target["Fn::Sub"])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


class Used:
    """Collects what a module's calls need."""

    def __init__(self, store: Store, module: Any) -> None:
        self._names = {physical: logical for logical, physical in store.names.items()}
        self.grants = set[tuple[str, str]]()
        session = module.db.session
        session.transport = InterceptingTransport(session.transport, self._note)

    def _note(self, operation: str, request: Mapping[str, Any]) -> None:
        match operation:
            case "TransactWriteItems":
                actions = [pair for action in request["TransactItems"] for pair in action.items()]
                needed = [(self._names[parameters["TableName"]], _TRANSACTED[kind]) for kind, parameters in actions]
            case "BatchGetItem" | "BatchWriteItem":
                needed = [(self._names[table], operation) for table in request["RequestItems"]]
            case _:
                index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
                needed = [(self._names[request["TableName"]] + index, operation)]
        self.grants |= set(needed)


@pytest.fixture
def store(
    dynamodb_client: "DynamoDBClient", table_names: dict[str, str], dynamodb_endpoint: str, tmp_path: Path
) -> Store:
    """The tests' tables, and the template as it is for them."""
    path = tmp_path / "template.yaml"
    path.write_text(re.sub(r"(CodeUri|ContentUri): ", rf"\1: {ROOT}/", _OF_THE_TESTS))
    return Store(dynamodb_client, table_names, dynamodb_endpoint, path)


MADE: dict[type[Item], Requests] = {model: requests(model, document(MODELS)) for model in MODELS}


def key_of(model: type[Item]) -> dict[str, Any]:
    message = MADE[model].message
    return {name: (message.get("key") or message["item"])[name] for name in model.schema_.key_names}


def item_of(model: type[Item]) -> dict[str, Any]:
    put = MADE[model].api[0].body
    assert put is not None
    return {**key_of(model), **put}


def check_of(model: type[Item]) -> dict[str, Any]:
    exists = {model.schema_.partition.name: {"exists": True}}
    return {"check": {"collection": model.schema_.collection, "key": key_of(model), "when": exists}}


def requests_to(model: type[Item]) -> Iterator[tuple[Any, ...]]:
    """A request of every kind."""
    collection, key = model.schema_.collection, key_of(model)
    for one in MADE[model].api:
        yield (one.method, one.target, one.body) if one.body else (one.method, one.target)
    yield "POST", "/transactions", {"writes": [check_of(model)]}
    yield "POST", "/batch-get", {"keys": {collection: [key]}}
    yield "POST", "/batch-write", {"writes": [{"put": {"collection": collection, "item": item_of(model)}}]}
    yield "POST", f"/{collection}/query", {}
    partition = model.schema_.partition.name
    yield "POST", f"/{collection}/query", {"key": {partition: {"eq": key[partition]}}}
    for name, index in model.schema_.indexes.items():
        value = {"S": "x", "N": 1, "B": "eA=="}[index.keys[0].type]
        yield "POST", f"/{collection}/query", {"index": name}
        yield "POST", f"/{collection}/query", {"index": name, "key": {index.keys[0].name: {"eq": value}}}
    yield "DELETE", MADE[model].api[0].target


def test_the_api_is_granted_what_it_calls(api: Api, store: Store, sqs: RecordingSQS) -> None:
    used = Used(store, api.module)
    asked = [request for model in MODELS for request in requests_to(model)]
    for prefer in ({}, {"prefer": "return=minimal"}, {"prefer": "respond-async", "if_match": "*"}):
        for keyed in (False, True):
            for number, request in enumerate(asked):
                key = {"idempotency_key": f"{prefer}-{number}"} if keyed else {}
                for _ in range(1 + keyed):
                    assert api(*request, **prefer, **key).status < 500
    assert used.grants | ALONE == allowed("ApiFunction", "dynamodb:")
    assert {message["QueueUrl"].rpartition("/")[2] for message in sqs.messages} == {"OperationsQueue"}
    assert allowed("ApiFunction", "sqs:") == {("OperationsQueue", "SendMessage")}


def test_the_worker_receives_and_rejects() -> None:
    sources = {
        mapping["Properties"]["EventSourceArn"]["Fn::GetAtt"][0]
        for mapping in resources().values()
        if mapping["Type"] == "AWS::Lambda::EventSourceMapping"
    }
    receiving = {(name, one) for name in sources for one in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")}
    rejecting = {(name, "SendMessage") for name in ("RejectedQueue", "RejectedOperationsQueue")}
    assert sources == {"WritesQueue", "OrderedWritesQueue", "OperationsQueue"}
    assert allowed("WorkerFunction", "sqs:") == receiving | rejecting


def queue_statements() -> list[tuple[list[str], dict[str, Any]]]:
    """Every statement of the queues' policies with the queues that it is for."""
    policies = [one["Properties"] for one in resources().values() if one["Type"] == "AWS::SQS::QueuePolicy"]
    found = []
    for policy in policies:
        queues = [one["Ref"] for one in policy["Queues"]]
        for statement in policy["PolicyDocument"]["Statement"]:
            assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
            assert statement["Resource"] in ("*", {"Fn::GetAtt": [queues[0], "Arn"]})
            found.append((queues, statement))
    return found


def test_no_one_else_sends_operations_or_receives_them() -> None:
    """Denied by the queues themselves, so that no role that may use any queue can write under another one's keys."""
    denied: dict[tuple[str, str], list[Any]] = {}
    for (queue, *more), statement in queue_statements():
        if "ArnNotEquals" in statement["Condition"]:
            assert not more
            except_for = _listed(statement["Condition"]["ArnNotEquals"]["aws:PrincipalArn"])
            denied |= {(queue, action): except_for for action in _listed(statement["Action"])}
    api, worker = ({"Fn::GetAtt": [f"{name}FunctionRole", "Arn"]} for name in ("Api", "Worker"))
    redrive = {"Fn::If": ["HasRedriveRole", {"Ref": "RedriveRoleArn"}, {"Ref": "AWS::NoValue"}]}
    assert denied == {
        ("OperationsQueue", "sqs:SendMessage"): [api, redrive],
        ("OperationsQueue", "sqs:ReceiveMessage"): [worker],
        ("OperationsQueue", "sqs:DeleteMessage"): [worker],
        ("OperationsQueue", "sqs:ChangeMessageVisibility"): [worker],
        ("RejectedOperationsQueue", "sqs:SendMessage"): [worker],
    }


QUEUES = {name for name, one in resources().items() if one["Type"] == "AWS::SQS::Queue"}


def test_no_queue_is_used_without_tls() -> None:
    unencrypted = {"Bool": {"aws:SecureTransport": "false"}}
    told = [queues for queues, statement in queue_statements() if statement["Condition"] == unencrypted]
    assert sorted(name for queues in told for name in queues) == sorted(QUEUES)


def test_every_queue_is_encrypted_and_kept() -> None:
    """A rejected message is kept from when it was sent: after a week in its queue, another one is left."""
    assert len(QUEUES) == 6
    for name in QUEUES:
        queue = resources()[name]
        assert queue["DeletionPolicy"] == queue["UpdateReplacePolicy"] == "Retain"
        own, none, key = True, {"Ref": "AWS::NoValue"}, {"Ref": "KmsKeyArn"}
        assert queue["Properties"]["SqsManagedSseEnabled"] == {"Fn::If": ["HasKmsKey", none, own]}
        assert queue["Properties"]["KmsMasterKeyId"] == {"Fn::If": ["HasKmsKey", key, none]}
        days = 14 if "Rejected" in name else 7
        assert queue["Properties"]["MessageRetentionPeriod"] == days * 86400


def bodies_for(model: type[Item]) -> Iterator[Any]:
    """A message of every kind."""
    collection, key, item = model.schema_.collection, key_of(model), item_of(model)
    one = {"collection": collection, "key": key}
    yield {"op": "put", "collection": collection, "item": item}
    changes = [body for request in MADE[model].api if (body := request.body) and request.method == "PATCH"]
    for change in changes:
        for more in ({}, {"return_values": "ALL_NEW"}, {"if_match": "another version"}):
            yield {"op": "update", **one, **change, **more}
    yield MADE[model].message
    yield {"op": "transaction", "writes": [check_of(model)]}
    yield {"op": "batch", "collection": collection, "put": [item]}
    yield {"op": "delete", **one}


def test_the_worker_is_granted_what_it_calls(worker: Worker, store: Store, rejected: RecordingSQS) -> None:
    used = Used(store, worker.module)
    bodies = [*(body for model in MODELS for body in bodies_for(model)), "poison"]
    # with a key that carries its time, and with one that does not
    keys = [{"IdempotencyKey": f"k{number}"} for number in range(len(bodies))]
    records = [sqs_record(body, attributes=own) for body, key in zip(bodies, keys, strict=True) for own in ({}, key)]
    for _ in range(2):
        assert worker(*records) == []
        for record in records:
            assert worker(record) == []
    assert rejected.bodies
    assert used.grants | ALONE == allowed("WorkerFunction", "dynamodb:")
