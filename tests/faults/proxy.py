"""An HTTP proxy in front of the engine that breaks calls by plan, as networks and DynamoDB do.

    with Proxy(engine, Randomly(seed=1, kinds=FAULTS)) as proxy:
        client = boto3.client("dynamodb", endpoint_url=proxy.url)

The plans are those of `surewrite.testing`; here their faults happen on the wire.
"""

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

from surewrite.testing import Exactly, Fault, FaultPlan

FAULTS = tuple(fault for fault in Fault if fault.name not in ("PASS", "CRASH_BEFORE", "CRASH_AFTER"))
"""All that can happen to a call while the process goes on."""

_SERVICES = {"DynamoDB_20120810": "com.amazonaws.dynamodb.v20120810#", "AmazonSQS": "com.amazonaws.sqs#"}
_DELAY = 0.02

Reply = tuple[int, bytes]
Service = Callable[[str, dict[str, Any]], dict[str, Any]]


def drawn_from(*seed: object) -> random.Random:
    """What draws the same whenever the seed is the same."""
    return random.Random("/".join(map(str, seed)))  # noqa: S311


class Proxy(ThreadingHTTPServer):
    """Forwards DynamoDB's calls to `engine`, which may be exchanged, and answers SQS's by `sqs`.

    Calls are numbered from 1. `injected` are the faults so far: given to `Exactly` they happen again. A fault
    CRASH_BEFORE or CRASH_AFTER calls `crash` before or after the call is carried out, and never answers.
    """

    daemon_threads = True

    def __init__(
        self,
        engine: str,
        plan: FaultPlan | None = None,
        *,
        sqs: Service | None = None,
        crash: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.engine, self.plan, self.sqs, self.crash = engine, plan or Exactly({}), sqs, crash
        self.calls: list[str] = []
        self.injected: dict[int, Fault] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def __repr__(self) -> str:
        return f"Proxy({self.plan!r}, calls={len(self.calls)}, injected={self.injected})"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed in the middle of a call is no news."""

    def restart(self, plan: FaultPlan) -> None:
        """Counts from 1 again, by another plan."""
        with self._lock:
            self.plan, self.calls, self.injected = plan, [], {}

    def fault(self, operation: str) -> tuple[int, Fault]:
        """Number and fate of a call that has arrived."""
        with self._lock:
            self.calls.append(operation)
            number = len(self.calls)
            fault = self.plan(number, operation)
            if not fault.fits(operation):
                fault = Fault.PASS
            if fault is not Fault.PASS:
                self.injected[number] = fault
            return number, fault

    def carry_out(self, target: str, headers: Message, body: bytes) -> Reply | None:
        """The answer of whom the call is meant for, None if nobody is there."""
        if not target.startswith("DynamoDB"):
            assert self.sqs is not None, target
            return 200, json.dumps(self.sqs(target.rpartition(".")[2], json.loads(body))).encode()
        connection = http.client.HTTPConnection(urlsplit(self.engine).netloc, timeout=30)
        try:
            kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
            connection.request("POST", "/", body, kept)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Proxy

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            return self._hang_up()  # the client was killed while it sent
        target = self.headers["X-Amz-Target"]
        service, _, operation = target.rpartition(".")
        number, fault = self.server.fault(operation)
        chance = drawn_from(number)
        reply = _refusal(fault, _SERVICES[service], operation, body, chance)
        if reply is not None:
            return self._send(*reply)
        match fault:
            case Fault.DROP_REQUEST:
                return self._hang_up()
            case Fault.CRASH_BEFORE:
                self.server.crash()
                return self._hang_up()
            case Fault.DELAY:
                time.sleep(_DELAY)
            case Fault.UNPROCESSED:
                return self._half(target, json.loads(body))
        reply = self.server.carry_out(target, self.headers, body)
        if fault is Fault.CRASH_AFTER:
            self.server.crash()
        if reply is None or fault is Fault.CRASH_AFTER:
            return self._hang_up()
        if fault is Fault.CONFLICT_AT_FIRST:
            return self._send(*_clouded(reply))
        if fault is Fault.DROP_RESPONSE:
            # nothing at all, or a response that breaks off
            return self._send(*reply, sent=chance.choice([0, chance.randrange(len(reply[1]))]))
        return self._send(*reply)

    def _send(self, status: int, body: bytes, *, sent: int | None = None) -> None:
        """The response, or only the `sent` first bytes of its body."""
        if sent == 0:
            return self._hang_up()
        head = f"HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
        self.wfile.write(head.encode() + body[:sent])
        return self._hang_up() if sent is not None else None

    def _hang_up(self) -> None:
        self.close_connection = True

    def _half(self, target: str, request: dict[str, Any]) -> None:
        """The first half of a batch carried out, the rest left unprocessed."""
        asked = request["RequestItems"]
        entries = [(table, entry) for table, part in asked.items() for entry in _entries(part)]
        middle = len(entries) // 2
        response: dict[str, Any] = {"Responses": {}}
        if done := _grouped(asked, entries[:middle]):
            reply = self.server.carry_out(target, self.headers, json.dumps({**request, "RequestItems": done}).encode())
            if reply is None or reply[0] != 200:
                return self._hang_up()
            response = json.loads(reply[1])
        name = "UnprocessedKeys" if target.endswith("BatchGetItem") else "UnprocessedItems"
        return self._send(200, json.dumps({**response, name: _grouped(asked, entries[middle:])}).encode())

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


def _refusal(fault: Fault, namespace: str, operation: str, body: bytes, chance: random.Random) -> Reply | None:
    """The error that is answered in place of carrying the call out, None if it is carried out."""

    def error(code: str, status: int = 400, **fields: Any) -> Reply:
        return status, json.dumps({"__type": namespace + code, "message": "made by a test", **fields}).encode()

    def cancelled(code: str) -> Reply:
        count = len(json.loads(body)["TransactItems"])
        struck = set(chance.sample(range(count), chance.choice([1, chance.randint(1, count)])))
        reasons = [{"Code": code, "Message": "busy"} if n in struck else {"Code": "None"} for n in range(count)]
        return error("TransactionCanceledException", CancellationReasons=reasons)

    match fault:
        case Fault.THROTTLE:
            return error("ProvisionedThroughputExceededException")
        case Fault.SERVER_ERROR:
            return error("InternalServerError", 500)
        case Fault.IN_PROGRESS:
            return error("TransactionInProgressException")
        case Fault.CONFLICT if not operation.startswith("Transact"):
            return error("TransactionConflictException")
        case Fault.CONFLICT:
            return cancelled("TransactionConflict")
        case Fault.CANCELLED_BY_THROTTLE:
            return cancelled("ThrottlingError")
    return None


def _clouded(reply: Reply) -> Reply:
    """A cancellation whose first action met another transaction, so that nobody knows what it would have said."""
    status, body = reply
    answer = json.loads(body)
    if "CancellationReasons" not in answer:
        return reply
    answer["CancellationReasons"][0] = {"Code": "TransactionConflict", "Message": "busy"}
    return status, json.dumps(answer).encode()


def _entries(part: Any) -> Any:
    return part["Keys"] if isinstance(part, Mapping) else part


def _grouped(asked: Mapping[str, Any], entries: list[tuple[str, Any]]) -> dict[str, Any]:
    tables: dict[str, list[Any]] = {}
    for table, entry in entries:
        tables.setdefault(table, []).append(entry)
    return {
        table: {**asked[table], "Keys": chosen} if isinstance(asked[table], Mapping) else chosen
        for table, chosen in tables.items()
    }
