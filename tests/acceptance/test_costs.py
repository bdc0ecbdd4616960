"""What a request consumes is what docs/costs.md says."""

import json
import re
from typing import Any

import pytest

from tests.acceptance.harness import RAINMAKER, ROOT, Api
from tests.acceptance.operations import Line
from tests.markdown import section

VIEW = {"add": {"Views": 1}}
UNMET = {**VIEW, "when": {"Views": {"eq": 77}}}
TEN = {"writes": [{"put": {"collection": "products", "item": {"Id": number}}} for number in range(10)]}
KEY = {"idempotency_key": "k"}

REQUESTS: dict[str, tuple[str, str, Any, dict[str, str]]] = {
    "a read": ("GET", RAINMAKER, None, {}),
    "a strongly consistent read": ("GET", f"{RAINMAKER}?consistent", None, {}),
    "a write without a key": ("PATCH", RAINMAKER, VIEW, {}),
    "a write with a key": ("PATCH", RAINMAKER, VIEW, KEY),
    "a write with a key and `Prefer: return=minimal`": ("PATCH", RAINMAKER, VIEW, {**KEY, "prefer": "return=minimal"}),
    "the replay of a write": ("PATCH", RAINMAKER, VIEW, {"idempotency_key": "used"}),
    "a write with a key that is refused (412)": ("PATCH", RAINMAKER, UNMET, KEY),
    "a write with `Prefer: respond-async`": ("PATCH", RAINMAKER, VIEW, {**KEY, "prefer": "respond-async"}),
    "a transaction of 10 writes with a key": ("POST", "/transactions", TEN, KEY),
    "a batch of 10 puts with a key": ("POST", "/batch-write", TEN, KEY),
    "a batch of 10 puts without a key": ("POST", "/batch-write", TEN, {}),
}
ROWS = {
    label: (float(writes or 0), float(reads or 0))
    for label, writes, reads in re.findall(
        r"^\| (.+?) \| ([\d.]*) ?\| ([\d.]*) ?\|$",
        section((ROOT / "docs" / "costs.md").read_text(), "One request over HTTP"),
        re.MULTILINE,
    )
}


def test_every_row_with_a_figure_is_tried() -> None:
    assert ROWS.keys() == REQUESTS.keys()


@pytest.mark.parametrize("label", REQUESTS)
def test_a_request_consumes_what_the_page_says(rainmaker: Api, line: Line, label: str) -> None:
    method, target, body, headers = REQUESTS[label]
    rainmaker("PATCH", RAINMAKER, VIEW, idempotency_key="used")
    asked = f"{target}{'&' if '?' in target else '?'}return_consumed_capacity=TOTAL"
    answer = rainmaker(method, asked, body, **headers)
    assert answer.status < 300 or "412" in label
    writes, reads = ROWS[label]
    consumed = json.loads(answer.headers["consumed-capacity"]).values()
    assert sum(one["CapacityUnits"] for one in consumed) == writes + reads
    assert sum(one.get("WriteCapacityUnits", 0) for one in consumed) in (0, writes)
