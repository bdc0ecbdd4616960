"""DynamoDB's prices in write units, from its Developer Guide: "Capacity unit consumption for write operations" and
"DynamoDB item sizes and formats".

A write unit is for 1 KB begun of the larger of the item before and after; in a transaction it is two.
"""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

TRANSACTED = 2
"""Write units for each KB begun that is written in a transaction."""

_KB = 1024


def write_units(size: int) -> int:
    """Of an item of `size` bytes; one that is not there costs as much as a small one."""
    return max(1, -(-size // _KB))


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item in the form of the API: all names and values."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return number_size(content)
        case "B":
            return len(content if isinstance(content, bytes) else base64.b64decode(content))
        case "NULL" | "BOOL":
            return 1
        case "SS" | "NS" | "BS":
            return sum(_size({kind[0]: one}) for one in content)
        case _:
            raise ValueError(f"no item of a benchmark has a value of type {kind}")


def number_size(text: str) -> int:
    """A byte for two significant digits, and one more."""
    digits = Decimal(text).normalize().as_tuple().digits
    return (len(digits) + 1) // 2 + 1
