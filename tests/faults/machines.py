"""How a stateful machine is run on the engine.

What Hypothesis draws next depends on what the machine holds, so that an example must end as it did when it is run
again: it begins with empty tables and the same names, and its deadlines are told by a clock that only calls and waits
move.
"""

from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def run(machine: type[RuleBasedStateMachine], client: "DynamoDBClient", tables: dict[str, str]) -> None:
    """Runs the machine with a `client` and `tables` of its class."""
    on_engine: Any = type("OnEngine", (machine,), {"client": client, "tables": tables})
    run_state_machine_as_test(
        on_engine,
        settings=settings(
            max_examples=settings().max_examples // 4,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )


_KEYS = {"Ledger": ("id",), "Books": ("Author", "Title"), "ProductCatalog": ("Id",)}


def clear(client: "DynamoDBClient", tables: dict[str, str]) -> None:
    """Nothing is left of the example before."""
    for table, names in _KEYS.items():
        for item in client.scan(TableName=tables[table], ConsistentRead=True)["Items"]:
            client.delete_item(TableName=tables[table], Key={name: item[name] for name in names})
