"""Every file in events/ through its handler, with what exactly becomes of it."""

import base64
import re
import uuid
from decimal import Decimal

import pytest

from surewrite.testing import RecordingSQS
from tests.acceptance.expectations import API, WORKER, Answered, Processed
from tests.acceptance.harness import EVENTS, Api, Store, Worker, saved_event, target_of

_KEY = re.compile(
    r'(?:idempotency[-_]key|MessageDeduplicationId)\W+([^"\\]+)|"IdempotencyKey": {[^}]*"stringValue": "([^"]+)"'
)


def test_every_key_is_a_uuid_of_version_7() -> None:
    """The form that costs least, and that every language can make."""
    found = [key for path in EVENTS.glob("*.json") for pair in _KEY.findall(path.read_text()) for key in pair if key]
    assert len(found) > 30
    assert {key for key in found if uuid.UUID(key).version != 7 or str(uuid.UUID(key)) != key} == set()


def test_every_file_has_its_expectation() -> None:
    assert {path.name for path in EVENTS.glob("*.json")} == API.keys() | WORKER.keys()
    table = (EVENTS / "README.md").read_text()
    assert [name for name in API.keys() | WORKER.keys() if f"`{name}`" not in table] == []


@pytest.mark.parametrize(("name", "expected"), API.items(), ids=API)
@pytest.mark.usefixtures("sqs")
def test_api_event(api: Api, name: str, expected: Answered) -> None:
    api.module.db.session.ledger.clock = lambda: 1767225641.0  # in the first minute of 2026, as the events are
    for before in expected.after:
        assert api.invoke(saved_event(before)).status < 300
    expected.check(name, api.invoke(saved_event(name)))


@pytest.mark.parametrize(("name", "expected"), WORKER.items(), ids=WORKER)
def test_worker_event(worker: Worker, store: Store, rejected: RecordingSQS, name: str, expected: Processed) -> None:
    for before in expected.after:
        assert worker(*saved_event(before)["Records"]) == []
    event = saved_event(name)
    assert worker(*event["Records"]) == list(expected.failures)
    expected.check(store, _reasons(rejected))

    # All of it once more: delivered twice, applied once.
    sent = len(rejected.messages)
    assert worker(*event["Records"]) == list(expected.failures)
    del rejected.messages[sent:]
    expected.check(store, _reasons(rejected))


def _reasons(rejected: RecordingSQS) -> dict[str, str]:
    return dict(zip(rejected.bodies, rejected.attribute("Reason"), strict=True))


def test_the_batch_put_its_product(worker: Worker, store: Store) -> None:
    assert worker(*saved_event("worker-batch.json")["Records"]) == []
    product = store.item("ProductCatalog", {"Id": Decimal(602)})
    assert (product or {})["Description"] == "Snow shovel"


# What differs from request to request.
_OWN = {"headers", "requestContext"}


@pytest.mark.parametrize("name", API)
def test_an_api_event_is_what_the_gateway_makes(api: Api, name: str) -> None:
    saved = saved_event(name)
    headers = {header.replace("-", "_"): value for header, value in saved["headers"].items()}
    context = saved["requestContext"]
    text = base64.b64decode(saved["body"]).decode() if saved["isBase64Encoded"] else saved.get("body")
    made = api.event(context["http"]["method"], target_of(saved), text, **headers)
    assert {k: v for k, v in made.items() if k not in _OWN} == {k: v for k, v in saved.items() if k not in _OWN}
    assert made["requestContext"].keys() == context.keys() - {"authorizer"}
    assert made["requestContext"]["http"].keys() == context["http"].keys()
    assert context["routeKey"] == saved["routeKey"]
    assert made["headers"].keys() - saved["headers"].keys() <= {"content-type"}
