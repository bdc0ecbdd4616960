"""The policies of the template: what the functions call is granted, and nothing else; who may use the queues."""

import re
from collections.abc import Mapping
from typing import Any

from cfnlint.decode import decode_str

from bookstore.models import MODELS as DEPLOYED
from surewrite.testing import InterceptingTransport, RecordingSQS, sqs_record
from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, ROOT, Api, Store, Worker, add

Grants = set[tuple[str, str]]
"""Pairs of an action and what it is on: the table `Ledger`, `items` for any other one, `index` for an index."""

# AWS does not promise to bring items in a cancellation: one that is missing is read by itself.
ALONE: Grants = {("items", "GetItem"), ("Ledger", "GetItem")}

_TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}


def resources() -> dict[str, Any]:
    document, mistakes = decode_str((ROOT / "template.yaml").read_text())
    assert not mistakes
    found: dict[str, Any] = document["Resources"]
    return found


def allowed(function: str, service: str) -> Grants:
    """Pairs of a resource and an action of the service that the function's policies allow."""
    found: Grants = set()
    for policy in resources()[function]["Properties"]["Policies"]:
        if "Fn::If" in policy:  # the use of a key of the account's own
            continue
        for statement in policy["Statement"]:
            assert statement["Effect"] == "Allow"
            names, targets = _listed(statement["Action"]), _listed(statement["Resource"])
            actions = [name.removeprefix(service) for name in names if name.startswith(service)]
            found |= {(_name(target), action) for target in targets for action in actions}
    return found


def _name(target: Mapping[str, Any]) -> str:
    """`Thread` for a table or a queue, `Thread/index/LastPostIndex` for an index."""
    return target["Fn::GetAtt"][0] if "Fn::GetAtt" in target else re.sub(r"\${(\w+)\.Arn}", r"\1", target["Fn::Sub"])


def granted(function: str) -> Grants:
    """What the function's policies allow on tables."""
    return {
        ("index" if "/index/" in name else "Ledger" if name == "Ledger" else "items", action)
        for name, action in allowed(function, "dynamodb:")
    }


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
            case "Query" | "Scan" if "IndexName" in request:
                self.grants.add(("index", operation))
                return
            case _:
                needed = [(request["TableName"], operation)]
        self.grants |= {("Ledger" if table == self._ledger else "items", action) for table, action in needed}


REQUESTS: list[tuple[Any, ...]] = [
    ("PUT", RAINMAKER, BOOK),
    ("PATCH", RAINMAKER, {"set": {"Category": "Law"}, "remove": ["Price"]}),
    ("POST", f"{RAINMAKER}/counters/Views"),
    ("GET", RAINMAKER),
    ("DELETE", RAINMAKER),
    (
        "POST",
        "/transactions",
        {
            "writes": [
                {"put": {"collection": "books", "item": RAINMAKER_KEY}},
                {"check": {"collection": "products", "key": {"Id": 1}, "when": {"Id": {"not_exists": True}}}},
            ]
        },
    ),
    ("GET", "/books?partition=John%20Grisham"),
    ("POST", "/books/query", {}),
    ("GET", "/users?index=ByAccountType&partition=super_user"),
    ("GET", "/users?index=ByAccountType"),
    ("POST", "/batch-get", {"keys": {"books": [RAINMAKER_KEY]}}),
    ("POST", "/batch-write", {"writes": [{"put": {"collection": "books", "item": RAINMAKER_KEY}}]}),
]


def test_the_api_is_granted_what_it_calls(api: Api, store: Store, sqs: RecordingSQS) -> None:
    used = Used(store, api.module)
    for prefer in ({}, {"prefer": "return=minimal"}, {"prefer": "respond-async", "if_match": "*"}):
        for keyed in (False, True):
            for number, request in enumerate(REQUESTS):
                key = {"idempotency_key": f"{prefer}-{number}"} if keyed else {}
                for _ in range(2):
                    assert api(*request, **prefer, **key).status < 500
    assert used.grants | ALONE == granted("ApiFunction")
    assert {message["QueueUrl"].rpartition("/")[2] for message in sqs.messages} == {"OperationsQueue"}
    assert allowed("ApiFunction", "sqs:") == {("OperationsQueue", "SendMessage")}


def test_every_index_of_the_deployment_may_be_read() -> None:
    granted_indexes = {name for name, _ in allowed("ApiFunction", "dynamodb:") if "/index/" in name}
    declared = {f"{model.schema_.table}/index/{name}" for model in DEPLOYED for name in model.schema_.indexes}
    assert granted_indexes == declared


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
        {
            "op": "transaction",
            "writes": [
                {"put": {"collection": "books", "item": RAINMAKER_KEY}},
                {"check": {"collection": "books", "key": firm, "when": {"Author": {"exists": True}}}},
            ],
        },
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
