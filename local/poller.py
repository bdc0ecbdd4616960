"""What Lambda's event source mapping does: batches of a queue's messages become calls of a function.

Our own, because the emulators that have one run the function in Docker, and SAM has none.
"""

import base64
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from local.aws import REGION
from local.template import EventSourceMapping, Queue

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

# On AWS a failed message comes back when the queue's visibility timeout is over: six minutes here, too
# long to watch. Receive counts and redrive are the queue's own, so only the waiting is shorter.
RETRY_SECONDS = 5

_MAX_EVENT_BYTES = 6 * 1024 * 1024
_CALL = 10  # messages in one SQS request
_LONG_POLL_SECONDS = 1  # also the longest that `stop` waits for an idle queue


class Poller:
    """Polls one queue on a thread of its own; one batch is in flight at a time."""

    def __init__(
        self,
        client: "SQSClient",
        mapping: EventSourceMapping,
        queue: Queue,
        queue_url: str,
        function: Callable[[dict[str, Any]], Any],
        retry_seconds: int = RETRY_SECONDS,
    ) -> None:
        self._client = client
        self._mapping = mapping
        self._queue = queue
        self._url = queue_url
        self._function = function
        self._retry_seconds = retry_seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"poll {queue.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Asks it to end after the batch in flight."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.poll()
            except (BotoCoreError, ClientError) as error:
                if not self._stopping.is_set():
                    print(f"{self._queue.name}: {error}", file=sys.stderr, flush=True)
                    self._stopping.wait(1)

    def poll(self) -> int:
        """Handles one batch; returns how many messages it had."""
        messages = self._gather()
        if messages:
            started = time.monotonic()
            failed = self._call(messages)
            self._settle(messages, failed)
            milliseconds = (time.monotonic() - started) * 1000
            line = f"{self._queue.name} {len(messages)} messages {len(failed)} failed {milliseconds:.0f} ms"
            print(line, file=sys.stderr, flush=True)
        return len(messages)

    def _gather(self) -> "list[MessageTypeDef]":
        """Messages until the batch is full, its window is over, or the event would exceed 6 MB."""
        messages = self._receive(min(_CALL, self._mapping.batch_size), _LONG_POLL_SECONDS)
        window_ends = time.monotonic() + self._mapping.maximum_batching_window_in_seconds
        size = sum(map(_size, messages))
        while messages and not self._stopping.is_set():
            room = self._mapping.batch_size - len(messages)
            # The next ten may weigh 256 KB each.
            if room <= 0 or time.monotonic() >= window_ends or size > _MAX_EVENT_BYTES - _CALL * 256 * 1024:
                break
            more = self._receive(min(_CALL, room), 0)
            if not more:
                self._stopping.wait(0.05)
            messages += more
            size += sum(map(_size, more))
        return messages

    def _receive(self, limit: int, wait_seconds: int) -> "list[MessageTypeDef]":
        answer = self._client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=limit,
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        return answer.get("Messages", [])

    def _call(self, messages: "Sequence[MessageTypeDef]") -> set[str]:
        """Calls the function; returns the ids of the messages that failed."""
        records = [record(message, self._queue.arn) for message in messages]
        everything = {message["MessageId"] for message in messages}
        try:
            answer = self._function({"Records": records})
        except Exception:
            traceback.print_exc()
            return everything
        return failures(answer, everything) if self._mapping.partial_responses else set()

    def _settle(self, messages: "Sequence[MessageTypeDef]", failed: set[str]) -> None:
        """Deletes what succeeded and lets the rest come back soon."""
        done = [message for message in messages if message["MessageId"] not in failed]
        for part in _batches(done):
            entries = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(part)]
            deleted = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
            for failure in deleted.get("Failed", []):
                # It will come once more, as SQS reserves the right to.
                print(f"{self._queue.name}: not deleted: {failure}", file=sys.stderr, flush=True)
        for message in messages:
            if message["MessageId"] in failed:
                self._client.change_message_visibility(
                    QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=self._retry_seconds
                )


def failures(answer: Any, message_ids: set[str]) -> set[str]:
    """The ids that a partial batch response reports as failed.

    By Lambda's rules: null, an empty object or an empty list means that all succeeded; an identifier that is
    missing, empty or unknown, and any other shape, means that all failed.
    """
    if answer is None or answer == "":
        return set()
    items = answer.get("batchItemFailures") if isinstance(answer, dict) else ()
    if items is None:
        return set()
    if not isinstance(items, list):
        return message_ids
    failed: set[Any] = {item.get("itemIdentifier") if isinstance(item, dict) else None for item in items}
    return failed if failed <= message_ids else message_ids


def record(message: "MessageTypeDef", queue_arn: str) -> dict[str, Any]:
    """One record of an SQS event."""
    result: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message.get("Attributes", {})),
        "messageAttributes": {
            name: _attribute(attribute) for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue_arn,
        "awsRegion": REGION,
    }
    if "MD5OfMessageAttributes" in message:
        result["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return result


def _attribute(attribute: Any) -> dict[str, Any]:
    value: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": attribute["DataType"]}
    if "StringValue" in attribute:
        value["stringValue"] = attribute["StringValue"]
    if "BinaryValue" in attribute:
        value["binaryValue"] = base64.b64encode(attribute["BinaryValue"]).decode()
    return value


def _batches(messages: "list[MessageTypeDef]") -> "Iterator[list[MessageTypeDef]]":
    for start in range(0, len(messages), _CALL):
        yield messages[start : start + _CALL]


def _size(message: "MessageTypeDef") -> int:
    return len(message["Body"].encode()) + len(str(message.get("MessageAttributes", "")))
