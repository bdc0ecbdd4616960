"""Primary keys: which fields of a model they are, and how their values are checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from functools import cached_property, lru_cache
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from ..errors import ConfigurationError, InvalidKey, Problem
from .coerce import decode_base64
from .wire import number

T = TypeVar("T")


class KeyRole(Enum):
    """Marks a field as part of the primary key."""

    PARTITION = "partition key"
    SORT = "sort key"


PartitionKey = Annotated[T, KeyRole.PARTITION]
SortKey = Annotated[T, KeyRole.SORT]

# "Service, account, and table quotas": key lengths in bytes
MAX_KEY_BYTES = {KeyRole.PARTITION: 2048, KeyRole.SORT: 1024}
KEY_LIMITS = tuple(MAX_KEY_BYTES.values())
"""The same by position: of the partition key, of the sort key."""
_KEY_TYPES: dict[type, str] = {str: "S", int: "N", Decimal: "N", bytes: "B"}
_KEY_VALUES: dict[str, tuple[type, ...]] = {"S": (str,), "N": (int, Decimal, float), "B": (bytes, bytearray)}
_NUMERIC_KEY = re.compile(r"[+-]?(\d{1,60}(\.\d{0,60})?|\.\d{1,60})([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class KeyAttribute:
    """One attribute of a primary key: its name in DynamoDB, its field in the model, its type ("S", "N" or "B")."""

    name: str
    field: str
    type: str
    role: KeyRole
    annotation: Any
    constraints: tuple[Any, ...]

    @cached_property
    def plain(self) -> bool:
        """Whether every string of the right length is valid."""
        return self.annotation is str and not self.constraints

    @property
    def max_bytes(self) -> int:
        """How long a string or binary value may be."""
        return MAX_KEY_BYTES[self.role]

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return type_adapter(self.annotation, *self.constraints)

    def validate(self, value: Any) -> Any:
        """The value as it stands in an image; InvalidKey names the attribute."""
        if self.plain and type(value) is str:
            self._check_length(value)
            return value
        if isinstance(value, bool) or not isinstance(value, _KEY_VALUES[self.type]):
            raise self._invalid(f"a {KEY_NAMES[self.type]} is needed")
        try:
            checked = self._adapter.validate_python(value)
            native = number(checked) if self.type == "N" else checked
        except ValidationError as error:
            raise self._invalid(error.errors()[0]["msg"]) from None
        except ValueError as error:
            raise self._invalid(str(error)) from None
        self._check_length(native)
        return native

    def parse(self, text: str) -> Any:
        """From text, as in a URL: digits for a number, base64 (either alphabet) for bytes."""
        if self.type == "S":
            return self.validate(text)
        if self.type == "N":
            try:
                return self.validate(parse_number(text))
            except ValueError as error:
                raise self._invalid(str(error)) from None
        return self.validate(self._decode(text))

    def _decode(self, text: str) -> bytes:
        try:
            return decode_base64(text)
        except ValueError:
            raise self._invalid("base64 is needed") from None

    def _check_length(self, value: Any) -> None:
        try:
            length = len(value.encode() if isinstance(value, str) else value) if self.type != "N" else 1
        except UnicodeEncodeError:
            raise self._invalid("not valid Unicode") from None
        if not length:
            raise self._invalid("a key cannot be empty")
        if length > self.max_bytes:
            raise self._invalid(f"longer than {self.max_bytes} bytes, DynamoDB's limit for a {self.role.value}")

    def _invalid(self, reason: str) -> InvalidKey:
        return InvalidKey(Problem((self.name,), reason))


def parse_number(text: str) -> Decimal:
    """The number of a key as it stands in a URL. ValueError for anything else."""
    if not _NUMERIC_KEY.fullmatch(text):
        raise ValueError("a number is needed")
    return Decimal(text)


KEY_NAMES = {"S": "string", "N": "number", "B": "binary value"}


class KeyImage(dict[str, Any]):
    """A primary key that has been validated for the items of `collection`: attribute names to values."""

    __slots__ = ("collection",)

    def __init__(self, values: Mapping[str, Any], collection: str) -> None:
        super().__init__(values)
        self.collection = collection


def type_adapter(annotation: Any, *metadata: Any) -> TypeAdapter[Any]:
    """The validator and serializer of an annotation with its marks."""
    try:
        return _kept_adapter(annotation, *metadata)
    except TypeError:  # a mark that cannot be hashed
        return _kept_adapter.__wrapped__(annotation, *metadata)


@lru_cache(maxsize=512)
def _kept_adapter(annotation: Any, *metadata: Any) -> TypeAdapter[Any]:
    typed: Any = Annotated[annotation, *metadata] if metadata else annotation
    return TypeAdapter(typed)


def key_attribute(model: type[BaseModel], name: str, alias: str, field: FieldInfo, role: KeyRole) -> KeyAttribute:
    if set(alias) & set(".[]`"):
        raise ConfigurationError(f"{model.__name__}.{name}: the name of a key cannot have dots, brackets or backticks")
    if field.annotation not in _KEY_TYPES:
        raise ConfigurationError(f"{model.__name__}.{name}: a {role.value} must be str, int, Decimal or bytes")
    constraints = tuple(mark for mark in field.metadata if not isinstance(mark, KeyRole))
    return KeyAttribute(alias, name, _KEY_TYPES[field.annotation], role, field.annotation, constraints)
