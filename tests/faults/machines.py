"""How a stateful machine is run on the engine."""

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
