"""The OpenAPI document: valid, whole, and what it says of items, updates and conditions."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from surewrite.model.json import dumps
from surewrite.openapi import document
from tests.models import MODELS


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(dumps(document(MODELS, version="7")))
    return parsed


def valid(made: dict[str, Any], name: str, value: Any) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": made["components"]}
    return bool(Draft202012Validator(schema).is_valid(value))


def test_it_is_a_valid_document(made: dict[str, Any]) -> None:
    assert made["info"]["version"] == "7"
    assert list(OpenAPIV31SpecValidator(made).iter_errors()) == []


def test_every_reference_leads_somewhere_and_every_component_is_used(made: dict[str, Any]) -> None:
    text = dumps(made)
    for kind, components in made["components"].items():
        unused = [name for name in components if f'"#/components/{kind}/{name}"' not in text]
        # others refer to them in their own documents
        assert [name for name in unused if not name.startswith("New")] == [], kind


def test_every_operation_has_a_name_of_its_own(made: dict[str, Any]) -> None:
    operations = [
        one
        for item in made["paths"].values()
        for method, one in item.items()
        if method not in ("parameters", "summary")
    ]
    names = [one["operationId"] for one in operations]
    assert len(set(names)) == len(names)
    assert all(one["summary"] and one["tags"] for one in operations)


def test_a_path_names_the_key_with_its_type(made: dict[str, Any]) -> None:
    assert {"/books/{Author}/{Title}", "/products/{Id}", "/things/{id}/{number}"} <= made["paths"].keys()
    author, title = made["paths"]["/books/{Author}/{Title}"]["parameters"]
    assert (author["schema"]["minLength"], author["schema"]["maxLength"]) == (1, 2048)
    assert title["schema"]["maxLength"] == 1024
    (number,) = made["paths"]["/products/{Id}"]["parameters"]
    assert number["schema"] == {"type": "integer"}
    binary, _ = made["paths"]["/things/{id}/{number}"]["parameters"]
    assert binary["schema"]["contentEncoding"] == "base64"


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("BookInput", {}, {"price": 1}),
        ("BookInput", {"Price": 1.5, "Tags": ["a", "b"]}, {"Price": "1.5"}),
        ("BookInput", {"Stock": 0}, {"Stock": -1}),
        ("NewBook", {"Author": "a", "Title": "t"}, {"Author": "a"}),
        ("ThingInput", {"blob": "AQI=", "numbers": [1, 2.5]}, {"blob": "not base64!"}),
        ("ThingInput", {"parts": [{"name": "n"}]}, {"parts": [{"blob": ""}]}),
        ("Book", {"Author": "a", "Title": "t", "Old": 1}, {"Title": "t"}),
        ("BookPart", {"Views": 1}, {"Views": "1"}),
        ("Thing", {"id": "AQ==", "number": 1, "parts": [{"blob": "AQ=="}]}, {"id": "AQ==", "number": "1"}),
    ],
)
def test_items(made: dict[str, Any], name: str, good: Any, bad: Any) -> None:
    assert valid(made, name, good)
    assert not valid(made, name, bad)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"set": {"Formats.Audiobook": "8WE3KPTP"}}, {"set": {"Author": "x"}}),
        ({"set": {"Price": 10}, "when": {"Price": {"eq": 10}}}, {"set": {"Price": "10"}}),
        ({"add": {"Tags": ["law"], "Views": 1}}, {"add": {"Category": "x"}}),
        ({"delete": {"Tags": ["law"]}}, {"delete": {"Views": 1}}),
        (
            {"increment": {"Views": 1}, "return_values": "UPDATED_NEW"},
            {"increment": {"Views": 1}, "return_values": "X"},
        ),
        ({"remove": ["Price", "Formats.Ebook"]}, {"remove": "Price"}),
        ({"copy": {"Category": "Formats.Hardcover"}}, {"copy": {"Category": 1}}),
        ({"set": {"Category": None}}, {"UpdateExpression": "SET a = :a"}),
    ],
)
def test_updates(made: dict[str, Any], good: Any, bad: Any) -> None:
    assert valid(made, "BookUpdate", good)
    assert not valid(made, "BookUpdate", bad)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ({"Price": {"eq": 10}}, {"Price": 10}),
        ({"Price": {"between": [5, 10]}, "Tags": {"contains": "law"}}, {"Price": {"between": [5]}}),
        ({"or": [{"Stock": {"gt": 0}}, {"Formats.Audiobook": {"exists": True}}]}, {"or": []}),
        ({"not": {"Category": {"begins_with": "Sus"}}}, {"not": {"Stock": {"begins_with": 1}}}),
        ({"Tags": {"size": {"lt": 10}}}, {"Tags": {"size": 10}}),
        ({"Category": {"eq": None}}, {"Stock": {"eq": None}}),
    ],
)
def test_conditions(made: dict[str, Any], good: Any, bad: Any) -> None:
    assert valid(made, "BookCondition", good)
    assert not valid(made, "BookCondition", bad)


def test_a_merge_patch_may_remove_what_is_optional(made: dict[str, Any]) -> None:
    assert valid(made, "BookPatch", {"Category": None, "Formats": {"Ebook": None, "Paperback": "x"}})
    assert not valid(made, "BookPatch", {"Author": "x"})


def test_examples_stand_at_their_operations() -> None:
    target = "/books/John%20Grisham/The%20Rainmaker"
    update = {"name": "u", "summary": "s", "method": "patch", "target": target, "status": 200}
    sent = {**update, "media_type": "application/json", "body": {"add": {"Views": 1}}, "response": {"Views": 1}}
    elsewhere = {**sent, "target": "/films/1/2"}
    operation = document(MODELS, examples=[sent, elsewhere])["paths"]["/books/{Author}/{Title}"]["patch"]
    assert operation["requestBody"]["content"]["application/json"]["examples"] == {
        "u": {"summary": "s", "value": {"add": {"Views": 1}}}
    }
    assert operation["responses"]["200"]["content"]["application/json"]["examples"]["u"]["value"] == {"Views": 1}
