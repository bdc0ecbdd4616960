"""Bad input by the dozen: a 4xx problem each, that points to what is wrong; never a 5xx, and nothing written."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from surewrite.testing import create_tables
from tests.acceptance.harness import BOOK, RAINMAKER, Api, Store
from tests.models import MODELS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FIRM = "/books/John%20Grisham/The%20Firm"
PRODUCT = "/products/601"
NEW_USER = "/users/new/One"
MERGE = {"content_type": "application/merge-patch+json"}
HALF_A_MEGABYTE = "x" * 500_000


@dataclass(frozen=True)
class Bad:
    """A request, and the problem that answers it: its status, and its pointers where the request is at fault."""

    request: tuple[Any, ...]
    status: int
    pointers: list[str] | None = None
    headers: dict[str, str] = field(default_factory=dict)


def patch(body: Any, status: int, *pointers: str, **headers: str) -> Bad:
    return Bad(("PATCH", RAINMAKER, body), status, list(pointers), headers)


def put(body: Any, status: int, *pointers: str, target: str = FIRM, **headers: str) -> Bad:
    return Bad(("PUT", target, body), status, list(pointers), headers)


def merge(body: Any, status: int, *pointers: str, target: str = RAINMAKER) -> Bad:
    return Bad(("PATCH", target, body), status, list(pointers), MERGE)


ADD = {"add": {"Views": 1}}

CASES: dict[str, Bad] = {
    # Not JSON, or nothing that could be kept exactly
    "no body": patch("", 400, ""),
    "half an object": patch("{", 400, ""),
    "text": patch("hello", 400, ""),
    "two values": patch("{} {}", 400, ""),
    "array": patch("[]", 400, ""),
    "null": patch("null", 400, ""),
    "number": patch("5", 400, ""),
    "string": patch('"x"', 400, ""),
    "NaN": patch('{"set":{"Price":NaN}}', 400, "/set/Price"),
    "Infinity": patch('{"set":{"Price":-Infinity}}', 400, "/set/Price"),
    "exponent too large": patch('{"set":{"Price":1e999}}', 400, "/set/Price"),
    "exponent beyond Decimal": patch('{"set":{"Price":1e99999999999999999999}}', 400, "/set/Price"),
    "42 digits": patch('{"set":{"Price":123456789012345678901234567890123456789012}}', 400, "/set/Price"),
    "5000 digits": patch('{"set":{"Price":' + "9" * 5000 + "}}", 400, "/set/Price"),
    "half a surrogate pair": patch('{"set":{"Category":"\\ud800"}}', 400, ""),
    "nested 100,000 deep": patch("[" * 100_000, 400, ""),
    "nested 100,000 deep in an object": patch('{"set":' * 100_000, 400, ""),
    # The shape of an update
    "empty object": patch({}, 400, ""),
    "no action": patch({"set": {}}, 400, ""),
    "unknown section": patch({"put": 1}, 400, "/put"),
    "section of another type": patch({"set": 5}, 400, "/set"),
    "remove of another type": patch({"remove": [5]}, 400, "/remove/0"),
    "remove no array": patch({"remove": "Views"}, 400, "/remove"),
    "unknown return values": patch({**ADD, "return_values": "SOME"}, 400, "/return_values"),
    "several at once": patch({"set": 5, "put": 1}, 400, "/set", "/put"),
    # Paths
    "unknown attribute": patch({"set": {"Nope": 1}}, 422, "/set/Nope"),
    "python's name": patch({"set": {"views": 1}}, 422, "/set/views"),
    "bad path": patch({"set": {"Formats..x": "1"}}, 422, "/set/Formats..x"),
    "empty path": patch({"set": {"": "1"}}, 422, "/set/"),
    "open bracket": patch({"set": {"Formats[": "1"}}, 422, "/set/Formats["),
    "path with a slash": patch({"set": {"a/b~c": "1"}}, 422, "/set/a~1b~0c"),
    "path too deep": patch({"set": {"Formats" + ".x" * 40: "1"}}, 422, "/set/Formats" + ".x" * 40),
    "path through a string": patch({"set": {"Category.x": "1"}}, 422, "/set/Category.x"),
    "index of a map": patch({"set": {"Formats[0]": "1"}}, 422, "/set/Formats[0]"),
    "huge index": Bad(
        ("PATCH", PRODUCT, {"set": {"RelatedItems[99999999999]": 1}}), 422, ["/set/RelatedItems[99999999999]"]
    ),
    "parent that is not there": Bad(("PATCH", NEW_USER, {"set": {"address.city": "York"}}), 422, ["/set/address.city"]),
    "key in set": patch({"set": {"Author": "x"}}, 422, "/set/Author"),
    "key in remove": patch({"remove": ["Title"]}, 422, "/remove/Title"),
    "the version": patch({"set": {"_v": "x"}}, 422, "/set/_v"),
    "one path twice": patch({"set": {"Tags": ["a"]}, "add": {"Tags": ["b"]}}, 422, "/set/Tags"),
    "overlapping paths": patch({"set": {"Formats": {}, "Formats.x": "1"}}, 422, "/set/Formats"),
    "two problems": patch({"set": {"Nope": 1, "Views": "x"}}, 422, "/set/Nope", "/set/Views"),
    # Values
    "wrong type": patch({"set": {"Views": "many"}}, 422, "/set/Views"),
    "number as a string": patch({"set": {"Views": "7"}}, 422, "/set/Views"),
    "boolean for a number": patch({"set": {"Views": True}}, 422, "/set/Views"),
    "number for a string": patch({"set": {"Category": 7}}, 422, "/set/Category"),
    "null in a map": patch({"set": {"Formats.Hardcover": None}}, 422, "/set/Formats.Hardcover"),
    "object for a string": patch({"set": {"Category": {}}}, 422, "/set/Category"),
    "fraction": patch({"add": {"Views": 1.5}}, 422, "/add/Views"),
    "below the bound": patch({"set": {"Stock": -1}}, 422, "/set/Stock"),
    "below the bound by adding": patch({"add": {"Stock": -1}}, 422, "/Stock"),
    "below the bound, keyed": patch({"add": {"Stock": -1}}, 422, "/Stock", idempotency_key="k"),
    "below the bound, blind": patch(
        {"add": {"Stock": -1}}, 422, "/Stock", idempotency_key="k", prefer="return=minimal"
    ),
    "empty set": patch({"add": {"Tags": []}}, 422, "/add/Tags"),
    "set of two types": patch({"add": {"Tags": ["a", 1]}}, 422, "/add/Tags/1"),
    "set of objects": patch({"add": {"Tags": [{"x": 1}]}}, 422, "/add/Tags/0"),
    "no set to delete": patch({"delete": {"Tags": "x"}}, 422, "/delete/Tags"),
    "add to a string": patch({"add": {"Category": 1}}, 422, "/add/Category"),
    "add a string": patch({"add": {"Views": "1"}}, 422, "/add/Views"),
    "append to a set": patch({"append": {"Tags": ["x"]}}, 422, "/append/Tags"),
    "append another type": Bad(
        ("PATCH", PRODUCT, {"append": {"RelatedItems": ["x"]}}), 422, ["/append/RelatedItems/0"]
    ),
    "increment what is not there": Bad(("PATCH", PRODUCT, {"increment": {"Price": 5}}), 422, ["/increment/Price"]),
    "copy from nowhere": patch({"copy": {"Category": "Nope"}}, 422, "/copy/Category"),
    "500 KB": patch({"set": {"Category": HALF_A_MEGABYTE}}, 413, ""),
    "500 KB, keyed": patch({"set": {"Category": HALF_A_MEGABYTE}}, 413, "", idempotency_key="k"),
    # Whole items
    "put nothing": put("", 400, ""),
    "put an array": put([], 400, ""),
    "put an unknown attribute": put({"Nope": 1}, 422, "/Nope"),
    "put python's name": put({"views": 1}, 422, "/views"),
    "put another key": put({"Author": "other"}, 422, "/Author"),
    "put below the bound": put({"Stock": -1}, 422, "/Stock"),
    "put a nested wrong type": put({"Formats": {"Hardcover": 5}}, 422, "/Formats/Hardcover"),
    "put an empty set": put({"Tags": [1]}, 422, "/Tags/0"),
    "put too old": put({"age": 151}, 422, "/age", target=NEW_USER),
    "put an unknown nested attribute": put({"address": {"country": "US"}}, 422, "/address/country", target=NEW_USER),
    "put two problems": put({"Stock": -1, "Views": -1}, 422, "/Stock", "/Views"),
    "put 500 KB": put({"Category": HALF_A_MEGABYTE}, 413, ""),
    "put with the version": put({"_v": "x"}, 422, "/_v"),
    "put with an unknown return value": Bad(("PUT", f"{FIRM}?return_values=SOME", {}), 400, ["/return_values"]),
    "put with UPDATED_NEW": Bad(("PUT", f"{FIRM}?return_values=UPDATED_NEW", {}), 400, ["/return_values"]),
    # Merge patches
    "merge an array": merge("[]", 400, ""),
    "merge null": merge("null", 400, ""),
    "merge nothing": merge({}, 422, ""),
    "merge a key": merge({"Author": None}, 422, "/Author"),
    "merge an unknown attribute": merge({"Nope": 1}, 422, "/Nope"),
    "merge below the bound": merge({"Stock": -1}, 422, "/Stock"),
    "merge another type": merge({"Formats": {"Hardcover": 5}}, 422, "/Formats/Hardcover"),
    "merge a nested unknown": merge({"address": {"country": "US"}}, 422, "/address/country", target=NEW_USER),
    "merge an object into a string": merge({"Category": {"a": 1}}, 422, "/Category"),
    # Conditions
    "condition no object": patch({**ADD, "when": 5}, 400, "/when"),
    "condition empty": patch({**ADD, "when": {}}, 400, "/when"),
    "condition without operator": patch({**ADD, "when": {"Price": 10}}, 400, "/when/Price"),
    "unknown operator": patch({**ADD, "when": {"Price": {"equals": 1}}}, 400, "/when/Price/equals"),
    "condition on an unknown attribute": patch({**ADD, "when": {"Nope": {"eq": 1}}}, 400, "/when/Nope"),
    "condition of another type": patch({**ADD, "when": {"Price": {"eq": "10"}}}, 400, "/when/Price/eq"),
    "between one": patch({**ADD, "when": {"Price": {"between": [1]}}}, 400, "/when/Price/between"),
    "in nothing": patch({**ADD, "when": {"Price": {"in": []}}}, 400, "/when/Price/in"),
    "or of no list": patch({**ADD, "when": {"or": {}}}, 400, "/when/or"),
    "and with a wrong part": patch(
        {**ADD, "when": {"and": [{"Price": {"eq": 1}}, {"Nope": {"eq": 1}}]}}, 400, "/when/and/1/Nope"
    ),
    "delete on a wrong condition": Bad(("DELETE", RAINMAKER, {"when": {"Nope": {"eq": 1}}}), 400, ["/when/Nope"]),
    "delete with an unknown member": Bad(("DELETE", RAINMAKER, {"if": 1}), 400, ["/if"]),
    "delete with ALL_NEW": Bad(("DELETE", f"{RAINMAKER}?return_values=ALL_NEW"), 400, ["/return_values"]),
    # A query parameter that is not known would change nothing
    "delete with a condition in the query": Bad(("DELETE", f"{RAINMAKER}?when=x"), 400, ["/when"]),
    "patch with a parameter": Bad(("PATCH", f"{RAINMAKER}?by=5", ADD), 400, ["/by"]),
    "return values twice": Bad(
        ("PATCH", f"{RAINMAKER}?return_values=NONE", {**ADD, "return_values": "ALL_OLD"}), 400, ["/return_values"]
    ),
    "capacity of a typing error": Bad(
        ("PATCH", f"{RAINMAKER}?return_consumed_capacity=ALL", ADD), 400, ["/return_consumed_capacity"]
    ),
    "put with another parameter": Bad(("PUT", f"{RAINMAKER}?if_match=x", {}), 400, ["/if_match"]),
    "counter with a parameter": Bad(("POST", f"{RAINMAKER}/counters/Views?by=5"), 400, ["/by"]),
    "read no path": Bad(("GET", f"{RAINMAKER}?fields=Formats..x"), 400, ["/fields/Formats..x"]),
    "read with a typing error": Bad(("GET", f"{RAINMAKER}?consistant"), 400, ["/consistant"]),
    "sort key in the query": Bad(("DELETE", "/books/John%20Grisham?sort=The%20Rainmaker"), 400, [""]),
    # Counters
    "counter by a string": Bad(("POST", f"{RAINMAKER}/counters/Views", {"by": "x"}), 400, ["/by"]),
    "counter by a fraction": Bad(("POST", f"{RAINMAKER}/counters/Views", {"by": 0.5}), 422, ["/Views"]),
    "counter of an unknown attribute": Bad(("POST", f"{RAINMAKER}/counters/Nope"), 422, ["/Nope"]),
    "counter of a string": Bad(("POST", f"{RAINMAKER}/counters/Category"), 422, ["/Category"]),
    "counter of a key": Bad(("POST", f"{RAINMAKER}/counters/Author"), 422, ["/Author"]),
    "counter of a bad path": Bad(("POST", f"{RAINMAKER}/counters/a..b"), 422, ["/a..b"]),
    # Where to
    "unknown collection": Bad(("PATCH", "/nope/x/y", ADD), 404),
    "unknown collection to read": Bad(("GET", "/nope/x"), 404),
    "half a key": Bad(("PATCH", "/books/x", ADD), 400, [""]),
    "too long a key": Bad(("PUT", "/products/1/2", {}), 400, [""]),
    "key of another type": Bad(("PUT", "/products/abc", {}), 400, ["/Id"]),
    "key with 40 digits": Bad(("PUT", "/products/" + "9" * 40, {}), 400, ["/Id"]),
    "fraction for a key": Bad(("PUT", "/products/1.5", {}), 400, ["/Id"]),
    "key that is no number": Bad(("PUT", "/products/NaN", {}), 400, ["/Id"]),
    "sort key over 1024 bytes": Bad(("PUT", "/books/a/" + "x" * 1025, {}), 400, ["/Title"]),
    "partition key over 2048 bytes": Bad(("PUT", "/books/" + "x" * 2049 + "/a", {}), 400, ["/Author"]),
    "empty key": Bad(("PATCH", "/books//x", ADD), 404),
    "no item path": Bad(("GET", "/"), 404),
    "too many segments": Bad(("GET", "/books/a/b/c"), 404),
    "read unknown fields": Bad(("GET", f"{RAINMAKER}?fields=zzz"), 400, ["/fields/zzz"]),
    "read inconsistently": Bad(("GET", f"{RAINMAKER}?consistent=maybe"), 400, ["/consistent"]),
    "post to an item": Bad(("POST", RAINMAKER, {}), 405),
    "put to a counter": Bad(("PUT", f"{RAINMAKER}/counters/Views", {}), 405),
    "read a counter": Bad(("HEAD", f"{RAINMAKER}/counters/Views"), 405),
    # Headers
    "key of 300 characters": patch(ADD, 400, "/Idempotency-Key", idempotency_key="x" * 300),
    "empty idempotency key": patch(ADD, 400, "/Idempotency-Key", idempotency_key=""),
    "empty quoted key": patch(ADD, 400, "/Idempotency-Key", idempotency_key='""'),
    "idempotency key with a control character": patch(ADD, 400, "/Idempotency-Key", idempotency_key="a\tb"),
    "unquoted tag": patch(ADD, 400, "/If-Match", if_match="abc"),
    "two tags": patch(ADD, 400, "/If-Match", if_match='"a", "b"'),
    "if-none-match with a tag": patch(ADD, 400, "/If-None-Match", if_none_match='"a"'),
    "XML": Bad(("PATCH", RAINMAKER, "<a/>"), 415, None, {"content_type": "text/xml"}),
    "bytes": Bad(("PATCH", RAINMAKER, "\x00"), 415, None, {"content_type": "application/octet-stream"}),
}


@pytest.fixture(scope="module")
def shelf(dynamodb_client: "DynamoDBClient", dynamodb_endpoint: str) -> Api:
    """The Rainmaker for all cases: none of them changes anything."""
    names = create_tables(dynamodb_client, MODELS, prefix="bad-input-")
    shelf = Api(Store(dynamodb_client, names, dynamodb_endpoint))
    assert shelf("PUT", RAINMAKER, BOOK).status == 201
    return shelf


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES)
def test_it_is_a_problem_and_nothing_is_written(shelf: Api, bad: Bad) -> None:
    before = shelf.store.tables()
    answer = shelf(*bad.request, **bad.headers)
    assert answer.status == bad.status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json
    assert (problem["status"], problem["type"]) == (bad.status, "about:blank")
    assert problem["title"]
    assert problem["detail"]
    if bad.pointers is not None:
        assert sorted(answer.pointers) == sorted(bad.pointers), answer
        assert all(error["detail"] for error in problem["errors"])
    assert shelf.store.tables() == before


COUNTER = f"{RAINMAKER}/counters/Views"


@pytest.mark.parametrize("body", ["/w==", "not base64!", "!!!!", "eyJieSI6NX0"])
@pytest.mark.parametrize("target", [("PATCH", RAINMAKER), ("POST", COUNTER), ("DELETE", RAINMAKER)], ids=str)
def test_a_damaged_body(rainmaker: Api, store: Store, target: tuple[str, str], body: str) -> None:
    before = store.tables()
    event = rainmaker.event(*target, content_type="application/json")
    answer = rainmaker.invoke({**event, "body": body, "isBase64Encoded": True})
    assert (answer.status, answer.pointers) == (400, [""])
    assert store.tables() == before


def test_a_path_that_is_not_utf8(rainmaker: Api, store: Store) -> None:
    """A function URL leaves the path encoded."""
    before = store.tables()
    event = rainmaker.event("GET", "/")
    for path, pointer in (
        ("/books/%FF/x", "/partition"),
        ("/books/x/%C3", "/sort"),
        ("/books/x/y/counters/%FF", "/attribute"),
    ):
        method = "POST" if "counters" in path else "PUT"
        event["requestContext"]["http"]["method"] = method
        answer = rainmaker.invoke({**event, "rawPath": path, "body": "{}"})
        assert (answer.status, answer.pointers) == (400, [pointer])
    assert store.tables() == before


def test_a_problem_never_shows_a_value_that_was_sent(rainmaker: Api) -> None:
    for body in ({"set": {"Views": "s3ntinel"}}, {**ADD, "when": {"Price": {"eq": "s3ntinel"}}}):
        assert b"s3ntinel" not in rainmaker("PATCH", RAINMAKER, body).body


def test_a_refused_request_leaves_its_key_free(rainmaker: Api, store: Store) -> None:
    assert rainmaker("PATCH", RAINMAKER, {"add": {"Stock": -1}}, idempotency_key="k").status == 422
    assert rainmaker("PATCH", RAINMAKER, {"set": {"Stock": 1}}).status == 200
    assert rainmaker("PATCH", RAINMAKER, {"add": {"Stock": -1}}, idempotency_key="k").status == 200
    assert store.book()["Stock"] == 0


def test_what_nobody_foresaw_is_a_problem_too(rainmaker: Api) -> None:
    def transport(operation: str, request: Any, /) -> dict[str, Any]:
        raise RuntimeError("as told")

    rainmaker.module.db.session.transport = transport
    answer = rainmaker("PATCH", RAINMAKER, ADD)
    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert b"as told" not in answer.body


@pytest.mark.parametrize(
    ("target", "allow"),
    [(RAINMAKER, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"), (COUNTER, "POST, OPTIONS")],
    ids=["item", "counter"],
)
def test_the_methods_of_a_path(rainmaker: Api, target: str, allow: str) -> None:
    refused = rainmaker("TRACE", target)
    assert (refused.status, refused.headers["allow"]) == (405, allow)
    assert refused.json["detail"] == f"the methods of this path are {allow}"
    listed = rainmaker("OPTIONS", target)
    assert (listed.status, listed.headers["allow"], listed.body) == (204, allow, b"")


def test_head_is_get_without_its_body(rainmaker: Api) -> None:
    """API Gateway and every server leave the body of a response to HEAD out."""
    head, get = rainmaker("HEAD", RAINMAKER), rainmaker("GET", RAINMAKER)
    assert (head.status, head.headers) == (get.status, get.headers)
    assert rainmaker("HEAD", FIRM).status == 404


def test_other_kinds_of_json_are_json(api: Api) -> None:
    for content_type in ("application/json; charset=utf-8", "APPLICATION/JSON", "application/x-www-form-urlencoded"):
        assert api("PUT", RAINMAKER, BOOK, content_type=content_type).status in (200, 201)
