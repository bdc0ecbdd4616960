"""A ledger that is full already: BatchWriteItem, on a few connections, without an SDK in between."""

import base64
import http.client
import itertools
import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from benchmarks.process import BenchError

_BATCH = 25
_CONNECTIONS = 2
_HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.BatchWriteItem",
    "X-Amz-Date": "20260101T000000Z",
    "Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0",
}


def fill(endpoint: str, table: str, records: int) -> None:
    """Writes records as the worker leaves them, none of them expired."""
    batches = range(0, records, _BATCH)
    shares = [batches[start::_CONNECTIONS] for start in range(_CONNECTIONS)]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        list(pool.map(_fill, itertools.repeat(endpoint), itertools.repeat(table), shares, itertools.repeat(records)))


def _fill(endpoint: str, table: str, starts: Iterable[int], records: int) -> None:
    url = urlsplit(endpoint)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
    expires_at = int(time.time()) + 30 * 86_400
    for start in starts:
        puts = [_put(number, records, expires_at) for number in range(start, min(start + _BATCH, records))]
        connection.request("POST", "/", json.dumps({"RequestItems": {table: puts}}), _HEADERS)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        if answer.status != 200 or body.get("UnprocessedItems"):
            raise BenchError(f"the ledger cannot be filled: {body}")
    connection.close()


def _put(number: int, records: int, expires_at: int) -> object:
    """Ids spread evenly, as hashes do, but written in their order: that is fastest."""
    spread = number * (2**160 // records)
    record = {
        "id": {"S": "queue:WritesQueue#" + base64.b32encode(spread.to_bytes(20)).decode()},
        "fingerprint": {"S": f"{number:032x}"},
        "expires_at": {"N": str(expires_at)},
    }
    return {"PutRequest": {"Item": record}}
