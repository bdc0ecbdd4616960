"""The limits of docs/limits.md over HTTP: what is one beyond them is refused as the page says, and for that reason."""

from typing import Any

import pytest

from tests.acceptance.harness import RAINMAKER, Api

BOOK = "/books/a/b"


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def of_names(count: int) -> dict[str, Any]:
    return {"set": {f"Formats.{number}": "x" for number in range(count)}}


def when(condition: Any) -> dict[str, Any]:
    return {"set": {"Category": "x"}, "when": condition}


def transaction(count: int) -> dict[str, Any]:
    return {"writes": [{"put": {"collection": "products", "item": {"Id": number}}} for number in range(count)]}


BEYOND: dict[str, tuple[str, str, Any, int, str]] = {
    "item": ("PUT", BOOK, {"Category": "x" * 400 * 1024}, 413, "409,600"),
    "partition key": ("PUT", f"/books/{'x' * 2049}/b", {}, 400, "2048 bytes"),
    "sort key": ("PUT", f"/books/a/{'x' * 1025}", {}, 400, "1024 bytes"),
    "digits": ("PUT", BOOK, '{"Price": 1' + "1" * 38 + "}", 400, "38 significant digits"),
    "range": ("PUT", BOOK, '{"Price": 1E126}', 400, "9.9E+125"),
    "empty set": ("PUT", BOOK, {"Tags": []}, 422, "a set cannot be empty"),
    "expression": ("PATCH", RAINMAKER, of_names(290), 422, "4096 bytes"),
    "actions": ("PATCH", RAINMAKER, of_names(300), 422, "at most 299"),
    "tests": ("PATCH", RAINMAKER, when({"or": [{"Views": {"eq": n}} for n in range(301)]}), 400, "300 operators"),
    "choices": ("PATCH", RAINMAKER, when({"Views": {"in": list(range(101))}}), 400, "1 to 100 values"),
    "path": ("PATCH", RAINMAKER, {"set": {"Formats" + "[0]" * 32: 1}}, 422, "at most 32 elements"),
    "index": ("PATCH", RAINMAKER, {"set": {"Formats[1000000000]": 1}}, 422, "at most 9 digits"),
    "levels": ("PUT", BOOK, {"Formats": nested(101)}, 400, "nested too deeply"),
    "transaction": ("POST", "/transactions", transaction(101), 400, "at most 100 writes"),
    "page": ("GET", "/books?limit=1001", None, 400, "less than or equal to 1000"),
    "segments": ("GET", "/books?segment=0,1000001", None, 400, "1,000,000"),
}


@pytest.mark.parametrize("name", BEYOND)
def test_beyond_a_limit(rainmaker: Api, name: str) -> None:
    method, target, body, status, reason = BEYOND[name]
    answer = rainmaker(method, target, body)
    assert answer.status == status
    assert reason in answer.json["detail"]


def test_a_key_takes_one_action_of_a_transaction(api: Api) -> None:
    answer = api("POST", "/transactions", transaction(100), idempotency_key="k")
    assert (answer.status, "at most 99 writes" in answer.json["detail"]) == (400, True)
    assert api("POST", "/transactions", transaction(99), idempotency_key="k").status == 200
