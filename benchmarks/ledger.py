"""A ledger that is full already: BatchWriteItem, on a few connections, without an SDK in between."""

import base64
import hashlib
import http.client
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from benchmarks.process import BenchError

SLOT_KEYS = 100
"""Keys of a slot: 100 ms of 1,000 messages a second."""

_SCOPE = "queue:WritesQueue"
_BATCH = 25
_CONNECTIONS = 2
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0",
}


Item = dict[str, Any]


def fill(endpoint: str, table: str, keys: int) -> None:
    """Writes so many keys as workers leave them, none of them expired: one half has records of its own, the other half
    shares slots."""
    expires_at = int(time.time()) + 30 * 86_400
    records = keys // 2
    slots, rest = divmod(keys - records, SLOT_KEYS)
    counts = [SLOT_KEYS] * slots + [rest] * bool(rest)
    _write(endpoint, table, len(counts), lambda number: _slot(number, counts[number], expires_at))
    _write(endpoint, table, records, lambda number: _record(number, records, expires_at))


def _write(endpoint: str, table: str, count: int, item: Callable[[int], Item]) -> None:
    """Items by their numbers."""
    shares = [range(count)[start::_CONNECTIONS] for start in range(_CONNECTIONS)]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        list(pool.map(partial(_send, endpoint, table, item), shares))


def _send(endpoint: str, table: str, item: Callable[[int], Item], numbers: Sequence[int]) -> None:
    url = urlsplit(endpoint)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    for start in range(0, len(numbers), _BATCH):
        puts = [{"PutRequest": {"Item": item(number)}} for number in numbers[start : start + _BATCH]]
        connection.request("POST", "/", json.dumps({"RequestItems": {table: puts}}), _HEADERS)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200 or body.get("UnprocessedItems"):
            raise BenchError(f"the ledger cannot be filled: {body}")
    connection.close()


def _record(number: int, records: int, expires_at: int) -> Item:
    """Ids spread evenly, as hashes do, but written in their order: that is fastest."""
    spread = number * (2**160 // records)
    return {
        "id": {"S": f"{_SCOPE}#{base64.b32encode(spread.to_bytes(20)).decode()}"},
        "fingerprint": {"S": f"{number:032x}"},
        "expires_at": {"N": str(expires_at)},
    }


def _slot(number: int, keys: int, expires_at: int) -> Item:
    """A slot of years ago."""
    digests = [hashlib.sha256(f"{number} {key}".encode()).digest() for key in range(keys)]
    names = [base64.urlsafe_b64encode(digest[:9]).decode() for digest in digests]
    return {
        "id": {"S": f"{_SCOPE}#t{10_000_000_000 + number}"},
        **{name: {"B": base64.b64encode(digest[-4:]).decode()} for name, digest in zip(names, digests, strict=True)},
        "n": {"N": str(keys)},
        "expires_at": {"N": str(expires_at)},
    }
