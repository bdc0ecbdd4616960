"""GET /{collection} and POST /{collection}/query: queries and scans, page by page."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.acceptance.harness import Answer, Api

FORUM = "Amazon DynamoDB"
SUBJECTS = [f"Thread {number}" for number in range(7)]
ALICE = {"jwt": {"claims": {"iss": "https://issuer.example", "sub": "alice"}, "scopes": None}}
BOB = {"jwt": {"claims": {"iss": "https://issuer.example", "sub": "bob"}, "scopes": None}}
OF_FORUM = {"key": {"ForumName": {"eq": FORUM}}}


@pytest.fixture
def forum(api: Api) -> Api:
    """Seven threads of one forum, posted to in the reverse order, and one of another."""
    puts = [
        {"ForumName": FORUM, "Subject": subject, "Views": n, "LastPostDateTime": f"20160319{90 - n}"}
        for n, subject in enumerate(SUBJECTS)
    ]
    puts.append({"ForumName": "Amazon S3", "Subject": "Buckets", "LastPostDateTime": "2017"})
    body = {"writes": [{"put": {"collection": "threads", "item": item}} for item in puts]}
    assert api("POST", "/batch-write", body).status == 200
    return api


def get(api: Api, *, authorizer: Any = None, **parameters: Any) -> Answer:
    query = "&".join(f"{name.replace('__', '.')}={quote(str(value), safe='')}" for name, value in parameters.items())
    return api("GET", f"/threads?{query}", authorizer=authorizer)


def subjects(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [item["Subject"] for item in answer.json["items"]]


def every_page(api: Api, body: dict[str, Any], path: str = "/threads/query") -> list[Any]:
    """The items of all pages, by the cursors in their bodies."""
    items: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        answer = api("POST", path, {**body, **cursor})
        assert answer.status == 200, answer
        items += answer.json["items"]
        if "next" not in answer.json:
            return items
        cursor = {"next": answer.json["next"]}


def test_a_query(forum: Api) -> None:
    answer = get(forum, partition=FORUM)
    assert subjects(answer) == SUBJECTS
    assert (answer.json["count"], answer.json["scanned_count"]) == (7, 7)
    assert answer.json["items"][1] == {
        "ForumName": FORUM, "Subject": "Thread 1", "LastPostDateTime": "2016031989", "Replies": 0, "Answered": 0,
        "Views": 1,
    }  # fmt: skip
    assert "next" not in answer.json
    assert "link" not in answer.headers


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"sort": "Thread 3"}, [3]),
        ({"sort__lt": "Thread 2"}, [0, 1]),
        ({"sort__le": "Thread 2"}, [0, 1, 2]),
        ({"sort__gt": "Thread 4"}, [5, 6]),
        ({"sort__ge": "Thread 4"}, [4, 5, 6]),
        ({"sort__ge": "Thread 2", "sort__le": "Thread 3"}, [2, 3]),
        ({"sort__begins_with": "Thread "}, [0, 1, 2, 3, 4, 5, 6]),
        ({"descending": "true", "limit": 2}, [6, 5]),
        ({"where": '{"Views": {"ge": 5}}'}, [5, 6]),
        ({"index": "LastPostIndex"}, [6, 5, 4, 3, 2, 1, 0]),
        ({"index": "LastPostIndex", "sort__le": "2016031986", "consistent": ""}, [6, 5, 4]),
    ],
)
def test_conditions_as_parameters(forum: Api, parameters: dict[str, Any], found: list[int]) -> None:
    assert subjects(get(forum, partition=FORUM, **parameters)) == [f"Thread {number}" for number in found]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"key": {"ForumName": {"eq": FORUM}, "Subject": {"between": ["Thread 2", "Thread 3"]}}}, [2, 3]),
        ({**OF_FORUM, "descending": True, "limit": 2, "consistent": True}, [6, 5]),
        ({**OF_FORUM, "where": {"or": [{"Views": {"in": [1, 3]}}, {"Message": {"exists": True}}]}}, [1, 3]),
        (
            {"index": "LastPostIndex", "key": {"ForumName": {"eq": FORUM}, "LastPostDateTime": {"lt": "2016031986"}}},
            [6, 5],
        ),
    ],
)
def test_conditions_in_a_body(forum: Api, body: dict[str, Any], found: list[int]) -> None:
    assert subjects(forum("POST", "/threads/query", body)) == [f"Thread {number}" for number in found]


def test_a_scan_and_its_segments(forum: Api) -> None:
    assert sorted(subjects(get(forum))) == ["Buckets", *SUBJECTS]
    assert sorted(subjects(forum("POST", "/threads/query"))) == ["Buckets", *SUBJECTS]
    segments = [subjects(get(forum, segment=f"{number},3")) for number in range(3)]
    assert sorted(subject for segment in segments for subject in segment) == ["Buckets", *SUBJECTS]
    body = {"segment": [2, 3], "where": {"Views": {"ge": 0}}}
    assert subjects(forum("POST", "/threads/query", body)) == segments[2]


def test_a_part_of_each_item(forum: Api) -> None:
    (item,) = get(forum, partition=FORUM, sort="Thread 1", fields="Views,Message").json["items"]
    assert item == {"ForumName": FORUM, "Subject": "Thread 1", "Views": 1}


def test_only_the_count(forum: Api) -> None:
    answer = get(forum, partition=FORUM, count="", where='{"Views": {"lt": 3}}')
    assert answer.json == {"count": 3, "scanned_count": 7}
    assert forum("POST", "/threads/query", {**OF_FORUM, "count": True}).json == {"count": 7, "scanned_count": 7}
    assert get(forum, partition=FORUM, count="", fields="Views").json == {"count": 7, "scanned_count": 7}
    refused = get(forum, partition=FORUM, count="", fields="Views,Message[x")
    assert (refused.status, [one["pointer"] for one in refused.json["errors"]]) == (400, ["/fields/Message[x"])


def test_pages_by_their_links(forum: Api) -> None:
    found: list[str] = []
    query = f"?partition={quote(FORUM)}&limit=3&descending"
    while True:
        answer = forum("GET", f"/threads{query}")
        found += subjects(answer)
        if "link" not in answer.headers:
            break
        linked = re.fullmatch(r'<(\?[^>]+)>; rel="next"', answer.headers["link"])
        assert linked is not None
        query = linked[1]
        assert query.endswith(quote(answer.json["next"], safe=""))
    assert found == SUBJECTS[::-1]


def test_pages_by_their_cursors(forum: Api) -> None:
    items = every_page(forum, {**OF_FORUM, "limit": 2, "index": "LastPostIndex"})
    assert [item["Subject"] for item in items] == SUBJECTS[::-1]


def test_both_spellings_have_the_same_cursors(forum: Api) -> None:
    first = get(forum, partition=FORUM, limit=2)
    rest = forum("POST", "/threads/query", {**OF_FORUM, "next": first.json["next"]})
    assert subjects(first) + subjects(rest) == SUBJECTS


def test_a_cursor_tells_nothing_and_outlives_the_function(forum: Api) -> None:
    cursor = get(forum, partition=FORUM, limit=2).json["next"]
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert "Thread" not in cursor
    assert subjects(get(Api(forum.store), partition=FORUM, next=cursor)) == SUBJECTS[2:]


def test_a_cursor_is_of_its_caller_and_its_read(forum: Api) -> None:
    parameters = {"partition": FORUM, "limit": 2}
    cursor = get(forum, authorizer=ALICE, **parameters).json["next"]
    assert subjects(get(forum, authorizer=ALICE, **{**parameters, "limit": 100}, next=cursor)) == SUBJECTS[2:]
    others: list[dict[str, Any]] = [
        {**parameters, "authorizer": BOB},
        parameters,
        {**parameters, "authorizer": ALICE, "partition": "Amazon S3"},
        {**parameters, "authorizer": ALICE, "descending": ""},
        {**parameters, "authorizer": ALICE, "where": '{"Views": {"ge": 0}}'},
        {"limit": 2, "authorizer": ALICE},
    ]
    for other in others:
        refused = get(forum, next=cursor, **other)
        assert (refused.status, refused.pointers) == (400, ["/next"]), other
        assert "another" in refused.json["detail"]


@pytest.mark.parametrize("cursor", ["", "x", "é", "%00", "gAAAAA" + "A" * 200, "{}"])
def test_what_is_no_cursor(forum: Api, cursor: str) -> None:
    refused = get(forum, partition=FORUM, next=cursor)
    assert (refused.status, refused.pointers) == (400, ["/next"])
    refused = forum("POST", "/threads/query", {"next": cursor})
    assert (refused.status, refused.pointers) == (400, ["/next"])


def test_a_forged_cursor(forum: Api) -> None:
    cursor = get(forum, partition=FORUM, limit=2).json["next"]
    middle = len(cursor) // 2
    forged = cursor[:middle] + ("A" if cursor[middle] != "A" else "B") + cursor[middle + 1 :]
    assert get(forum, partition=FORUM, next=forged).pointers == ["/next"]


def test_another_index_and_numbers(api: Api) -> None:
    for number in range(5):
        body = {"account_type": "super_user", "age": 20 + number} if number else {"account_type": "standard_user"}
        assert api("PUT", f"/users/u{number}/Doe", body).status == 201
    answer = api("GET", "/users?index=ByAccountType&partition=super_user&sort.ge=22&sort.le=23")
    assert [user["username"] for user in answer.json["items"]] == ["u2", "u3"]
    users = every_page(
        api, {"index": "ByAccountType", "key": {"account_type": {"eq": "super_user"}}, "limit": 1}, "/users/query"
    )
    assert [user["age"] for user in users] == [21, 22, 23, 24]
    assert api("GET", "/users?index=ByAccountType").json["count"] == 4
    assert api("GET", "/users?index=ByAccountType&partition=super_user&sort=22.0").json["count"] == 1


def test_binary_and_number_keys(api: Api) -> None:
    for number in range(3):
        assert api("PUT", f"/things/AP8/{number}", {}).status == 201
    assert api("GET", "/things?partition=AP8&sort.gt=0").json["count"] == 2
    items = every_page(api, {"key": {"id": {"eq": "AP8="}}, "limit": 1}, "/things/query")
    assert [item["number"] for item in items] == [0, 1, 2]
    assert len(every_page(api, {"limit": 1}, "/things/query")) == 3
    refused = api("GET", "/things?partition=AP8&sort=many")
    assert (refused.status, refused.pointers) == (400, ["/sort"])


def test_consumed_capacity(forum: Api) -> None:
    answer = get(forum, partition=FORUM, return_consumed_capacity="TOTAL")
    consumed = json.loads(answer.headers["consumed-capacity"])
    assert consumed[forum.store.names["Thread"]]["CapacityUnits"] > 0
    answer = forum("POST", "/threads/query?return_consumed_capacity=INDEXES", {**OF_FORUM, "index": "LastPostIndex"})
    assert "LastPostIndex" in answer.headers["consumed-capacity"]
    assert "consumed-capacity" not in get(forum, partition=FORUM).headers


def test_a_page_is_as_large_as_a_response_may_be(api: Api) -> None:
    """One megabyte of control characters takes seven in the JSON of a Lambda response."""
    for number in range(5):
        assert api("PUT", f"/threads/f/{number}", {"Message": "\x01" * 250_000}).status == 201
    answer = api("GET", "/threads?partition=f")
    assert answer.status == 200
    assert 1 <= answer.json["count"] < 4
    assert len(json.dumps(answer.body.decode())) < 6 * 1024 * 1024
    assert [item["Subject"] for item in every_page(api, {"key": {"ForumName": {"eq": "f"}}})] == list("01234")


def test_head(forum: Api) -> None:
    assert forum("HEAD", "/threads?limit=1").status == 200


@pytest.mark.parametrize(
    ("query", "pointer", "reason"),
    [
        ("consistant", "/consistant", "unknown"),
        ("Author=x", "/Author", "unknown"),
        ("sort=x", "/sort", "a partition is needed as well"),
        ("partition=", "/partition", "a key cannot be empty"),
        (
            "partition=f&sort.gt=a&sort.lt=b",
            "/sort.lt",
            "a sort key has one condition, or sort.ge together with sort.le",
        ),
        ("partition=f&sort=a&sort.ge=b", "/sort", "a sort key has one condition, or sort.ge together with sort.le"),
        ("limit=0", "/limit", "Input should be greater than or equal to 1"),
        ("limit=1001", "/limit", "Input should be less than or equal to 1000"),
        ("limit=many", "/limit", "Input should be a valid integer, unable to parse string as an integer"),
        ("index=Nope", "/index", "unknown index, there are LastPostIndex"),
        ("where=1", "/where", "an object with at least one condition is needed"),
        ("where={", "/where", None),
        ("where=%7B%22Nope%22:%7B%22eq%22:1%7D%7D", "/where/Nope", "unknown attribute"),
        ("fields=Nope", "/fields/Nope", "unknown attribute"),
        ("fields=", "/fields/", None),
        ("descending", "/descending", "a scan has no order"),
        ("segment=4,4", "/segment", "a number and a total of at most 1,000,000 above it are needed"),
        ("segment=1", "/segment", None),
        ("partition=f&segment=0,1", "/segment", "only a scan has segments"),
        ("return_consumed_capacity=ALL", "/return_consumed_capacity", None),
    ],
)
def test_what_is_wrong_with_a_parameter(api: Api, query: str, pointer: str, reason: str | None) -> None:
    refused = api("GET", f"/threads?{query}")
    assert refused.status == 400
    assert refused.pointers[0].startswith(pointer)
    assert reason is None or refused.json["errors"][0]["detail"] == reason


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kee": {}}, "/kee"),
        ({"key": {}}, "/key"),
        ({"key": {"ForumName": {"eq": 1}}}, "/key/ForumName/eq"),
        ({"where": {"Views": {"nope": 1}}}, "/where/Views/nope"),
        ({"limit": "1"}, "/limit"),
        ({"limit": 0}, "/limit"),
        ({"descending": 1}, "/descending"),
        ({"fields": "Views"}, "/fields"),
        ({"segment": [1]}, "/segment"),
        ({"index": "ByAccountType"}, "/index"),
        ([], ""),
        ("x", ""),
    ],
)
def test_what_is_wrong_in_a_body(api: Api, body: Any, pointer: str) -> None:
    refused = api("POST", "/threads/query", body)
    assert refused.status == 400, refused
    assert refused.pointers[0].startswith(pointer), refused


def test_no_such_collection(api: Api) -> None:
    for answer in (api("GET", "/nope"), api("POST", "/nope/query"), api("POST", "/operations/query", {})):
        assert answer.status in (404, 405)


def test_the_methods_of_a_collection(api: Api) -> None:
    refused = api("POST", "/threads", {})
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert api("OPTIONS", "/threads").headers["allow"] == "GET, HEAD, OPTIONS"
    assert "POST" in api("OPTIONS", "/threads/query").headers["allow"]


def test_an_item_may_have_the_key_query(api: Api) -> None:
    assert api("PUT", "/offers/query", {"low": 1, "high": 2}).status == 201
    assert api("GET", "/offers/query").json["id"] == "query"
    assert api("POST", "/offers/query", {}).json["count"] == 1
