"""What the tests of operations stand on: the queue between the two handlers, and every kind of request."""

from typing import Any
from urllib.parse import quote

from surewrite.testing import RecordingSQS, sqs_record
from tests.acceptance.harness import RAINMAKER, Answer, Api, Store

ASYNC = "respond-async"
ALICE = {"jwt": {"claims": {"iss": "https://issuer.example", "sub": "alice"}}}
BOB = {"jwt": {"claims": {"iss": "https://issuer.example", "sub": "bob"}}}


class Line:
    """The queue of operations between the two handlers."""

    def __init__(self, store: Store, sqs: RecordingSQS) -> None:
        variables = store.environment("WorkerFunction")
        self.name = variables["OPERATIONS_QUEUE"]
        self.url = store.environment("ApiFunction")["OPERATIONS_QUEUE_URL"]
        self.rejected_url = variables["REJECTED_OPERATIONS_QUEUE_URL"]
        self.sqs = sqs
        self._received = 0

    def _sent_to(self, url: str) -> list[dict[str, Any]]:
        return [entry for entry in self.sqs.messages if entry["QueueUrl"] == url]

    @property
    def sent(self) -> list[dict[str, Any]]:
        return self._sent_to(self.url)

    @property
    def rejected(self) -> list[dict[str, Any]]:
        return self._sent_to(self.rejected_url)

    def receive(self) -> list[dict[str, Any]]:
        """The records of what was sent since the last time."""
        new = self.sent[self._received :]
        self._received += len(new)
        return [sqs_record(entry["MessageBody"], queue=self.name) for entry in new]


def status(api: Api, key: str, **options: Any) -> Any:
    answer = api("GET", f"/operations/{quote(key, safe='')}", **options)
    assert answer.status in (200, 404), answer
    return answer.json["status"]


def accepted(answer: Answer, key: str) -> None:
    assert answer.status == 202, answer
    assert answer.headers["location"] == f"/operations/{quote(key, safe='')}"
    assert answer.headers["preference-applied"] == "respond-async"
    assert answer.json == {"status": "pending"}


REQUESTS: dict[str, tuple[Any, ...]] = {
    "put": ("PUT", RAINMAKER, '{"Category": "Law", "Price": 12.34567890123456789012345, "Tags": ["b", "a"]}'),
    "update": (
        "PATCH",
        RAINMAKER,
        {"set": {"Formats.Audiobook": "8WE3KPTP"}, "remove": ["Price"], "add": {"Views": 2}},
    ),
    "conditional": (
        "PATCH",
        RAINMAKER,
        {"set": {"Stock": 3}, "when": {"Stock": {"eq": 0}}, "return_values": "ALL_OLD"},
    ),
    "counter": ("POST", f"{RAINMAKER}/counters/Views", {"by": 5}),
    "counter without a body": ("POST", f"{RAINMAKER}/counters/Views"),
    "counter under a condition": ("POST", f"{RAINMAKER}/counters/Views", {"when": {"Views": {"eq": 0}}}),
    "delete": ("DELETE", RAINMAKER),
    "delete under a condition": ("DELETE", RAINMAKER, {"when": {"Stock": {"eq": 0}}}),
}
MERGE = ("PATCH", RAINMAKER, {"Category": None, "Formats": {"Hardcover": None, "Ebook": "E5UZKQ2M"}})
KINDS: dict[str, tuple[tuple[Any, ...], dict[str, str]]] = {
    **{name: (request, {}) for name, request in REQUESTS.items()},
    "merge patch": (MERGE, {"content_type": "application/merge-patch+json"}),
    "if there is one": (REQUESTS["update"], {"if_match": "*"}),
    "merge if there is one": (MERGE, {"content_type": "application/merge-patch+json", "if_match": "*"}),
    "counter if there is one": (REQUESTS["counter under a condition"], {"if_match": "*"}),
    "delete if there is one": (REQUESTS["delete"], {"if_match": "*"}),
    "minimal": (REQUESTS["counter"], {"prefer": "return=minimal"}),
    "as its query says": (("PATCH", f"{RAINMAKER}?return_values=UPDATED_OLD", {"add": {"Views": 2}}), {}),
}


def preferring(headers: dict[str, str]) -> dict[str, str]:
    return {**headers, "prefer": ", ".join(filter(None, [ASYNC, headers.get("prefer")]))}
