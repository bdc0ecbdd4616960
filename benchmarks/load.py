"""`surewrite load` beside boto3's batch_writer, its memory, and a million lines that are killed five times.

    python -m benchmarks.load            a few minutes; writes benchmarks/load.md
    python -m benchmarks.load --lines 100000

Both write the same file, each in a process of its own, one after the other, twice; 5 ms are added to every call.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3

from local import aws, engines
from local.engines import ROOT
from surewrite import Boto3Transport, Client, Item, PartitionKey
from surewrite.commit.transport import boto3_client
from surewrite.testing import create_tables
from surewrite.transfer import Load, Source, read_rows
from surewrite.transfer.pace import Pace

LATENCY = 0.005
KILLS = 5
CREDENTIALS: dict[str, Any] = {
    "aws_access_key_id": "local",
    "aws_secret_access_key": "local",
    "region_name": aws.REGION,
}


class Product(Item, table="Products", collection="products"):
    id: PartitionKey[int]
    description: str
    price: Decimal
    stock: int
    related: list[int]


MODELS = (Product,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--lines", type=int, default=1_000_000, help="of the load that is killed")
    parser.add_argument("--child", nargs=3, metavar=("CONTENDER", "FILE", "ENDPOINT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(_child(*options.child)))
        return
    with tempfile.TemporaryDirectory() as folder:
        report = [*_speed(Path(folder)), *_memory(Path(folder), options.lines), *_killed(Path(folder), options.lines)]
    text = "\n".join(["# A load", "", "`python -m benchmarks.load`, on two cores, against Dynoxide.", "", *report, ""])
    (ROOT / "benchmarks" / "load.md").write_text(text)
    print(text)


def _file(folder: Path, lines: int) -> Path:
    path = folder / f"{lines}.jsonl"
    with path.open("w") as file:
        for n in range(lines):
            item = {
                "id": n,
                "description": f"Product {n}",
                "price": n % 100 + 0.5,
                "stock": n % 7,
                "related": [n, n + 1],
            }
            file.write(json.dumps(item) + "\n")
    return path


@contextmanager
def _engine() -> Iterator[str]:
    with engines.dynoxide() as endpoint:
        create_tables(aws.dynamodb_client(endpoint), MODELS)
        yield endpoint


def _speed(folder: Path) -> Iterator[str]:
    path, lines = _file(folder, 50_000), 50_000
    yield "| 5 ms a call, 50,000 lines | items/s | CPU, µs an item |"
    yield "| :-- | --: | --: |"
    rates: dict[str, list[float]] = {}
    for contender in ("boto3's batch_writer", "surewrite load") * 2:
        with _engine() as endpoint:
            cost = _run(contender, path, endpoint)
        rates.setdefault(contender, []).append(lines / cost["seconds"])
        yield f"| {contender} | {lines / cost['seconds']:,.0f} | {cost['cpu'] / lines * 1e6:,.0f} |"
    slow, fast = (sum(rates[name]) for name in ("boto3's batch_writer", "surewrite load"))
    yield from ("", f"{fast / slow:.1f} times the items a second (to reach: 3).", "")


def _run(contender: str, path: Path, endpoint: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.load", "--child", contender, str(path), endpoint]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=600)  # noqa: S603
    cost: dict[str, float] = json.loads(ran.stdout)
    return cost


def _child(contender: str, path: str, endpoint: str) -> dict[str, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    if contender == "surewrite load":
        from surewrite.cli.load import tune

        tune()
        pace = Pace()
        client = boto3_client(max_connections=40, endpoint_url=endpoint, **CREDENTIALS)
        db = Client(transport=Boto3Transport(_slow(client)), sleep=pace.sleep)
        source = Source(path)
        Load(db, Product, source.digest() or "", pace=pace).run(read_rows(source.lines(), "jsonl", Product))
    else:
        table = boto3.resource("dynamodb", endpoint_url=endpoint, **CREDENTIALS).Table("Products")
        _slow(table.meta.client)
        with table.batch_writer() as batch, Path(path).open() as file:
            for line in file:
                batch.put_item(Item=json.loads(line, parse_float=Decimal))
    seconds, used = time.perf_counter() - begun, time.process_time() - cpu
    return {"seconds": seconds, "cpu": used, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _slow(client: Any) -> Any:
    client.meta.events.register("before-call.dynamodb", lambda **_: time.sleep(LATENCY))
    return client


def _memory(folder: Path, most: int) -> Iterator[str]:
    yield "| lines | peak memory of the load, MiB |"
    yield "| --: | --: |"
    for lines in sorted({10_000, 100_000, most}):
        with _engine() as endpoint:
            cost = _run("surewrite load", _file(folder, lines), endpoint)
        yield f"| {lines:,} | {cost['peak']:,.0f} |"
    yield ""


def _killed(folder: Path, lines: int) -> Iterator[str]:
    """The command itself. What is there when it is killed is changed; were it written again, that would be lost."""
    path, chance = _file(folder, lines), random.Random(7)  # noqa: S311
    with _engine() as endpoint:
        client = aws.dynamodb_client(endpoint)
        begun, changed = time.perf_counter(), set[int]()
        for kill in range(1, KILLS + 1):
            load = _command(path, endpoint)
            least = lines * kill // (KILLS + 1)
            while load.poll() is None and not _there(client, least):
                time.sleep(0.2)
            load.kill()
            load.wait()
            for number in {chance.randrange(least) for _ in range(100)} - changed:
                _change(client, number)
                changed.add(number)
        load = _command(path, endpoint)
        assert load.wait(3600) == 0
        seconds = time.perf_counter() - begun
        items = client.scan(TableName="Products", Select="COUNT", ConsistentRead=True)
        count = items["Count"]
        while "LastEvaluatedKey" in items:
            after = items["LastEvaluatedKey"]
            items = client.scan(TableName="Products", Select="COUNT", ConsistentRead=True, ExclusiveStartKey=after)
            count += items["Count"]
        kept = sum(_changed(client, number) for number in changed)
    yield f"A load of {lines:,} lines, killed {KILLS} times and begun again: {count:,} items after {seconds:,.0f} s."
    yield f"Of {len(changed)} items that were changed when it was killed, {kept} have kept the change."
    assert (count, kept) == (lines, len(changed)), "items are missing, or were written again"


def _command(path: Path, endpoint: str) -> "subprocess.Popen[bytes]":
    variables = {
        **os.environ,
        **aws.environment(endpoint, endpoint),
        "LEDGER_TABLE": "Ledger",
        "PRODUCTS_TABLE": "Products",
    }
    command = [sys.executable, "-m", "surewrite.cli", "load", str(path), "-c", "products"]
    models = ["--models", "benchmarks.load:MODELS"]
    variables["PYTHONPATH"] = os.pathsep.join(sys.path)
    return subprocess.Popen([*command, *models], cwd=ROOT, env=variables, stderr=subprocess.DEVNULL)  # noqa: S603


def _there(client: Any, number: int) -> bool:
    return "Item" in client.get_item(TableName="Products", Key={"id": {"N": str(number)}}, ConsistentRead=True)


def _change(client: Any, number: int) -> None:
    values = {":one": {"N": "1"}}
    key = {"id": {"N": str(number)}}
    client.update_item(
        TableName="Products", Key=key, UpdateExpression="ADD seen :one", ExpressionAttributeValues=values
    )


def _changed(client: Any, number: int) -> bool:
    found = client.get_item(TableName="Products", Key={"id": {"N": str(number)}}, ConsistentRead=True)
    return bool(found["Item"].get("seen") == {"N": "1"})


if __name__ == "__main__":
    main()
