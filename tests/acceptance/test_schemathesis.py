"""The handlers under schemathesis: whatever is sent, the response is one that the document has."""

import contextlib
import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import Receive, Scope, Send

from local import functions
from local.http import Server
from surewrite.model.json import dumps
from surewrite.openapi import document
from surewrite.testing import RecordingSQS
from tests.acceptance.harness import Api
from tests.models import Book, Product, Thing, User

_CONFIG = """
seed = 7
[phases.coverage]
enabled = false
[checks]
# a refusal of what only the model or the item can know is 422, 412 or 409
positive_data_acceptance.expected-statuses = ["2xx", "304", "404", "409", "412", "422"]
"""

# what a schema cannot say: of numbers, of paths into an item, of JSON in a parameter, of one member beside another
_BEYOND = re.compile(
    "range of a DynamoDB number|significant digits|nothing at this path|document path|when: not JSON|"
    "stands in the body as well|no key is asked for|where: not JSON|a total of at most|a cursor|no cursor of this API|"
    "a partition is needed as well|a scan has no order|only a scan has segments|a sort key has one condition|"
    "a global index is never read|a second write of the same item"
    # which operands a condition takes depends on the attribute's type, and which keys there are on the index
    r'|"pointer":"/((writes/\d+/\w+/)?(when|where)/|key/|partition|sort)'
)

_schema = schemathesis.openapi.from_dict(
    json.loads(dumps(document([Book, Product, Thing, User]))), config=SchemathesisConfig.from_str(_CONFIG)
)
_servers: list[Server] = []


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    await _servers[-1].application(scope, receive, send)


_schema.app = _application


@pytest.fixture(scope="module", autouse=True)
def the_same_examples_each_time() -> Iterator[None]:
    """Hypothesis also draws constants of whatever modules happen to be loaded, which are others in each worker."""
    with pytest.MonkeyPatch.context() as patch:
        none = Constants()
        patch.setattr(providers, "_get_local_constants", lambda: none)
        yield


@pytest.fixture
def server(api: Api, sqs: RecordingSQS) -> Iterator[None]:
    """What answers, in this process: the handler behind the template's routes."""
    definition = api.store.definition.functions["ApiFunction"]
    with Server(0) as made:
        made.functions = {"ApiFunction": functions.Function(definition, api.module.handler)}
        made.routes = api.store.definition.routes
        _servers.append(made)
        yield
        _servers.pop()


@_schema.parametrize()
@settings(max_examples=10, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_every_response_is_one_of_the_document(case: schemathesis.Case[Any], server: None) -> None:
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()) as logged:
        response = case.call()
    assert response.status_code < 500, logged.getvalue()[-2000:]
    # a response to HEAD does not say what was wrong
    refused = response.status_code == 400 and (case.method == "HEAD" or _BEYOND.search(response.text))
    case.validate_response(response, excluded_checks=[positive_data_acceptance] if refused else [])
