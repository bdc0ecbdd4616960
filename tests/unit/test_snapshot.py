"""Lambda starts functions from a snapshot of a process (SnapStart): what has to be unique is so in each copy."""

import json
import os
import subprocess
import sys

COPIES = """
import json
import os
import random

from botocore.exceptions import ClientError

from surewrite import Client, IdempotencyKey, Item, PartitionKey
from surewrite.errors import SurewriteError


class Seat(Item, table="Seats"):
    number: PartitionKey[str]


def throttle(operation, request):
    items = [action["Put"]["Item"] for action in request["TransactItems"]]
    versions = [item["_v"]["S"] for item in items if "_v" in item]
    sent.append([request["ClientRequestToken"], *versions])
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)


sent, waits = [], []
db = Client(transport=throttle, sleep=waits.append, timeout=0.5)
state = random.getstate()
for _ in range(2):
    if os.fork() == 0:
        random.setstate(state)
        try:
            db.table(Seat).put(Seat(number="14C"), idempotency_key=IdempotencyKey("copies", "1"))
        except SurewriteError:
            print(json.dumps([sent[0], waits[0]]), flush=True)
        os._exit(0)
for _ in range(2):
    os.wait()
"""


def test_copies_of_a_process_share_no_version_no_token_and_no_wait() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", COPIES], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    one, other = (json.loads(line) for line in ran.stdout.splitlines())
    (token, version), wait = one
    assert {token, version, wait}.isdisjoint([*other[0], other[1]])
