"""How often a counter is raised too much when the function that counts is killed: `python -m benchmarks.overcount`.

The kill tests' harness runs surewrite, the Powertools recipe and a plain UpdateItem: messages to one counter, a third
of them copies, workers killed at random moments, every batch delivered until it is acknowledged.
"""

import argparse
from typing import TYPE_CHECKING

import tests.faults.kill.preload  # noqa: F401 - the layers have to be found first
from benchmarks import contenders
from benchmarks.contenders import CONTENDERS
from benchmarks.messages import make_round
from local import aws, engines
from tests.faults.kill.queues import Message, RejectedQueue
from tests.faults.kill.stage import Stage
from tests.faults.proxy import Proxy

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# The recipe waits for a lock that a killed worker has left until that worker's invocation would have ended.
_TIMEOUT = 4


def main() -> None:
    options = _parse()
    print(f"{'':20}{'messages':>10}{'keys':>10}{'kills':>10}{'counter':>10}{'overcount':>11}")
    with engines.dynoxide() as endpoint:
        client = aws.dynamodb_client(endpoint)
        for contender, name in CONTENDERS.items():
            messages, keys, kills, counter = _run(client, endpoint, contender, options)
            print(f"{name:20}{messages:10}{keys:10}{kills:10}{counter:10}{counter - keys:+11}", flush=True)


def _run(
    client: "DynamoDBClient", endpoint: str, contender: str, options: argparse.Namespace
) -> tuple[int, int, int, int]:
    """How many messages and keys there were and how often a worker was killed, and what was counted."""
    round_ = make_round("hot", options.messages, 1 / 3, options.seed)
    records = round_.warm_up["Records"] + round_.measured["Records"]
    with contenders.fresh_tables(client) as tables, Proxy(endpoint) as proxy:
        function = contenders.definition_of(contender).model_copy(update={"timeout": _TIMEOUT})
        run = Stage(options.seed, client, {}, function, proxy, RejectedQueue(), variables=tables.variables)
        run.models = "benchmarks.models"
        run.may_raise = contender in (
            contenders.POWERTOOLS,
            contenders.PLAIN,
        )  # BatchProcessor does where all messages of a batch fail
        run.send([Message("WritesQueue", record["messageId"], record["body"]) for record in records])
        run.drain(kills=options.kills, sizes=[10, 50, 100], patience=600)
        counted = contenders.counters(client, tables)
    return len(records), sum(round_.keys.values()), run.kills, sum(counted.values())


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overcount")
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=90)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
