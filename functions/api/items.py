"""Routes of one item: GET, PUT, PATCH, DELETE, and its counters."""

from __future__ import annotations

import base64
from dataclasses import replace
from http import HTTPStatus

from aws_lambda_powertools.event_handler import Response

import inputs
import preconditions
import problems
import responses
from event import new_router
from service import catalogue, commit, db, deadline, request, return_values
from surewrite import attr, errors
from surewrite.expressions.merge_patch import merge_actions
from surewrite.model.item import VERSION, Item
from surewrite.model.json import loads
from surewrite.model.wire import Image
from surewrite.requests import Body, UpdateBody, parse_item
from surewrite.writes import Write

router = new_router()

ITEM, SORTED_ITEM = "/<collection>/<partition>", "/<collection>/<partition>/<sort>"
COUNTER, SORTED_COUNTER = f"{ITEM}/counters/<attribute>", f"{SORTED_ITEM}/counters/<attribute>"


@router.route(ITEM, method=["GET", "HEAD"])
@router.route(SORTED_ITEM, method=["GET", "HEAD"])
def read_item(collection: str, partition: str, sort: str | None = None) -> Response[str]:
    """200 with the item, 304 where the client has this version, 404 where there is none."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    query = inputs.ReadQuery.of(request())
    image = db.table(model).image(key, consistent=query.consistent, fields=query.fields, deadline=deadline())
    if image is None:
        return problems.problem(HTTPStatus.NOT_FOUND, "there is no such item")
    version = image.get(VERSION)
    if version is not None and preconditions.is_current(request().headers, version):
        return responses.not_modified(version)
    return responses.item(model.schema_.visible(image) or {}, version)


@router.put(ITEM)
@router.put(SORTED_ITEM)
def put_item(collection: str, partition: str, sort: str | None = None) -> Response[str]:
    """201 where an item was created, 200 where one was replaced."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    returned = return_values(None, default="ALL_NEW")
    body = inputs.json_object(request())
    whole = {**body, **named_key(model, key, body)}
    item = parse_item(model, whole)
    asked = inputs.PutQuery.of(request())
    demanded = preconditions.of_write(request().headers, model, asked.condition(model))
    write = Write.put(item, return_values=returned, **demanded)
    message = {"op": "put", "item": whole} | ({} if asked.when is None else {"when": loads(asked.when)})
    return commit(write, message, created=HTTPStatus.CREATED)


@router.patch(ITEM)
@router.patch(SORTED_ITEM)
def update_item(collection: str, partition: str, sort: str | None = None) -> Response[str]:
    """200 with what `return_values` shows, by default the whole new item."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    body = inputs.json_object(request())
    demanded = preconditions.of_write(request().headers, model)
    if inputs.media_type(request()) == inputs.MERGE_PATCH:
        returned = return_values(None, default="ALL_NEW")
        merge = Write.update(model, key, merge_actions(model, body), return_values=returned, **demanded)
        return commit(merge, {"op": "merge", "key": named_key(model, key), "patch": body})
    update = UpdateBody.model_validate(body)
    returned = return_values(update.return_values, default="ALL_NEW")
    write = update.bind(model, key, return_values=returned, **demanded)
    return commit(write, {**body, "op": "update", "key": named_key(model, key)})


@router.post(COUNTER)
@router.post(SORTED_COUNTER)
def increase_counter(collection: str, partition: str, attribute: str, sort: str | None = None) -> Response[str]:
    """200 with the counter's new value."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    body = inputs.CounterBody.model_validate(inputs.json_object(request(), empty={}))
    # without a label: the request has no section that an error could point to
    path = inputs.attribute(attribute)
    action = replace(attr(path).add(body.by), label="")
    returned = return_values(body.return_values, default="UPDATED_NEW")
    demanded = preconditions.of_write(request().headers, model, body.condition(model))
    write = Write.update(model, key, {action}, return_values=returned, **demanded)
    return commit(write, {"op": "update", "key": named_key(model, key), "add": {path: body.by}, "when": body.when})


@router.delete(ITEM)
@router.delete(SORTED_ITEM)
def delete_item(collection: str, partition: str, sort: str | None = None) -> Response[str]:
    """200 with the item that was deleted, 204 where there was none, or where nothing is to be shown."""
    model, key = inputs.target(catalogue, collection, partition, sort)
    body = Body.model_validate(inputs.json_object(request(), empty={}))
    returned = return_values(body.return_values, default="ALL_OLD")
    demanded = preconditions.of_write(request().headers, model, body.condition(model))
    write = Write.delete(model, key, return_values=returned, **demanded)
    return commit(write, {"op": "delete", "key": named_key(model, key), "when": body.when}, empty=False)


def named_key(model: type[Item], key: Image, body: Image | None = None) -> Image:
    """The key of the path as a body spells it; one that names another key is refused."""
    named = {name: base64.b64encode(part).decode() if isinstance(part, bytes) else part for name, part in key.items()}
    for name, part in named.items():
        if body is not None and name in body and body[name] != part:
            raise errors.InvalidItem(errors.Problem((name,), "differs from the key in the URL"))
    return named
