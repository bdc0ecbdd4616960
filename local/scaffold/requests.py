"""A put, a get, an update and a counter for an item of a collection, and a message: made up from its model, and valid.

All of them are about one item; each has a key of its own, a UUID of version 7 that is the same each time.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from local.scaffold.samples import Sampler

if TYPE_CHECKING:
    from surewrite import Item

NOW = 1_767_225_600
"""When the requests were made: the beginning of 2026, in seconds since 1970."""

# The end of an item's life, in the two forms that a time to live may have in a request.
_FAR_AWAY = (4_102_444_800, "2100-01-01T00:00:00Z")

JSON = dict[str, Any]


class SampleError(ValueError):
    """No valid item could be made up; the message is one line that says what is in the way."""


@dataclass(frozen=True)
class Request:
    """A request to the API. `target` is undecoded; a `key` is its Idempotency-Key."""

    name: str
    summary: str
    method: str
    target: str
    status: int
    body: JSON | None = None
    key: str | None = None


@dataclass(frozen=True)
class Requests:
    """All that a collection has: requests to the API, and the body of a message to the worker."""

    api: tuple[Request, ...]
    message: JSON


def requests(model: "type[Item]", document: Mapping[str, Any]) -> Requests:
    """What may be asked of the model's collection, by its OpenAPI document. SampleError."""
    made = _Item(model, document)
    collection = model.schema_.collection
    api = [
        Request(
            "put", "creates the item: 201 with its ETag", "PUT", made.target, 201, made.body, _key(collection, "put")
        ),
        Request("get", "reads the item", "GET", made.target, 200),
    ]
    message: JSON = {"op": "put", "collection": collection, "item": {**made.key, **made.body}}
    if (change := next(made.changes(), None)) is not None:
        body = {"set": dict([change]), "return_values": "ALL_NEW"}
        summary = f"sets {change[0]}: 200 with the whole new item"
        api.append(Request("update", summary, "PATCH", made.target, 200, body, _key(collection, "update")))
        message = {"op": "update", "collection": collection, "key": made.key, "set": dict([change])}
    if (counter := next(made.counters(), None)) is not None:
        target = f"{made.target}/counters/{quote(counter, safe='')}"
        summary = f"increases {counter} by one"
        api.append(Request("counter", summary, "POST", target, 200, {"by": 1}, _key(collection, "counter")))
        message = {"op": "update", "collection": collection, "key": made.key, "add": {counter: 1}}
    return Requests(tuple(api), message | {"idempotency_key": _key(collection, "message")})


class _Item:
    """A valid item: its `key` and the `body` of the put that creates it, in JSON."""

    def __init__(self, model: "type[Item]", document: Mapping[str, Any]) -> None:
        start = f"/{model.schema_.collection}/"
        paths = document["paths"].items()
        operations = next(item for path, item in paths if path.startswith(start) and "put" in item)
        self._model, self._sampler = model, Sampler(document["components"])
        content = operations["put"]["requestBody"]["content"]["application/json"]
        self._properties = self._sampler.resolved(content["schema"])["properties"]
        names = [attribute.name for attribute in model.schema_.key_attributes]
        # what a path says of a key, such as that it is not empty, and what the model says
        in_path = dict(zip(names, (parameter["schema"] for parameter in operations["parameters"]), strict=False))
        self.key = {one: self._sampler.value({**in_path[one], **self._properties[one]}, one) for one in names}
        self.body = {one: self._value(one) for one in self._properties if one not in self.key}
        self.target = start + "/".join(quote(str(value), safe="") for value in self.key.values())
        if reason := self._refused({}):
            remedy = "give its fields examples, Field(examples=[…]), or write its events by hand"
            raise SampleError(f"{model.schema_.collection}: no valid item could be made up ({reason}): {remedy}")

    def changes(self) -> Iterator[tuple[str, Any]]:
        """Attributes, each with another value that it may have."""
        for name, value in self.body.items():
            other = self._sampler.another(self._properties[name], value)
            if other != value and not self._refused({name: other}):
                yield name, other

    def counters(self) -> Iterator[str]:
        """Numbers that may be one higher, whole ones first."""
        kinds = {name: self._sampler.resolved(schema).get("type") for name, schema in self._properties.items()}
        for kind in ("integer", "number"):
            for name, value in self.body.items():
                if kinds[name] == kind and name != self._model.schema_.ttl and not self._refused({name: value + 1}):
                    yield name

    def _value(self, name: str) -> Any:
        schema = self._properties[name]
        lasting = _FAR_AWAY if name == self._model.schema_.ttl else ()
        fitting = (time for time in lasting if self._sampler.fits(schema, time))
        return next(fitting, None) or self._sampler.value(schema, name)

    def _refused(self, changed: JSON) -> str | None:
        """Why the item is not valid with these attributes, by the model itself; None if it is."""
        from surewrite.errors import SurewriteError
        from surewrite.requests import parse_item, parse_key

        try:
            parse_key(self._model, self.key)
            self._model.schema_.check_indexed(parse_item(self._model, {**self.key, **self.body, **changed}).to_image())
        except SurewriteError as error:
            return str(error)
        return None


def _key(collection: str, name: str) -> str:
    """A UUID of version 7 (RFC 9562), of the first second of 2026."""
    digits = int.from_bytes(hashlib.sha256(f"{collection} {name}".encode()).digest()[:10])
    version_and_variant = 7 << 76 | 2 << 62
    chosen = digits & ~(15 << 76 | 3 << 62)
    return str(uuid.UUID(int=NOW * 1000 << 80 | version_and_variant | chosen))
