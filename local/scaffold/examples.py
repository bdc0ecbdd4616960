"""The examples of the OpenAPI document, functions/api/examples.json: which of them are of these models.

Examples of a collection stay together: all of them, or none. One whose model has changed may be refused by the new one
in many ways, and what it shows of an error would be wrong as well.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator

from local.scaffold.requests import Request

if TYPE_CHECKING:
    from surewrite import Item

Example = Mapping[str, Any]

# Their request is wrong on purpose: no schema takes it.
_REFUSED = (400, 422)


def fitting(models: "Iterable[type[Item]]", document: Any, examples: Iterable[Example]) -> list[Example]:
    """The examples that the document has a place for, and whose requests and responses fit its schemas."""
    collections = {model.schema_.collection for model in models}
    judged = [(example, _fits(document, example)) for example in examples]
    broken = {collection_of(example) for example, fits in judged if not fits} & collections
    return [example for example, fits in judged if fits and collection_of(example) not in broken]


def collection_of(example: Example) -> str:
    """The collection that an example asks for, or the path of the API in its place: `books`, `transactions`."""
    segment: str = example["target"].split("/")[1].partition("?")[0]
    return segment


def of_request(collection: str, request: Request) -> Example:
    """A made up request as an example; what it returns is left to the reader."""
    shown = {
        "name": f"{collection}-{request.name}",
        "summary": request.summary,
        "method": request.method.lower(),
        "target": request.target,
        "status": request.status,
    }
    return shown | {"media_type": "application/json", "body": request.body}


def text(examples: Iterable[Example]) -> str:
    """The file: one example a line."""
    from surewrite.model.json import dumps

    return "[\n" + ",\n".join(dumps(dict(one)) for one in examples) + "\n]\n"


def _fits(document: Any, example: Example) -> bool:
    from surewrite.openapi.examples import operation_of

    operation = operation_of(document, example)
    if operation is None:
        return False
    request = operation.get("requestBody", {}).get("content", {})
    response = operation["responses"].get(str(example["status"]), {}).get("content", {})
    shown = [(content, example["response"]) for content in response.values() if "response" in example]
    if "body" in example and example["status"] not in _REFUSED:
        if example["media_type"] not in request:
            return False
        shown.append((request[example["media_type"]], example["body"]))
    return all(_valid(document, content["schema"], value) for content, value in shown)


def _valid(document: Any, schema: Mapping[str, Any], value: Any) -> bool:
    return bool(Draft202012Validator({**schema, "components": document["components"]}).is_valid(value))
