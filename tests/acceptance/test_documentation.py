"""The API's own description: the document, the page, and that they hold for the template and the events."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from bookstore.models import MODELS as DEPLOYED
from local.scaffold.examples import text
from surewrite.model.json import dumps
from surewrite.openapi import document
from tests.acceptance.examples import examples, of_the_deployment
from tests.acceptance.expectations import API as EXPECTED
from tests.acceptance.harness import ROOT, Api
from tests.models import MODELS

METHODS = ("get", "head", "put", "post", "patch", "delete")


@pytest.fixture
def made(api: Api) -> dict[str, Any]:
    answer = api("GET", "/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    parsed: dict[str, Any] = json.loads(answer.body)
    return parsed


def test_the_template_has_the_routes_of_the_document_and_no_others(api: Api, made: dict[str, Any]) -> None:
    collections = {tag["name"] for tag in made["tags"]} & {path.split("/")[1] for path in made["paths"]}
    collections -= {"transactions", "operations"}
    documented: set[str] = set()
    for path in made["paths"]:
        first, *rest = path.split("/")[1:]
        if first in collections:
            first, rest = "{}", ["{}" if one.startswith("{") else one for one in rest]
        documented.add("/".join(["", first, *(re.sub("{.*}", "{}", one) for one in rest)]))
    routes = {re.sub(r"{\w+}", "{}", route.path) for route in api.store.definition.routes}
    assert documented == routes - {"$default", "/{proxy+}"}  # what no route takes, and the preflight of browsers


def test_every_method_of_the_document_is_routed(api: Api, made: dict[str, Any]) -> None:
    for path, item in made["paths"].items():
        target = re.sub("{[^}]*}", "1", path)
        allowed = (
            set(api("OPTIONS", target).headers["allow"].lower().split(", ")) - {"options"} - ({"head"} - item.keys())
        )
        methods = {method for method in METHODS if method in item}
        # what is more at a query's path is an item's, whose key may be "query"
        assert methods == {"post"} <= allowed if path.endswith("/query") else methods == allowed, path


def test_the_page_holds_all_that_it_needs(api: Api) -> None:
    answer = api("GET", "/docs")
    page = answer.body.decode()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    head = page.partition("<script>")[0]
    assert re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="(?!data:)', head) == []
    assert 'SwaggerUIBundle({url: "openapi.json"' in page
    assert len(answer.body) < 6_000_000  # what Lambda returns at most


@pytest.mark.parametrize("target", ["/openapi.json", "/docs"])
def test_they_take_no_parameters_and_no_other_method(api: Api, target: str) -> None:
    assert api("GET", f"{target}?format=json").pointers == ["/format"]
    assert api("POST", target, {}).status == 405
    assert api("HEAD", target).status == 200


def test_the_examples_are_the_events() -> None:
    """Besides those that `make scaffold` has made up for other models."""
    ours = {example["name"] for example in examples(EXPECTED)}
    kept = json.loads((ROOT / "functions" / "api" / "examples.json").read_text())
    wanted = text(of_the_deployment(EXPECTED))
    assert text(example for example in kept if example["name"] in ours) == wanted, (
        "python -m tests.acceptance.examples > functions/api/examples.json"
    )


def test_every_example_fits_its_schema() -> None:
    made = json.loads(dumps(document(MODELS, examples=examples(EXPECTED))))
    found = list(_examples(made, made["paths"]))
    assert len(found) > 20
    for schema, value in found:
        Draft202012Validator({**schema, "components": made["components"]}).validate(value)


def _examples(made: dict[str, Any], value: Any) -> Any:
    if isinstance(value, dict):
        if "examples" in value and "schema" in value:
            yield from ((value["schema"], one["value"]) for one in value["examples"].values())
        for member in value.values():
            yield from _examples(made, member)
    elif isinstance(value, list):
        for member in value:
            yield from _examples(made, member)


def test_the_command_prints_the_document_without_engines() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "local", "openapi"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    printed_document = json.loads(printed.stdout)
    assert printed_document["openapi"] == "3.1.0"
    assert {f"/{model.schema_.collection}" for model in DEPLOYED} <= printed_document["paths"].keys()


def test_a_cold_start_does_not_pay_for_it(api: Api) -> None:
    code = "import sys; sys.path[:0] = sys.argv[1:]; import app; print(*(n for n in sys.modules if 'openapi' in n))"
    folders = [str(ROOT / one) for one in ("functions/api", "layers/surewrite", "layers/bookstore")]
    variables = api.store.environment("ApiFunction")
    printed = subprocess.run(
        [sys.executable, "-c", code, *folders], capture_output=True, text=True, env=variables, check=True
    )
    assert [name for name in printed.stdout.split() if name.startswith("surewrite")] == []
