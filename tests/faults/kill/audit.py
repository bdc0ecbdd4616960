"""What must be true when the queues are empty: every effect has its record, every record its effect."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError

from surewrite import IdempotencyKey, Ledger
from surewrite.commit import slots
from surewrite.messages import parse_message
from surewrite.model.wire import image_from_wire, image_to_wire
from surewrite.requests import Catalogue
from tests.faults.kill.stage import Stage
from tests.faults.kill.traffic import AUTHOR, STOCK, Fate, Request, Row, seeds
from tests.models import MODELS

_CATALOGUE = Catalogue(*MODELS)
Items = dict[Row, dict[str, Any]]


def lay_out(stage: Stage) -> None:
    """Puts the items there that the requests expect, and watches what is refused."""
    stage.rejected.witness = lambda copy: _check_refusal(stage, copy)
    for (table, name), attributes in seeds().items():
        key: dict[str, Any] = {"Author": AUTHOR, "Title": name} if table == "Books" else {"Id": int(name)}
        stage.client.put_item(TableName=stage.tables[table], Item=image_to_wire({**key, **attributes}))


def wipe(stage: Stage) -> None:
    """Empties the tables."""
    for table, key in (("Books", ("Author", "Title")), ("ProductCatalog", ("Id",)), ("Ledger", ("id",))):
        items = _scan(stage, table)
        for start in range(0, len(items), 25):
            keys = [image_to_wire({name: item[name] for name in key}) for item in items[start : start + 25]]
            deletes: Any = [{"DeleteRequest": {"Key": key}} for key in keys]
            stage.client.batch_write_item(RequestItems={stage.tables[table]: deletes})


def restock(stage: Stage) -> None:
    """As much again as all requests together may ask for."""
    key = {"Author": AUTHOR, "Title": "stock"}
    more: dict[str, Any] = {":more": {"N": str(2 * STOCK)}}
    stage.client.update_item(
        TableName=stage.tables["Books"],
        Key=image_to_wire(key),
        UpdateExpression="ADD Stock :more",
        ExpressionAttributeValues=more,
    )


def check(stage: Stage, requests: Sequence[Request], before: Items | None = None) -> set[Request]:
    """Fails where anything is lost, doubled or unaccounted for; answers what was applied.

    `before` is what was there first, the seeds if it is not given.
    """
    consumed = _consumed(stage)
    keys = {request: _keys(request) for request in requests}
    applied = {request for request in requests if _applied(stage, request, keys[request][0], consumed)}
    places = Counter(_place(stage, key, consumed) for request in applied for key in keys[request])
    assert places == Counter(consumed.keys()), f"the ledger and the requests differ; {stage!r}"
    for request in requests:
        assert request.fate is not Fate.APPLIED or request in applied, f"lost: {request}; {stage!r}"
        assert request.fate is not Fate.REJECTED or request not in applied, f"applied: {request}; {stage!r}"
    expected, found = _after(seeds() if before is None else before, requests, applied), contents(stage)
    assert set(found) == set(expected), f"items: {set(found) ^ set(expected)}; {stage!r}"
    for row, attributes in expected.items():
        shown = {name: found[row].get(name, 0) for name in attributes}
        assert shown == attributes, f"{row}: {shown} instead of {attributes}; {stage!r}"
    refused = {(request.queue, request.key) for request in set(requests) - applied}
    assert stage.rejected.keys == refused, f"rejected: {stage.rejected.keys ^ refused}; {stage!r}"
    return applied


def _check_refusal(stage: Stage, copy: Mapping[str, Any]) -> None:
    """Notes an error where a reservation is refused although there is enough: while messages are delivered the stock
    only falls, so that what is there now was there then."""
    if '"Stock": -' not in copy["MessageBody"]:
        return
    body = json.loads(copy["MessageBody"])
    try:
        found = stage.client.get_item(
            TableName=stage.tables["Books"], Key=image_to_wire(body["key"]), ConsistentRead=True
        )
    except BotoCoreError:
        return  # the engine is down
    stock = image_from_wire(found["Item"])["Stock"]
    if stock + body["add"]["Stock"] >= 0:
        stage.errors.append(f"refused with {stock} in stock: {body}")


def _keys(request: Request) -> list[IdempotencyKey]:
    """Keys belong to the logical name of the queue; each chunk of a bulk, of 99 items, has one of its own."""
    scope = f"queue:{request.queue.removesuffix('.fifo')}"
    body = request.body if isinstance(request.body, dict) else {}
    items = len(body.get("put", ())) + len(body.get("delete", ()))
    digest = hashlib.sha256(request.key.encode()).hexdigest()
    keys = [request.key, *(f"{digest}#{number}" for number in range(1, -(-items // 99)))]
    return [IdempotencyKey(scope, key) for key in keys]


def slot_sizes(stage: Stage) -> list[int]:
    """How many keys each slot of the ledger holds."""
    return [int(item["n"]) for item in _scan(stage, "Ledger") if "n" in item]


def contents(stage: Stage) -> Items:
    """Every item. Lists that nobody keeps in order are sorted."""
    found: Items = {}
    for table in ("Books", "ProductCatalog"):
        for item in _scan(stage, table):
            row = (table, item["Title"] if table == "Books" else str(item["Id"]))
            assert item.get("Author", AUTHOR) == AUTHOR
            found[row] = {name: _settled(row, value) for name, value in item.items()}
    return found


def _applied(stage: Stage, request: Request, key: IdempotencyKey, consumed: Mapping[str, Any]) -> bool:
    """Whether its key was consumed by this request, as the library tells requests of one key apart."""
    place = _place(stage, key, consumed)
    if place not in consumed or not isinstance(request.body, dict):
        return False
    if request.body.get("op") == "batch":
        return True  # no two of them share a key
    command = parse_message(json.loads(json.dumps(request.body)))
    fingerprint = command.to_write(_CATALOGUE).fingerprint
    return consumed[place] in (fingerprint, slots.short(fingerprint))


def _place(stage: Stage, key: IdempotencyKey, consumed: Mapping[str, Any]) -> str:
    """Where the ledger holds the key, if it does: in its slot or in a record of its own, but not in both."""
    slot, name = Ledger("", slot_ms=stage.slot_ms).slot(key), slots.attribute(key)
    found = [place for place in (f"{slot} {name}", key.record_id) if place in consumed]
    assert len(found) < 2, f"consumed twice: {key}"
    return found[0] if found else ""


def _consumed(stage: Stage) -> dict[str, Any]:
    """The fingerprint of every key that was consumed, by its place: the id of its record, or the id of its slot and its
    attribute there."""
    found: dict[str, Any] = {}
    for item in _scan(stage, "Ledger"):
        if "n" not in item:
            found |= {} if "rejected" in item else {item["id"]: item["fingerprint"]}
            continue
        keys = {name: value for name, value in item.items() if name not in ("id", "n", "expires_at")}
        assert len(keys) == item["n"], f"a slot that counts wrongly: {item}"
        found |= {f"{item['id']} {name}": value for name, value in keys.items() if value is not None}
    return found


def _after(before: Items, requests: Sequence[Request], applied: set[Request]) -> Items:
    """The trivial model: the effects of what was applied, one after the other."""
    items = {row: dict(attributes) for row, attributes in before.items()}
    for request in (request for request in requests if request in applied):
        for effect in request.effects:
            if effect.attribute is None:
                items.pop(effect.row, None)
                if effect.value is not None:
                    items[effect.row] = dict(effect.value)
                continue
            item = items.setdefault(effect.row, {})
            if effect.attribute == "RelatedItems":
                item[effect.attribute] = _settled(effect.row, [*item.get(effect.attribute, []), effect.value])
            else:
                item[effect.attribute] = item.get(effect.attribute, 0) + effect.value
    return items


def _settled(row: Row, value: Any) -> Any:
    """Lists of the FIFO queue's items are in order."""
    in_order = row[0] == "ProductCatalog" and 9000 <= int(row[1]) < 9100
    return sorted(value) if isinstance(value, list) and not in_order else value


def _scan(stage: Stage, table: str) -> list[dict[str, Any]]:
    pages = stage.client.get_paginator("scan").paginate(TableName=stage.tables[table], ConsistentRead=True)
    return [image_from_wire(item) for page in pages for item in page["Items"]]
