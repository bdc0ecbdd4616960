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


class Seat(Item, table="Seats"):
    number: PartitionKey[str]


def throttle(operation, request):
    items = [action["Put"]["Item"] for action in request["TransactItems"]]
    versions = [item["_v"]["S"] for item in items if "_v" in item]
    if waits:  # it is sent again
        line = json.dumps([request["ClientRequestToken"], *versions, waits[0]]) + chr(10)
        os.write(1, line.encode())  # at once: the other copy writes, too
        os._exit(0)
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)


waits = []
db = Client(transport=throttle, sleep=waits.append, timeout=60)
state = random.getstate()
for _ in range(2):
    if os.fork() == 0:
        random.setstate(state)
        db.table(Seat).put(Seat(number="14C"), idempotency_key=IdempotencyKey("copies", "1"))
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
    assert len(one) == 3
    assert set(one).isdisjoint(other)
