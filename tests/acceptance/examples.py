"""`python -m tests.acceptance.examples > functions/api/examples.json`: the events of events/, with what comes back."""

import base64
import json
import re
import sys
from typing import Any

from bookstore.models import MODELS
from local.scaffold.command import document
from local.scaffold.examples import Example, fitting, text
from tests.acceptance.harness import EVENTS, saved_event, target_of


def examples(expected: dict[str, Any]) -> list[Example]:
    """Every event of the API as an example of the OpenAPI document; `expected` are the test's expectations."""
    return [_example(name, answered) for name, answered in expected.items()]


def of_the_deployment(expected: dict[str, Any]) -> list[Example]:
    """Those that its models can have: all of the bookstore's, as long as they are what it serves."""
    return fitting(MODELS, document(MODELS), examples(expected))


def _example(name: str, answered: Any) -> dict[str, Any]:
    event = saved_event(name)
    example = {
        "name": name.removeprefix("api-").removesuffix(".json"),
        "summary": _summary(name),
        "method": event["requestContext"]["http"]["method"].lower(),
        "target": target_of(event),
        "status": answered.status,
    }
    body = event.get("body") or ""
    content = base64.b64decode(body).decode() if event["isBase64Encoded"] else body
    if content and answered.status != 400:
        media_type = event["headers"].get("content-type", "application/json").partition(";")[0]
        example |= {"media_type": media_type, "body": json.loads(content)}
    return example if answered.body is None else example | {"response": answered.body}


def _summary(name: str) -> str:
    found = re.search(rf"^\| `{name}` \| (.+) \|$", (EVENTS / "README.md").read_text(), re.MULTILINE)
    assert found is not None, name
    return found[1]


if __name__ == "__main__":
    from tests.acceptance.expectations import API

    sys.stdout.write(text(of_the_deployment(API)))
