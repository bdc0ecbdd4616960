"""PUT: its condition, what it says of an item that it creates, and sets without members."""

from urllib.parse import quote

import pytest

from surewrite.model.json import dumps
from surewrite.testing import RecordingSQS, sqs_record
from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, Api, Store, Worker


def when(**condition: object) -> str:
    return f"{RAINMAKER}?when={quote(dumps(condition))}"


@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "k"}, {"prefer": "return=minimal"}])
def test_a_put_under_a_condition(rainmaker: Api, store: Store, headers: dict[str, str]) -> None:
    unmet = rainmaker("PUT", when(Stock={"gt": 0}), {**BOOK, "Views": 7}, **headers)
    assert (unmet.status, unmet.json["item"]["Stock"]) == (412, 0)
    assert store.book()["Views"] == 0
    assert rainmaker("PUT", when(Stock={"eq": 0}), {**BOOK, "Views": 7}, **headers).status in (200, 204)
    assert store.book()["Views"] == 7


def test_the_same_key_under_another_condition_is_another_request(rainmaker: Api) -> None:
    assert rainmaker("PUT", when(Stock={"eq": 0}), BOOK, idempotency_key="k").status == 200
    assert rainmaker("PUT", when(Stock={"lt": 1}), BOOK, idempotency_key="k").status == 422
    assert rainmaker("PUT", RAINMAKER, BOOK, idempotency_key="k").status == 422


@pytest.mark.parametrize(
    ("text", "pointer"),
    [("x", "/when"), ("[]", "/when"), ('{"Nope":{"eq":1}}', "/when/Nope"), ('{"Stock":{"eq":"x"}}', "/when/Stock/eq")],
)
def test_a_condition_that_is_none(rainmaker: Api, text: str, pointer: str) -> None:
    answer = rainmaker("PUT", f"{RAINMAKER}?when={quote(text)}", BOOK)
    assert (answer.status, answer.pointers) == (400, [pointer])


def test_the_other_writes_take_no_condition_in_their_query(rainmaker: Api) -> None:
    for method, body in (("PATCH", {"add": {"Views": 1}}), ("DELETE", None)):
        answer = rainmaker(method, when(Stock={"eq": 0}), body)
        assert (answer.status, answer.pointers) == (400, ["/when"])


@pytest.mark.parametrize("headers", [{}, {"idempotency_key": "k"}])
@pytest.mark.parametrize(
    ("asked", "created", "replaced"), [("ALL_OLD", 201, 200), ("ALL_NEW", 201, 200), ("NONE", 204, 204)]
)
def test_what_creates_says_so(api: Api, headers: dict[str, str], asked: str, created: int, replaced: int) -> None:
    path = f"{RAINMAKER}?return_values={asked}"
    first = api("PUT", path, BOOK, **headers)
    assert first.status == created
    if headers:
        assert api("PUT", path, BOOK, **headers).status == created
    assert api("PUT", path, BOOK).status == replaced


def test_an_empty_set_is_refused_in_every_way(
    rainmaker: Api, worker: Worker, store: Store, rejected: RecordingSQS
) -> None:
    for method, body, pointer in (
        ("PUT", {**BOOK, "Tags": []}, "/Tags"),
        ("PATCH", {"set": {"Tags": []}}, "/set/Tags"),
    ):
        answer = rainmaker(method, RAINMAKER, body)
        assert (answer.status, answer.pointers) == (422, [pointer])
    item = {**RAINMAKER_KEY, "Tags": []}
    put = {"put": {"collection": "books", "item": item}}
    for path in ("/transactions", "/batch-write"):
        answer = rainmaker("POST", path, {"writes": [put]})
        assert (answer.status, answer.pointers) == (422, ["/writes/0/put/item/Tags"])
    assert worker(sqs_record({"op": "put", "collection": "books", "item": item})) == []
    assert rejected.attribute("Reason") == ["InvalidItem: item Tags: a set cannot be empty"]
    assert "Tags" not in store.book()
