"""Reads of several items as JSON that fits into a response: pages of queries and scans, and items by their keys."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from .batch_get import Wanted, read_many
from .client import Client
from .commit.retry import Deadline
from .cursors import Cursors
from .errors import InvalidRequest, located
from .model.item import Item
from .model.json import canonical, dumps
from .queries import QueryBody, QueryParameters
from .reading import Images, read_page
from .requests import Catalogue, JSONObject, parse_key

MAX_RESPONSE_BYTES = 6 * 1024 * 1024 - 64 * 1024
"""Lambda's limit for a response, less some room for its headers."""


class BatchGetBody(BaseModel):
    """`{"keys": {"books": [{…}], "products": [{…}]}, "fields": {"books": ["Views"]}, "consistent": true}`"""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, strict=True)

    keys: dict[str, list[JSONObject]] = Field(min_length=1)
    fields: dict[str, list[str]] = Field(default_factory=dict)
    consistent: bool = False

    def wanted(self, catalogue: Catalogue) -> list[Wanted[Any]]:
        """InvalidRequest, or a kind of it, names what is wrong."""
        if stray := [name for name in self.fields if name not in self.keys]:
            raise InvalidRequest.at("a collection of which no key is asked for", "fields", stray[0])
        return [self._of(catalogue, collection, keys) for collection, keys in self.keys.items()]

    def _of(self, catalogue: Catalogue, collection: str, keys: list[JSONObject]) -> Wanted[Any]:
        model = located(("keys",), catalogue.__getitem__, collection)
        parsed = [located(("keys", collection, n), parse_key, model, key) for n, key in enumerate(keys)]
        return Wanted(model, parsed, self.fields.get(collection))


@dataclass(frozen=True)
class JSONPage:
    """A page as JSON, and the cursor of the one that follows, None after the last one."""

    text: str
    next: str | None


class Reader:
    """Reads for the clients of an API. `secrets` are those of its `Cursors`."""

    def __init__(self, client: Client, secrets: str) -> None:
        self._client, self._cursors = client, Cursors(secrets)

    def page(
        self, asked: QueryBody | QueryParameters, model: type[Item], *, caller: str, deadline: Deadline
    ) -> JSONPage:
        """The page that is asked for, `{"items": […], "count": 3, "scanned_count": 5, "next": "…"}`: without `items`
        where only the count is, without `next` after the last page. It is smaller than its limit where it would be too
        large for a response.

        Raises InvalidRequest, for a cursor that is not this caller's and this read's as well, and what
        `commit.session.Session.call` does.
        """
        reading = asked.reading(model)
        context = canonical([caller, model.schema_.collection, reading.request()])
        after = None if asked.next is None else self._cursors.open(asked.next, context)
        session = self._client.session
        call = session.begin(deadline)
        limit = asked.limit
        while True:
            page = read_page(session, reading, call, limit=limit, after=after)
            following = None if page.next is None else self._cursors.seal(page.next, context)
            text = dumps(_body(page, model, asked.count, following))
            if _response_bytes(text) <= MAX_RESPONSE_BYTES or page.scanned_count < 2:
                return JSONPage(text, following)
            limit = page.scanned_count // 2

    def many(
        self,
        asked: BatchGetBody,
        catalogue: Catalogue,
        *,
        deadline: Deadline,
    ) -> str:
        """`{"items": {"books": […]}, "missing": {"books": [{…}]}}`: the items in the order of their keys, and the keys
        of those that there are not. InvalidRequest where they are too large for a response."""
        wanted = asked.wanted(catalogue)
        session = self._client.session
        call = session.begin(deadline)
        found = read_many(session, wanted, asked.consistent, call)
        items: dict[str, Any] = {}
        missing: dict[str, Any] = {}
        for one, images in zip(wanted, found, strict=True):
            schema = one.model.schema_
            present, absent = one.split(images)
            items[schema.collection] = [schema.visible(image) for image in present]
            if absent:
                missing[schema.collection] = absent
        text = dumps({"items": items, "missing": missing})
        if _response_bytes(text) > MAX_RESPONSE_BYTES:
            raise InvalidRequest.at("the items are too large for one response: ask for fewer", "keys")
        return text


def _body(page: Images, model: type[Item], count: bool, following: str | None) -> dict[str, Any]:
    items = {} if count else {"items": [model.schema_.visible(image) for image in page.items]}
    cursor = {} if following is None else {"next": following}
    return {**items, "count": page.count, "scanned_count": page.scanned_count, **cursor}


def _response_bytes(text: str) -> int:
    """What the text takes as a string in the JSON of a Lambda response, at most: all but ASCII is escaped there."""
    longest = 6  # a character that is escaped already has a backslash more, any other one has six at the most
    return len(text) if len(text) * longest <= MAX_RESPONSE_BYTES else len(json.dumps(text))
