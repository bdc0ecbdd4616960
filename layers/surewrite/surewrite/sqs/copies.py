"""The copy of a message in the rejected queue.

It has the original body and attributes, and besides `Reason`, `IdempotencyKey` (so that a redrive is the same request),
`SourceQueue` and, if the message had a group, `SourceGroupId`. SQS allows ten attributes: what finds no room is carried
in one of them, `OtherAttributes`, as JSON.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from .records import KEY_ATTRIBUTE, MessageAttribute, SQSRecord
from .report import Rejection

REASON, SOURCE_QUEUE, SOURCE_GROUP, OTHERS = "Reason", "SourceQueue", "SourceGroupId", "OtherAttributes"
_OURS = {REASON, KEY_ATTRIBUTE, SOURCE_QUEUE, SOURCE_GROUP, OTHERS}
MAX_ATTRIBUTES = 10


@dataclass(frozen=True, slots=True)
class Copy:
    """An entry of `SendMessageBatch` without its Id, and its size in bytes."""

    message_id: str
    entry: Mapping[str, Any]
    size: int


def copy_of(rejection: Rejection) -> Copy:
    """What is sent for a rejected message."""
    record = rejection.record
    ours = {REASON: rejection.reason, KEY_ATTRIBUTE: rejection.key.key, SOURCE_QUEUE: record.queue}
    if record.group_id is not None:
        ours[SOURCE_GROUP] = record.group_id
    originals = _packed(_originals(record), ours)
    attributes = {name: _string(value) for name, value in ours.items()}
    attributes |= {name: _sendable_attribute(attribute) for name, attribute in originals.items()}
    body = _sendable(record.text) or "(empty)"
    size = len(body.encode()) + sum(_size(name, attribute) for name, attribute in attributes.items())
    return Copy(record.message_id, {"MessageBody": body, "MessageAttributes": attributes}, size)


def _packed(originals: dict[str, MessageAttribute], ours: Mapping[str, str]) -> dict[str, MessageAttribute]:
    """As many of the message's own attributes as there is room for; the others, and those that have the name of one of
    ours, in one."""
    hidden = {n: a for n, a in originals.items() if n in _OURS and a.get("stringValue") != ours.get(n)}
    shown = {name: attribute for name, attribute in originals.items() if name not in _OURS}
    room = MAX_ATTRIBUTES - len(ours)
    if not hidden and len(shown) <= room:
        return shown
    hidden |= {name: shown.pop(name) for name in list(shown)[room - 1 :]}
    return {**shown, OTHERS: {"dataType": "String", "stringValue": json.dumps(hidden)}}


def _originals(record: SQSRecord) -> dict[str, MessageAttribute]:
    """The attributes that the producer gave the message. In a redriven copy ours are written anew."""
    attributes = _with_values(record.attributes)
    if SOURCE_QUEUE not in attributes or REASON not in attributes:
        return attributes
    try:
        packed = json.loads(attributes.pop(OTHERS, {}).get("stringValue", "{}"))
    except ValueError:
        packed = {}
    own = {name: attribute for name, attribute in attributes.items() if name not in _OURS}
    return own | (_with_values(packed) if isinstance(packed, Mapping) else {})


def _with_values(attributes: Mapping[str, Any]) -> dict[str, MessageAttribute]:
    """Their types and values; without those that have no value."""
    found: dict[str, MessageAttribute] = {}
    for name, attribute in attributes.items():
        for member in ("stringValue", "binaryValue"):
            value = attribute.get(member) if isinstance(attribute, Mapping) else None
            if isinstance(value, str) and value:
                found[name] = {"dataType": attribute.get("dataType"), member: value}
    return found


def _sendable_attribute(attribute: MessageAttribute) -> dict[str, Any]:
    """In the form of `SendMessage`, where binary values are bytes."""
    kind, text = attribute["dataType"], attribute.get("stringValue")
    if text is not None:
        return {"DataType": kind if _is_type(kind, "String", "Number") else "String", "StringValue": _sendable(text)}
    try:
        value = base64.b64decode(attribute["binaryValue"], validate=True)
    except ValueError:
        return _string(attribute["binaryValue"])
    return {"DataType": kind if _is_type(kind, "Binary") else "Binary", "BinaryValue": value}


def _is_type(kind: Any, *types: str) -> bool:
    """SQS's types may have a suffix of the producer's: `Number.int`."""
    return isinstance(kind, str) and kind.split(".", 1)[0] in types


def _string(value: str) -> dict[str, Any]:
    return {"DataType": "String", "StringValue": _sendable(value) or "?"}


def _size(name: str, attribute: Mapping[str, Any]) -> int:
    value = attribute.get("BinaryValue") or attribute["StringValue"].encode()
    return len(name.encode()) + len(attribute["DataType"]) + len(value)


def _sendable(text: str) -> str:
    """With a question mark for each character that SQS does not take."""
    return _forbidden().sub("?", text)


@cache
def _forbidden() -> re.Pattern[str]:
    # compiling it takes milliseconds: only a worker that rejects pays for it
    return re.compile("[^\x09\x0a\x0d\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
