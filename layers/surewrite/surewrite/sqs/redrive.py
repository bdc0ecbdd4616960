"""Redrive: messages of a rejected queue go back to the queue that they come from, with their key.

A message is sent, then deleted. Whoever is killed in between has sent it twice, under one key: it is applied once.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .copies import MAX_ATTRIBUTES
from .records import KEY_ATTRIBUTE
from .report import cause_of
from .waiting import Sweep, Waiting

MAX_BYTES = 240 * 1024
"""Bodies of one call; a message that is larger travels alone."""

Chosen = Callable[[Waiting], bool]


@dataclass
class Redriven:
    """What became of the messages: `done` are those that were sent and deleted, `kept` those that were not chosen.
    `failures` are the causes of those that stay where they are, by their ids."""

    done: int = 0
    kept: int = 0
    failures: dict[str, str] = field(default_factory=dict)


class Redrive:
    """Sends back what waits in the rejected queue at `url`.

    `to` is the URL of the queue that they go to, by default the one that each message comes from. `rate` is the number
    of messages a second, None for as fast as it goes; a message is hidden from others for `hold` seconds while it is
    sent. A message without a key, whose redrive is a request of its own,
    is sent only with `unkeyed`.
    """

    def __init__(
        self,
        sqs: Any,
        url: str,
        *,
        to: str | None = None,
        rate: float | None = None,
        unkeyed: bool = False,
        hold: int = 120,
    ) -> None:
        self._sqs, self._url, self._to = sqs, url, to
        self._rate, self._unkeyed, self._hold = rate, unkeyed, hold
        self._urls: dict[str, str] = {}

    def run(self, chosen: Chosen, report: Callable[[Redriven], object] = lambda result: None) -> Redriven:
        """Redrives what is `chosen` of the messages that were there when it began, so that one that is rejected again
        is not redriven for ever. `report` is told after each step."""
        result = Redriven()
        sweep = Sweep(self._sqs, self._url, hold=max(self._hold, int(30 / self._rate) if self._rate else 0))
        kept: list[Waiting] = []
        begun, sent = time.monotonic(), 0
        try:
            for messages in sweep:
                going = [one for one in messages if chosen(one)]
                result.kept += len(messages) - len(going)
                for batch in self._batches(going, result):
                    _delete(sweep, self._send(batch, result), result, "it was sent, but SQS did not delete it")
                    sent += len(batch)
                    self._pace(begun, sent)
                kept += [one for one in messages if one not in going or one.message_id in result.failures]
                report(result)
        finally:
            sweep.release(kept)
        return result

    def _pace(self, begun: float, sent: int) -> None:
        if self._rate:
            time.sleep(max(0.0, begun + sent / self._rate - time.monotonic()))

    def _batches(self, messages: Sequence[Waiting], result: Redriven) -> Iterator[tuple[str, list[Waiting]]]:
        """What goes to one queue in one call, in the order in which it came."""
        by_target: defaultdict[str, list[Waiting]] = defaultdict(list)
        for one in messages:
            try:
                by_target[self._target(one)].append(one)
            except (LookupError, ClientError) as error:
                result.failures[one.message_id] = cause_of(error) if isinstance(error, ClientError) else error.args[0]
        for url, of_target in by_target.items():
            batch: list[Waiting] = []
            size = 0
            for one in of_target:
                length = len(one.body.encode())
                if batch and size + length > MAX_BYTES:
                    yield url, batch
                    batch, size = [], 0
                batch.append(one)
                size += length
            yield url, batch

    def _target(self, message: Waiting) -> str:
        """The URL of the queue that it goes to; LookupError says why there is none."""
        unsaid = message.implied_key is not None and len(message.attributes) >= MAX_ATTRIBUTES
        if (message.key is None or unsaid) and not self._unkeyed:
            raise LookupError("it carries no key: its redrive would be another request")
        if self._to is not None:
            return self._to
        source = message.source or self._only_source()
        if source not in self._urls:
            self._urls[source] = self._sqs.get_queue_url(QueueName=source)["QueueUrl"]
        return self._urls[source]

    def _only_source(self) -> str:
        """The queue whose dead-letter queue this is."""
        urls = self._sqs.list_dead_letter_source_queues(QueueUrl=self._url).get("queueUrls", ())
        if len(urls) != 1:
            raise LookupError("it does not say which queue it comes from")
        return str(urls[0]).rsplit("/", 1)[-1]

    def _send(self, batch: tuple[str, list[Waiting]], result: Redriven) -> list[Waiting]:
        """Those that were sent."""
        url, messages = batch
        entries = [{"Id": str(number), **entry(one, url)} for number, one in enumerate(messages)]
        try:
            response = self._sqs.send_message_batch(QueueUrl=url, Entries=entries)
        except (ClientError, BotoCoreError) as error:
            result.failures |= {one.message_id: cause_of(error) for one in messages}
            return []
        for failed in response.get("Failed", ()):
            result.failures[messages[int(failed["Id"])].message_id] = f"SendMessageBatch: {failed.get('Code')}"
        return [messages[int(one["Id"])] for one in response.get("Successful", ())]


def entry(message: Waiting, url: str) -> dict[str, Any]:
    """What is sent for it to the queue at `url`: its body, its attributes and its group. A key that only its id says is
    written down, because what is sent has an id of its own."""
    attributes = dict(message.attributes)
    if message.implied_key is not None and len(attributes) < MAX_ATTRIBUTES:
        attributes[KEY_ATTRIBUTE] = {"DataType": "String", "StringValue": message.implied_key}
    sent: dict[str, Any] = {"MessageBody": message.body, "MessageAttributes": attributes}
    if message.group is not None:
        sent["MessageGroupId"] = message.group
    if url.endswith(".fifo"):
        # of this copy: SQS drops a second message of an id for five minutes, and it may be rejected again within them
        sent["MessageDeduplicationId"] = message.message_id
    return sent


def discard(sqs: Any, url: str, chosen: Chosen, report: Callable[[Redriven], object] = lambda result: None) -> Redriven:
    """Deletes what is `chosen` of a rejected queue."""
    result = Redriven()
    sweep = Sweep(sqs, url)
    kept: list[Waiting] = []
    try:
        for messages in sweep:
            going = [one for one in messages if chosen(one)]
            result.kept += len(messages) - len(going)
            _delete(sweep, going, result, "SQS did not delete it")
            kept += [one for one in messages if one not in going or one.message_id in result.failures]
            report(result)
    finally:
        sweep.release(kept)
    return result


def _delete(sweep: Sweep, messages: Sequence[Waiting], result: Redriven, cause: str) -> None:
    """Counts those that are gone; `cause` is what is said of those that are not."""
    deleted = {one.message_id for one in sweep.delete(messages)}
    result.done += len(deleted)
    result.failures |= {one.message_id: cause for one in messages if one.message_id not in deleted}
