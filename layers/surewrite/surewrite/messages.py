"""What a message asks for, and what a request over HTTP lists.

    {"op": "put",         "collection": "books", "item": {...}}
    {"op": "update",      "collection": "books", "key": {...}, "add": {"Views": 1}, "when": {"Price": {"eq": 10}}}
    {"op": "merge",       "collection": "books", "key": {...}, "patch": {...}}
    {"op": "delete",      "collection": "books", "key": {...}}
    {"op": "batch",       "writes": [{"put": {"collection": "books", "item": {...}}}, ...]}
    {"op": "transaction", "writes": [{"check": {"collection": "books", "key": {...}, "when": {...}}}, ...]}

Each may carry an `idempotency_key`, those of one item `when`, `if_match`, `if_none_match` and `return_values` as well.
`to_write` makes a message what is to be committed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from . import hints
from .commit.idempotency_key import MAX_KEY_LENGTH
from .errors import InvalidRequest, Problem, UnknownCollection, located
from .expressions.conditions import Condition
from .expressions.merge_patch import merge_actions
from .model.item import Item
from .requests import Body, JSONObject, UpdateBody, demands, parse_item, parse_key, problems_of
from .writes import BulkWrite, Duplicates, TransactWrite, Write

Models: TypeAlias = Mapping[str, type[Item]]
_Key: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_KEY_LENGTH)] | None


class _Request(Body):
    """A write of one item. `if_match` is the version that is demanded, or `*` for any."""

    collection: str
    if_match: str | None = None
    if_none_match: Literal["*"] | None = None

    def demands(self, model: type[Item], when: Condition | None) -> JSONObject:
        """`when`, `version`, `absent` and `return_values` of its `Write`."""
        demanded = demands(model, when, self.if_match, self.if_none_match)
        return {**demanded, "return_values": self.return_values or "NONE"}


class PutRequest(_Request):
    item: JSONObject

    def to_write(self, models: Models) -> Write:
        model = models[self.collection]
        write = located(("item",), _put, model, self.item)
        return replace(write, **self.demands(model, self.condition(model)))


class _KeyRequest(_Request):
    """One that names its item by the key."""

    key: JSONObject

    def target(self, models: Models) -> tuple[type[Item], JSONObject]:
        """The model and the key of the item."""
        model = models[self.collection]
        return model, located(("key",), parse_key, model, self.key)


class UpdateRequest(_KeyRequest, UpdateBody):
    def to_write(self, models: Models) -> Write:
        model, key = self.target(models)
        return self.bind(model, key, **self.demands(model, None))


class MergeRequest(_KeyRequest):
    patch: JSONObject

    def to_write(self, models: Models) -> Write:
        model, key = self.target(models)
        demanded = self.demands(model, self.condition(model))
        return located(("patch",), lambda: Write.update(model, key, merge_actions(model, self.patch), **demanded))


class DeleteRequest(_KeyRequest):
    def to_write(self, models: Models) -> Write:
        model, key = self.target(models)
        return Write.delete(model, key, **self.demands(model, self.condition(model)))


class CheckRequest(_KeyRequest):
    """A condition on an item that is not written."""

    def to_write(self, models: Models) -> Write:
        model, key = self.target(models)
        return Write.check(model, key, **self.demands(model, self.condition(model)))


# --- several writes --------------------------------------------------------------------------------------------------


class _Member(BaseModel):
    """One of several writes, under the name of its kind."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self.model_fields_set) != 1 or getattr(self, self.kind) is None:
            raise ValueError(f"exactly one of {', '.join(type(self).model_fields)} is needed")
        return self

    @property
    def kind(self) -> str:
        return next(iter(self.model_fields_set))


class TransactionMember(_Member):
    put: PutRequest | None = None
    update: UpdateRequest | None = None
    delete: DeleteRequest | None = None
    check: CheckRequest | None = None

    def to_write(self, models: Models) -> Write:
        """Its errors are led by its kind."""
        return located((self.kind,), _made, getattr(self, self.kind), models)


class TransactionBody(BaseModel):
    """Writes and checks that are applied all together or not at all."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)

    writes: Annotated[list[TransactionMember], Field(min_length=1)]

    def members(self, models: Models) -> list[Write]:
        """InvalidRequest, or a kind of it, names each that is wrong."""
        return [located(("writes", n), one.to_write, models) for n, one in enumerate(self.writes)]


class BatchMember(_Member):
    put: JSONObject | None = None
    delete: JSONObject | None = None


class BatchBody(BaseModel):
    """Puts and deletes in their order, which are committed chunk by chunk.

    `duplicates` says what to do with two writes of one item: refuse the request ("error"), or keep the "first" or the
    "last" of them.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, defer_build=True)

    writes: list[BatchMember] = Field(default_factory=list)
    duplicates: Duplicates = "error"

    def to_write(self, models: Models) -> BulkWrite:
        places, writes = self.members(models)
        if not writes:
            raise InvalidRequest(Problem((), "a batch needs at least one write"))
        try:
            return BulkWrite.of(writes, self.duplicates)
        except InvalidRequest as error:
            found = ((places[int(one.location[0])], one.reason) for one in error.problems)
            raise InvalidRequest(*(Problem(place, reason) for place, reason in found)) from None

    def members(self, models: Models) -> tuple[list[tuple[str | int, ...]], list[Write]]:
        """Where each of the writes stands in the request, and the writes."""
        places: list[tuple[str | int, ...]] = [("writes", n) for n in range(len(self.writes))]
        pairs = zip(places, self.writes, strict=True)
        return places, [located((*place, one.kind), self._write, one, models) for place, one in pairs]

    def _write(self, member: BatchMember, models: Models) -> Write:
        """A member names its collection itself."""
        kind = PutRequest if member.put is not None else DeleteRequest
        try:
            request = kind.model_validate(member.put if member.put is not None else member.delete)
        except ValidationError as error:
            raise InvalidRequest(*problems_of(error)) from None
        return _made(request, models)


# --- messages --------------------------------------------------------------------------------------------------------


class PutMessage(PutRequest):
    op: Literal["put"]
    idempotency_key: _Key = None


class UpdateMessage(UpdateRequest):
    op: Literal["update"]
    idempotency_key: _Key = None


class MergeMessage(MergeRequest):
    op: Literal["merge"]
    idempotency_key: _Key = None


class DeleteMessage(DeleteRequest):
    op: Literal["delete"]
    idempotency_key: _Key = None


class TransactionMessage(TransactionBody):
    op: Literal["transaction"]
    idempotency_key: _Key = None

    def to_write(self, models: Models) -> TransactWrite:
        return TransactWrite.of(self.members(models))


class BatchMessage(BatchBody):
    """With a `collection` it is a batch of that one, whose members are bare items and keys: all of `put`, then all of
    `delete`, then `writes` in turn."""

    op: Literal["batch"]
    collection: str | None = None
    put: list[JSONObject] = Field(default_factory=list)
    delete: list[JSONObject] = Field(default_factory=list)
    idempotency_key: _Key = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.collection is None and (self.put or self.delete):
            raise ValueError("put and delete need a collection; writes name their own where there is none")
        return self

    def members(self, models: Models) -> tuple[list[tuple[str | int, ...]], list[Write]]:
        if self.collection is None:
            return super().members(models)
        model, found = models[self.collection], list(self._bare())
        writes = [located(place, _put if "put" in place else _delete, model, value) for place, value in found]
        return [place for place, _ in found], writes

    def _bare(self) -> Iterator[tuple[tuple[str | int, ...], JSONObject]]:
        """The items and keys, each with its place in the message."""
        yield from ((("put", n), item) for n, item in enumerate(self.put))
        yield from ((("delete", n), key) for n, key in enumerate(self.delete))
        yield from ((("writes", n, one.kind), getattr(one, one.kind)) for n, one in enumerate(self.writes))


Message: TypeAlias = PutMessage | UpdateMessage | MergeMessage | DeleteMessage | BatchMessage | TransactionMessage
# built by the first message, not by every start
_MESSAGE: TypeAdapter[Message] = TypeAdapter(
    Annotated[Message, Field(discriminator="op")], config=ConfigDict(defer_build=True)
)


_OPS = ("put", "update", "merge", "delete", "batch", "transaction")
_MEMBERS = frozenset(["key", "item"])  # our own, if in another case


def parse_message(value: Any) -> Message:
    """A message from parsed JSON; InvalidRequest names each field that is wrong."""
    if isinstance(value, dict) and value.get("op") not in _OPS:
        foreign = (Problem((name,), hints.in_json(name) or "") for name in hints.foreign(value.keys() - _MEMBERS))
        raise InvalidRequest(Problem(("op",), f"one of {', '.join(_OPS)} is needed"), *foreign)
    try:
        return _MESSAGE.validate_python(value)
    except ValidationError as error:
        # the discriminator's value leads each location; it is not a field of the request
        raise InvalidRequest(*(_without_tag(problem) for problem in problems_of(error))) from None


def _without_tag(problem: Problem) -> Problem:
    tagged = problem.location[:1] in {(op,) for op in _OPS}
    return Problem(problem.location[1:] if tagged else problem.location, problem.reason)


def _made(request: PutRequest | UpdateRequest | DeleteRequest | CheckRequest, models: Models) -> Write:
    """The write of a member; its collection is one of its fields, and none that a path names."""
    try:
        return request.to_write(models)
    except UnknownCollection as error:
        raise InvalidRequest(Problem(("collection",), str(error))) from None


def _put(model: type[Item], value: Any) -> Write:
    return Write.put(parse_item(model, value))


def _delete(model: type[Item], key: Any) -> Write:
    return Write.delete(model, parse_key(model, key))
