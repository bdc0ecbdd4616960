"""`BatchWriter`: any number of plain puts and deletes, sent as they come, twenty-five at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from .commit import bulk
from .commit.retry import Deadline
from .commit.session import Session
from .errors import BulkIncomplete, InvalidItem, InvalidRequest, Problem
from .model.item import Item
from .writes import BulkWrite, Write

M = TypeVar("M", bound=Item)

_BUFFERED = 25


class BatchWriter(Generic[M]):
    """A context manager that sends a BatchWriteItem whenever it holds 25 writes, and the rest at its end, also after an
    error: at least once, in no order, without conditions and without a key. It holds no more than that.

        with users.batch_writer() as batch:
            for number in range(50):
                batch.put(User(username=f"user{number}", last_name="unknown"))
            batch.delete(("johndoe", "Doe"))

    What DynamoDB leaves unprocessed is sent again under full jitter, for as long as a request may take; then it stays
    in the buffer and BulkIncomplete names it. A second write of an item that is still in the buffer is refused, or,
    with `overwrite_by_pkeys`, which are the names of the model's key attributes, takes the place of the first. Not
    thread-safe.
    """

    def __init__(
        self,
        model: type[M],
        session: Session,
        *,
        overwrite_by_pkeys: Iterable[str] | None = None,
        deadline: Callable[[], Deadline] | None = None,
    ) -> None:
        self._model, self._session, self._deadline = model, session, deadline
        self._overwrites = overwrite_by_pkeys is not None
        key = [attribute.name for attribute in model.schema_.key_attributes]
        if overwrite_by_pkeys is not None and set(overwrite_by_pkeys) != set(key):
            reason = f"the names of the whole key are needed: {', '.join(key)}"
            raise InvalidRequest(Problem(("overwrite_by_pkeys",), reason))
        self._buffer: list[Write] = []

    def put(self, item: M) -> None:
        """Stores the item whole."""
        if not isinstance(item, self._model):
            raise InvalidItem(Problem((), f"a {self._model.__name__} is needed, this is a {type(item).__name__}"))
        self._add(Write.put(item))

    def delete(self, key: Any) -> None:
        """Deletes the item, if there is one."""
        self._add(Write.delete(self._model, key))

    def flush(self) -> None:
        """Sends what is held."""
        held, self._buffer = BulkWrite(tuple(self._buffer)), []
        deadline = self._deadline() if self._deadline is not None else None
        try:
            bulk.write_batches(self._session, held, self._session.begin(deadline), parallel=1)
        except BulkIncomplete as error:
            self._buffer = [held.writes[position] for position in error.positions]
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.flush()

    def _add(self, write: Write) -> None:
        position = next((n for n, held in enumerate(self._buffer) if held.target == write.target), None)
        if position is not None and not self._overwrites:
            raise InvalidRequest(Problem((), "a second write of the same item; overwrite_by_pkeys drops the first"))
        if position is not None:
            del self._buffer[position]
        self._buffer.append(write)
        if len(self._buffer) >= _BUFFERED:
            self.flush()
