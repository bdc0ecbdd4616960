"""When a request is answered with 202: what prefers it, and what is refused instead."""

from typing import Any

import pytest

from tests.acceptance.harness import BOOK, RAINMAKER, Api, Store, Worker
from tests.acceptance.operations import ASYNC, REQUESTS, Line, accepted

INVALID: list[tuple[tuple[Any, ...], dict[str, str]]] = [
    (("PUT", RAINMAKER, {"Stock": -1, "Nowhere": 1}), {}),
    (("PUT", RAINMAKER, {"Author": "Somebody"}), {}),
    (("PUT", RAINMAKER, {"Category": "x" * 410_000}), {}),
    (("PUT", RAINMAKER, '{"Category"'), {}),
    (("PUT", RAINMAKER, BOOK), {"if_match": "weak"}),
    (("PUT", RAINMAKER, BOOK), {"content_type": "text/plain"}),
    (("PUT", f"{RAINMAKER}?return_values=UPDATED_NEW", BOOK), {}),
    (("PUT", f"{RAINMAKER}?return_consumed_capacity=ALL", BOOK), {}),
    (("PATCH", f"{RAINMAKER}?nowhere=1", {"add": {"Views": 2}}), {}),
    (("PATCH", RAINMAKER, {}), {}),
    (("PATCH", RAINMAKER, {"set": {"Author": "x", "Views": "many"}}), {}),
    (("PATCH", RAINMAKER, {"set": {"Stock": 1}, "op": "delete"}), {}),
    (("PATCH", RAINMAKER, {"set": {"Stock": 1}, "when": {"Nowhere": {"eq": 1}}}), {}),
    (("PATCH", RAINMAKER, {"Stock": "many"}), {"content_type": "application/merge-patch+json"}),
    (("PATCH", "/nowhere/1", {"set": {"Stock": 1}}), {}),
    (("POST", f"{RAINMAKER}/counters/Category"), {}),
    (("POST", f"{RAINMAKER}/counters/Views", {"by": "many"}), {}),
    (("DELETE", RAINMAKER, {"return_values": "ALL_NEW"}), {}),
    (("DELETE", "/products/snow"), {}),
]


@pytest.mark.parametrize(("request_", "headers"), INVALID)
def test_refused_as_a_synchronous_request_is(
    rainmaker: Api, line: Line, request_: tuple[Any, ...], headers: dict[str, str]
) -> None:
    """By the same status and the same problem; nothing is marked and nothing is queued."""
    tables = rainmaker.store.tables()
    expected = rainmaker(*request_, idempotency_key="k", **headers)
    answer = rainmaker(*request_, idempotency_key="k", prefer=ASYNC, **headers)
    assert expected.status in (400, 404, 413, 415, 422)
    assert (answer.status, answer.body) == (expected.status, expected.body)
    assert (rainmaker.store.tables(), line.sent) == (tables, [])


@pytest.mark.parametrize(
    "prefer", [ASYNC, f"{ASYNC};x=y", f"wait=10, {ASYNC}", "Respond-Async", f'a="b,c" ,{ASYNC}', rf'a="\"", {ASYNC}']
)
def test_ways_to_prefer_it(rainmaker: Api, line: Line, prefer: str) -> None:
    accepted(rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=prefer), "k")
    assert len(line.sent) == 1


@pytest.mark.parametrize(
    "prefer",
    ["", "respond-asynchronously", f'x="{ASYNC}"', f'x=",{ASYNC},"', f"{ASYNC}=no", '"', rf'x="\", {ASYNC}, \""'],
)
def test_what_does_not_prefer_it(rainmaker: Api, line: Line, prefer: str) -> None:
    answer = rainmaker(*REQUESTS["counter"], idempotency_key="k", prefer=prefer)
    assert (answer.status, answer.json, line.sent) == (200, {"Views": 5}, [])


def test_without_a_key_it_is_answered_at_once(rainmaker: Api, line: Line) -> None:
    """A preference may be ignored (RFC 7240): without a key there would be nothing to ask for."""
    answer = rainmaker(*REQUESTS["counter"], prefer=ASYNC)
    assert (answer.status, answer.json, line.sent) == (200, {"Views": 5}, [])
    assert "preference-applied" not in answer.headers
    assert rainmaker("GET", RAINMAKER, prefer=ASYNC, idempotency_key="k").status == 200


@pytest.mark.parametrize(
    "key", ["a/b", "100%", "key with spaces", '"quoted \\" key"', "~", "019b76da-a807-744a-ac5b-90fef52cff37"]
)
def test_the_location_is_followed(rainmaker: Api, worker: Worker, line: Line, key: str) -> None:
    answer = rainmaker(*REQUESTS["counter"], idempotency_key=key, prefer=ASYNC)
    assert answer.status == 202
    assert rainmaker("GET", answer.headers["location"]).json["status"] == "pending"
    assert worker(*line.receive()) == []
    assert rainmaker("GET", answer.headers["location"]).json["attributes"] == {"Views": 5}


def test_numbers_and_binary_keys_arrive_exactly(api: Api, worker: Worker, line: Line, store: Store) -> None:
    digits = "12345678901234567890.123456789012345678"
    api("PUT", "/products/601", f'{{"Price": {digits}}}', idempotency_key="k", prefer=ASYNC)
    assert worker(*line.receive()) == []
    assert digits.encode() in api("GET", "/products/601").body
    assert digits.encode() in api("GET", "/operations/k").body
    api("POST", "/products/601/counters/QuantityOnHand", idempotency_key="c", prefer=ASYNC)
    assert worker(*line.receive()) == []
    assert api("GET", "/products/601").json["QuantityOnHand"] == 1
