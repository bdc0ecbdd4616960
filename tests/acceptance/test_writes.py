"""Writes over HTTP: exactly once, conditional, and what they answer."""

from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance.harness import BOOK, RAINMAKER, RAINMAKER_KEY, STORED_BOOK, Api, Store

AUDIOBOOK = {"set": {"Formats.Audiobook": "8WE3KPTP"}, "return_values": "ALL_NEW"}
MERGE = "application/merge-patch+json"


def test_the_rainmaker(rainmaker: Api, store: Store) -> None:
    first = rainmaker("PATCH", RAINMAKER, AUDIOBOOK, idempotency_key="rainmaker-1")
    assert (first.status, first.headers["content-type"], first.replayed) == (200, "application/json", None)
    assert first.json["Formats"] == {"Audiobook": "8WE3KPTP", "Hardcover": "J4SUKVGU", "Paperback": "D7YF4FCX"}
    stored = store.tables()

    again = rainmaker("PATCH", RAINMAKER, AUDIOBOOK, idempotency_key="rainmaker-1")
    assert (again.status, again.body, again.etag) == (200, first.body, first.etag)
    assert again.replayed == "true"

    other = rainmaker("PATCH", RAINMAKER, {"set": {"Formats.Audiobook": "X"}}, idempotency_key="rainmaker-1")
    assert (other.status, other.headers["content-type"]) == (422, "application/problem+json")
    assert other.json["detail"] == "this idempotency key was already used for another request"
    assert store.tables() == stored


def test_a_replay_is_what_was_answered_then(rainmaker: Api) -> None:
    first = rainmaker("PATCH", RAINMAKER, AUDIOBOOK, idempotency_key="k")
    assert rainmaker("PATCH", RAINMAKER, {"set": {"Category": "Law"}}).status == 200
    assert rainmaker("PATCH", RAINMAKER, AUDIOBOOK, idempotency_key="k").body == first.body
    assert rainmaker("GET", RAINMAKER).json["Category"] == "Law"


def test_the_same_request_written_otherwise_is_the_same(rainmaker: Api) -> None:
    one = '{"set": {"Category": "Law", "Price": 10}, "add": {"Views": 1}}'
    other = '{"add":{"Views":1.0},"set":{"Price":1e1,"Category":"\\u004caw"}}'
    first = rainmaker("PATCH", RAINMAKER, one, idempotency_key="k")
    again = rainmaker("PATCH", RAINMAKER, other, idempotency_key='"k"')
    assert (again.status, again.replayed, again.body) == (200, "true", first.body)


@pytest.mark.parametrize(
    ("method", "body", "status"),
    [("PUT", BOOK, 201), ("DELETE", None, 200)],
    ids=["put", "delete"],
)
def test_every_method_is_replayed(api: Api, method: str, body: Any, status: int) -> None:
    if method == "DELETE":
        assert api("PUT", RAINMAKER, BOOK).status == 201
    first = api(method, RAINMAKER, body, idempotency_key="k")
    again = api(method, RAINMAKER, body, idempotency_key="k")
    assert (first.status, first.replayed, first.json) == (status, None, STORED_BOOK)
    assert (again.status, again.replayed, again.body) == (status, "true", first.body)


def test_a_replayed_delete_deletes_no_successor(rainmaker: Api) -> None:
    assert rainmaker("DELETE", RAINMAKER, idempotency_key="k").status == 200
    assert rainmaker("PUT", RAINMAKER, {"Category": "New"}).status == 201
    assert rainmaker("DELETE", RAINMAKER, idempotency_key="k").replayed == "true"
    assert rainmaker("GET", RAINMAKER).json["Category"] == "New"


def test_an_outcome_too_large_for_its_record_answers_the_current_item(api: Api) -> None:
    assert api("PUT", RAINMAKER, {"Category": "x" * 350_000}, idempotency_key="k").status == 201
    assert api("PATCH", RAINMAKER, {"set": {"Category": "short"}}).status == 200
    again = api("PUT", RAINMAKER, {"Category": "x" * 350_000}, idempotency_key="k")
    assert (again.replayed, again.json["Category"]) == ("current", "short")


def test_alice_and_bob(api: Api, store: Store) -> None:
    assert api("PUT", "/products/1", {"Price": 10}).status == 201
    ten = {"Price": {"eq": 10}}
    alice = api("PATCH", "/products/1", {"set": {"Price": 8}, "when": ten}, idempotency_key="alice")
    bob = api("PATCH", "/products/1", {"set": {"Price": 12}, "when": ten}, idempotency_key="bob")
    assert (alice.status, alice.json["Price"]) == (200, 8)
    assert (bob.status, bob.headers["content-type"]) == (412, "application/problem+json")
    assert bob.json == {
        "type": "about:blank",
        "title": "Precondition Failed",
        "status": 412,
        "detail": "the condition is not met",
        "item": {"Id": 1, "Price": 8, "QuantityOnHand": 0, "RelatedItems": []},
    }

    # Bob's key is not consumed: his request applies as soon as its condition holds.
    assert api("PATCH", "/products/1", {"set": {"Price": 10}}).status == 200
    assert api("PATCH", "/products/1", {"set": {"Price": 12}, "when": ten}, idempotency_key="bob").status == 200
    assert api("PATCH", "/products/1", {"set": {"Price": 8}, "when": ten}, idempotency_key="alice").replayed == "true"
    assert (store.item("ProductCatalog", {"Id": Decimal(1)}) or {})["Price"] == 12


def test_versions(rainmaker: Api) -> None:
    etag = rainmaker("GET", RAINMAKER).etag
    unchanged = rainmaker("GET", RAINMAKER, if_none_match=etag)
    assert (unchanged.status, unchanged.body, unchanged.etag) == (304, b"", etag)

    changed = rainmaker("PATCH", RAINMAKER, {"set": {"Category": "Law"}}, if_match=etag)
    assert changed.status == 200
    assert changed.etag != etag
    for method, body in (("PATCH", {"set": {"Category": "Tax"}}), ("PUT", {}), ("DELETE", None)):
        stale = rainmaker(method, RAINMAKER, body, if_match=etag)
        assert (stale.status, stale.json["item"]["Category"]) == (412, "Law")
    assert rainmaker("GET", RAINMAKER, if_none_match=etag).status == 200
    assert rainmaker("PUT", RAINMAKER, {"Category": "Tax"}, if_match=changed.etag).status == 200
    assert rainmaker("DELETE", RAINMAKER, if_match="*").status == 200
    assert rainmaker("PATCH", RAINMAKER, {"set": {"Category": "Law"}}, if_match="*").status == 412
    assert rainmaker("GET", RAINMAKER).status == 404


def test_create_only(api: Api) -> None:
    created = api("PUT", RAINMAKER, BOOK, if_none_match="*", idempotency_key="k")
    existing = api("PUT", RAINMAKER, {"Category": "Other"}, if_none_match="*")
    assert (created.status, created.json) == (201, STORED_BOOK)
    assert (existing.status, existing.json["title"], existing.json["item"]) == (409, "Conflict", STORED_BOOK)
    assert api("PUT", RAINMAKER, BOOK, if_none_match="*", idempotency_key="k").replayed == "true"
    replaced = api("PUT", RAINMAKER, {"Category": "Other"})
    assert (replaced.status, replaced.json["Formats"]) == (200, {})


# RFC 7396, appendix A, as far as its documents are of a type that a model can have: `Formats` is the target.
@pytest.mark.parametrize(
    ("original", "patch", "result"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"b": "c"}, {"b": "d", "c": None}, {"b": "d"}),
        ({}, {"a": None}, {}),
    ],
)
def test_merge_patch(api: Api, original: Any, patch: Any, result: Any) -> None:
    assert api("PUT", RAINMAKER, {"Formats": original}).status == 201
    merged = api("PATCH", RAINMAKER, {"Formats": patch}, content_type=MERGE, idempotency_key="k")
    assert (merged.status, merged.json["Formats"]) == (200, result)
    assert api("PATCH", RAINMAKER, {"Formats": patch}, content_type=MERGE, idempotency_key="k").body == merged.body


def test_merge_patch_of_a_whole_item(api: Api, store: Store) -> None:
    assert api("PUT", "/products/7", {"Description": "b", "RelatedItems": [1, 2]}).status == 201
    patched = api("PATCH", "/products/7", {"Description": None, "RelatedItems": [3]}, content_type=MERGE)
    assert patched.json == {"Id": 7, "QuantityOnHand": 0, "RelatedItems": [3]}
    created = api("PATCH", "/users/new/One", {"address": {"city": "York", "road": None}}, content_type=MERGE)
    assert created.json == {"username": "new", "last_name": "One", "address": {"city": "York"}}
    refused = api("PATCH", "/users/new/One", {"address": {"city": 5}}, content_type=MERGE)
    assert (refused.status, refused.pointers) == (422, ["/address/city"])
    assert api("PATCH", "/users/new/One", ["c"], content_type=MERGE).status == 400


def test_counters(rainmaker: Api, store: Store) -> None:
    counter = f"{RAINMAKER}/counters/Views"
    first = rainmaker("POST", counter, {"by": 5}, idempotency_key="c")
    again = rainmaker("POST", counter, {"by": 5}, idempotency_key="c")
    assert (first.status, first.json) == (200, {"Views": 5})
    assert (again.body, again.replayed) == (first.body, "true")
    assert rainmaker("POST", counter).json == {"Views": 6}
    assert rainmaker("POST", counter, {"by": -6}).json == {"Views": 0}
    below = rainmaker("POST", counter, {"by": -1}, idempotency_key="below")
    assert (below.status, below.pointers) == (422, ["/Views"])
    unmet = rainmaker("POST", counter, {"by": 1, "when": {"Category": {"eq": "Law"}}})
    assert (unmet.status, store.book()["Views"]) == (412, 0)


def test_a_price_rises_by_five(api: Api) -> None:
    assert api("PUT", "/products/601", {"Description": "Snowboard", "QuantityOnHand": 5, "Price": 100}).status == 201
    request = {"increment": {"Price": 5}, "return_values": "UPDATED_NEW"}
    assert [api("PATCH", "/products/601", request, idempotency_key="k").json for _ in range(3)] == [{"Price": 105}] * 3


def test_prefer_minimal(rainmaker: Api, store: Store) -> None:
    request = {"add": {"Views": 1}}
    first = rainmaker("PATCH", RAINMAKER, request, prefer="return=minimal", idempotency_key="k")
    again = rainmaker("PATCH", RAINMAKER, request, prefer="return=minimal", idempotency_key="k")
    assert (first.status, first.body, first.replayed) == (204, b"", None)
    assert (again.status, again.body, again.replayed) == (204, b"", "true")
    assert store.book()["Views"] == 1
    assert rainmaker("PUT", RAINMAKER, {}, prefer="respond-async, return=minimal").status == 204
    assert rainmaker("DELETE", RAINMAKER, prefer='return="minimal"').status == 204


@pytest.mark.parametrize(
    ("returns", "key", "expected"),
    [
        ("NONE", None, None),
        ("ALL_OLD", None, {**STORED_BOOK, "Price": 10}),
        ("UPDATED_OLD", None, {"Formats": {"Paperback": "D7YF4FCX"}, "Price": 10, "Views": 0}),
        ("UPDATED_NEW", None, {"Formats": {"Paperback": "P"}, "Price": 12, "Views": 3}),
        (
            "ALL_NEW",
            None,
            {**STORED_BOOK, "Price": 12, "Views": 3, "Formats": {"Hardcover": "J4SUKVGU", "Paperback": "P"}},
        ),
    ],
)
@pytest.mark.parametrize("keyed", [False, True], ids=["plain", "keyed"])
def test_return_values(rainmaker: Api, returns: str, key: Any, expected: Any, keyed: bool) -> None:
    assert rainmaker("PATCH", RAINMAKER, {"set": {"Price": 10}}).status == 200
    request = {"set": {"Formats.Paperback": "P", "Price": 12}, "add": {"Views": 3}, "return_values": returns}
    headers = {"idempotency_key": "k"} if keyed else {}
    answer = rainmaker("PATCH", RAINMAKER, request, **headers)
    assert answer.status == (204 if expected is None else 200)
    assert (answer.json if answer.body else None) == expected


def test_return_values_where_there_was_no_item(api: Api) -> None:
    request = {"add": {"Views": 1}}
    created = {**RAINMAKER_KEY, "Views": 1}
    for returns, expected in (
        ("ALL_OLD", {}),
        ("UPDATED_OLD", {}),
        ("UPDATED_NEW", {"Views": 1}),
        ("ALL_NEW", created),
    ):
        for key in ({}, {"idempotency_key": returns}):
            api("DELETE", RAINMAKER)
            answer = api("PATCH", RAINMAKER, {**request, "return_values": returns}, **key)
            assert (answer.status, answer.json) == (200, expected), (returns, key)


@pytest.mark.parametrize(
    "digits",
    [
        "12345678901234567890.123456789012345678",
        "99999999999999999999999999999999999999",
        "0.00000000000000000000000000000000000001",
        "1234567890123456789012345678901234567.8",
        "9.9999999999999999999999999999999999999E+125",
        "1E-130",
    ],
)
def test_numbers_of_38_digits(api: Api, store: Store, digits: str) -> None:
    put = api("PUT", "/products/601", f'{{"Price":{digits}}}', idempotency_key="put")
    assert put.status == 201
    patched = api("PATCH", "/products/602", f'{{"set":{{"Price":{digits}}}}}', idempotency_key="patch")
    again = api("PATCH", "/products/602", f'{{"set":{{"Price":{digits}}}}}', idempotency_key="patch")
    for answer in (put, api("GET", "/products/601"), patched, again):
        assert f'"Price":{digits}'.encode() in answer.body
        assert answer.json["Price"] == Decimal(digits)
    assert (store.item("ProductCatalog", {"Id": Decimal(601)}) or {})["Price"] == Decimal(digits)
    met = {"set": {"Description": "x"}, "when": {"Price": {"eq": 0}}}
    text = str(met).replace("'", '"').replace('"eq": 0', f'"eq": {digits}')
    assert api("PATCH", "/products/601", text).status == 200


@pytest.mark.parametrize(
    ("target", "key"),
    [
        ("/books/50%25%2Foff/a%2Fb%2Fc", ("50%/off", "a/b/c")),
        ("/books/%252F/%2525", ("%2F", "%25")),
        ("/books/a+b/c%20d%2Be", ("a+b", "c d+e")),
        ("/books/%C3%A9%F0%9F%98%80/%E2%80%AE", ("é😀", "\u202e")),
        ("/books/counters/Views", ("counters", "Views")),
        ("/books/..%2F../%3Fx=1&y%23z", ("../..", "?x=1&y#z")),
        ("/books/%20/%09", (" ", "\t")),
    ],
)
def test_keys_of_all_kinds(api: Api, store: Store, target: str, key: tuple[str, str]) -> None:
    named = dict(zip(("Author", "Title"), key, strict=True))
    assert api("PUT", target, {"Category": "c"}).status == 201
    assert api("PATCH", target, {"add": {"Views": 1}}, idempotency_key="k").status == 200
    assert api("PATCH", target, {"add": {"Views": 1}}, idempotency_key="k").replayed == "true"
    assert api("GET", target).json == {**named, "Category": "c", "Formats": {}, "Stock": 0, "Views": 1}
    assert (store.item("Books", named) or {})["Views"] == 1
    assert api("POST", f"{target}/counters/Views", {"by": 2}).json == {"Views": 3}
    assert api("DELETE", target).status == 200
    assert store.item("Books", named) is None


@pytest.mark.parametrize("text", ["601", "%2B601", "601.0", "6.01e2", "0601"])
def test_a_numeric_key_is_a_number(api: Api, text: str) -> None:
    assert api("PUT", "/products/601", {"Description": "Snowboard"}).status == 201
    assert api("GET", f"/products/{text}").json["Id"] == 601


def test_reads(rainmaker: Api) -> None:
    whole = rainmaker("GET", RAINMAKER)
    assert (whole.status, whole.json) == (200, STORED_BOOK)
    part = rainmaker("GET", f"{RAINMAKER}?consistent&fields=Views,Formats.Hardcover")
    assert part.json == {**RAINMAKER_KEY, "Formats": {"Hardcover": "J4SUKVGU"}, "Views": 0}
    assert part.etag == whole.etag
    assert rainmaker("GET", "/books/John%20Grisham/The%20Firm").status == 404
