"""The engine of the tests: one in memory for each worker, Dynoxide unless ENGINE says otherwise, fresh tables for every
test.

Nothing is skipped: without the engine the tests that ask for it fail.
"""

import itertools
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, settings

from local import aws, template
from local.engines import EngineError
from surewrite.commit import retry
from surewrite.testing import create_tables
from tests import engines
from tests.models import MODELS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).resolve().parent.parent

# No test may find real credentials, a profile or the instance metadata.
os.environ.update(aws.CREDENTIALS)
os.environ.update({"AWS_DEFAULT_REGION": aws.REGION, "AWS_REGION": aws.REGION, "AWS_EC2_METADATA_DISABLED": "true"})
for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
    os.environ.pop(name, None)

# An example that is run again waits as long as before: Hypothesis seeds this randomness.
retry.uniform = random.uniform

# `make test` takes the first; `make test THOROUGH=1` the second.
settings.register_profile("ci", max_examples=200, deadline=None, print_blob=True)
settings.register_profile("thorough", settings.get_profile("ci"), max_examples=3000)
# One that only has to fail: `make mutants`.
settings.register_profile(
    "mutants", settings.get_profile("ci"), max_examples=60, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("thorough" if os.environ.get("THOROUGH") else "ci")

_prefixes = (f"{engines.RUN}t{number}-" for number in itertools.count())


def pytest_configure() -> None:
    try:
        engines.chosen()
    except EngineError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is known to fail on this engine has to fail; properties only may, as their examples fall."""
    for item in items:
        for end, reason in engines.chosen().differs.items():
            if item.nodeid.endswith(end):
                item.add_marker(pytest.mark.xfail(reason=reason, strict="property" not in item.nodeid))


@pytest.fixture(scope="session")
def definition() -> template.Template:
    """template.yaml."""
    return template.read(ROOT / "template.yaml")


@pytest.fixture(scope="session")
def dynamodb_endpoint() -> Iterator[str]:
    with engines.chosen().start() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def dynamodb_client(dynamodb_endpoint: str) -> "DynamoDBClient":
    """A low-level client on the engine; clients may be shared by threads."""
    return aws.dynamodb_client(dynamodb_endpoint)


@pytest.fixture
def table_names(dynamodb_client: "DynamoDBClient") -> dict[str, str]:
    """Physical names by logical ones (Ledger, Books, …) of empty tables, one for each of `tests.models`."""
    return create_tables(dynamodb_client, MODELS, prefix=next(_prefixes))
