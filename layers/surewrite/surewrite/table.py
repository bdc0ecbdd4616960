"""`Table`: the items of one model, read and written as instances of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, Generic, Literal, TypeAlias, TypeVar, overload

from .batch_get import Found, get_many
from .batch_writer import BatchWriter
from .commit import one
from .commit.idempotency_key import IdempotencyKey
from .commit.outcome import Outcome
from .commit.retry import Deadline
from .commit.session import Call, Session
from .errors import InvalidItem, NotFound, Problem, located
from .expressions.accepted import AnyCondition, as_condition
from .expressions.actions import Action
from .expressions.evaluate import ReturnValues
from .expressions.projection import projection
from .expressions.updates import Update
from .hints import hinting
from .model.item import VERSION, Item
from .model.wire import Image, image_from_wire, image_to_wire
from .parallel_scan import in_segments, read_segments
from .paths import path
from .reading import Page, Reading, check_positive, listed, read_all, read_page, shown
from .writes import OnFailure, Write

M = TypeVar("M", bound=Item)

Key: TypeAlias = str | IdempotencyKey | None


@hinting
class Table(Generic[M]):
    """Typed access to the table of `model`. `scope` is whose idempotency keys these are.

        books = db.table(Book)
        rainmaker = ("John Grisham", "The Rainmaker")
        books.update(rainmaker, {attr("Views").add(1)}, return_values="ALL_NEW", idempotency_key="order-17")

    Keys are given as a tuple, a single value, a mapping or an item. With an `idempotency_key` a write is applied once,
    without one it is DynamoDB's plain call. The writes raise what `commit.one.commit` does.
    """

    def __init__(self, model: type[M], session: Session, *, scope: str = "app") -> None:
        self.model, self.session, self.scope = model, session, scope

    @property
    def name(self) -> str:
        """The physical name of the table."""
        return self.session.table(self.model)

    # --- reads ---------------------------------------------------------------------------------------------------

    def get(
        self,
        key: Any,
        /,
        *,
        consistent: bool = False,
        fields: Iterable[str] | None = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """The item, None if there is none; InvalidItem if what is stored violates the model (`image` shows it then).
        `fields` are document paths: then a partial instance of those attributes."""
        image = self.image(key, consistent=consistent, fields=fields, deadline=deadline)
        if image is None:
            return None
        if fields is None:
            item = self.model.from_image(image)
        else:
            item = self.model.from_partial(image, [path(name) for name in fields])
        return item.with_version(image.get(VERSION))

    def image(
        self,
        key: Any,
        /,
        *,
        consistent: bool = False,
        fields: Iterable[str] | None = None,
        deadline: Deadline | None = None,
        call: Call | None = None,
    ) -> Image | None:
        """The item as DynamoDB holds it, its version included, None if there is none. Raises InvalidRequest for a
        field that the model does not have. `call` is the request under way that this read is a part of."""
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": image_to_wire(self.model.schema_.key(key)),
            "ConsistentRead": consistent,
        }
        if fields is not None:
            request |= projection(self.model, fields)
        response = self.session.call("GetItem", request, call or self.session.begin(deadline))
        return image_from_wire(response["Item"]) if "Item" in response else None

    def query(
        self,
        condition: AnyCondition,
        *,
        where: AnyCondition | None = None,
        fields: Iterable[str] | None = None,
        index: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        page_size: int | None = None,
        consistent: bool = False,
        deadline: Deadline | None = None,
    ) -> Iterator[M]:
        """The items under one partition key, page after page: `books.query(attr("Author").eq("John Grisham"))`.

        `where` is a filter, `fields` are document paths (then partial instances), `index` is an index's name, `limit` a
        number of items in all, `page_size` of those that one request reads; `deadline` holds for all pages.
        """
        key = located(("key",), as_condition, condition)  # None is no scan of the whole table
        reading = self._reading(key, where, fields=fields, index=index, descending=descending, consistent=consistent)
        return self._every(reading, limit, page_size, deadline)

    def scan(
        self,
        where: AnyCondition | None = None,
        *,
        fields: Iterable[str] | None = None,
        index: str | None = None,
        limit: int | None = None,
        page_size: int | None = None,
        segment: tuple[int, int] | None = None,
        segments: int | None = None,
        consistent: bool = False,
        deadline: Deadline | None = None,
    ) -> Iterator[M]:
        """Every item, page after page: `users.scan(attr("address.state").eq("CA"))`. Options as for `query`.

        With `segments` so many threads scan at the same time, and the items come in any order. Several workers scan
        side by side, each a `segment` of its own: (0, 4) to (3, 4).
        """
        reading = self._reading(None, where, fields=fields, index=index, segment=segment, consistent=consistent)
        return self._every(reading, limit, page_size, deadline, segments)

    def page(
        self,
        condition: AnyCondition | None = None,
        *,
        where: AnyCondition | None = None,
        fields: Iterable[str] | None = None,
        index: str | None = None,
        descending: bool = False,
        limit: int | None = None,
        segment: tuple[int, int] | None = None,
        next: Image | None = None,
        consistent: bool = False,
        deadline: Deadline | None = None,
        return_consumed_capacity: str | None = None,
    ) -> Page[M]:
        """One page of a query, of a scan without `condition`: at most `limit` items, counted before the filter. `next`
        is that of the page before. Other options as for `query` and `scan`."""
        reading = self._reading(
            condition,
            where,
            fields=fields,
            index=index,
            descending=descending,
            segment=segment,
            consistent=consistent,
        )
        call = self.session.begin(deadline, return_consumed_capacity)
        read = read_page(self.session, reading, call, limit=limit, after=next)
        items = [shown(self.model, image, reading.held) for image in read.items]
        return Page(items, read.next, read.count, read.scanned_count, tuple(call.consumed))

    def count(
        self,
        condition: AnyCondition | None = None,
        *,
        where: AnyCondition | None = None,
        index: str | None = None,
        consistent: bool = False,
        deadline: Deadline | None = None,
    ) -> int:
        """How many items a query has, a scan without `condition`. It reads, and costs, as much as they do."""
        reading = self._reading(condition, where, index=index, consistent=consistent, counting=True)
        total, after = 0, None
        while True:
            page = read_page(self.session, reading, self.session.begin(deadline), after=after)
            total, after = total + page.count, page.next
            if after is None:
                return total

    def get_many(
        self,
        keys: Iterable[Any],
        *,
        fields: Iterable[str] | None = None,
        consistent: bool = False,
        deadline: Deadline | None = None,
        return_consumed_capacity: str | None = None,
    ) -> Found[M]:
        """Any number of items by their keys, each key once; those that are `missing` are named."""
        call = self.session.begin(deadline, return_consumed_capacity)
        paths = None if fields is None else {self.model: fields}
        return get_many(self.session, {self.model: keys}, call, fields=paths, consistent=consistent)[self.model]

    # --- writes --------------------------------------------------------------------------------------------------

    def put(
        self,
        item: M,
        *,
        when: AnyCondition | None = None,
        absent: bool = False,
        version: str | None = None,
        return_values: Literal["NONE", "ALL_OLD", "ALL_NEW"] = "NONE",
        return_values_on_condition_check_failure: OnFailure = "ALL_OLD",
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """Stores the item whole; with `absent` only where there is none yet. Other options as for `update`."""
        if not isinstance(item, self.model):
            raise InvalidItem(Problem((), f"a {self.model.__name__} is needed, this is a {type(item).__name__}"))
        write = Write.put(
            item,
            when=when,
            absent=absent,
            version=version,
            return_values=return_values,
            return_values_on_condition_check_failure=return_values_on_condition_check_failure,
        )
        return self._shown(write, self.commit(write, idempotency_key, deadline=deadline))

    @overload
    def update(
        self,
        key: Any,
        actions: Iterable[Action],
        /,
        *,
        return_values: Literal["ALL_NEW"],
        when: AnyCondition | None = None,
        version: str | None = None,
        return_values_on_condition_check_failure: OnFailure = "ALL_OLD",
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M: ...

    @overload
    def update(
        self,
        key: Any,
        actions: Iterable[Action],
        /,
        *,
        return_values: Literal["NONE"] = "NONE",
        when: AnyCondition | None = None,
        version: str | None = None,
        return_values_on_condition_check_failure: OnFailure = "ALL_OLD",
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> None: ...

    @overload
    def update(
        self,
        key: Any,
        actions: Iterable[Action],
        /,
        *,
        return_values: ReturnValues,
        when: AnyCondition | None = None,
        version: str | None = None,
        return_values_on_condition_check_failure: OnFailure = "ALL_OLD",
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M | None: ...

    def update(
        self,
        key: Any,
        actions: Iterable[Action],
        /,
        *,
        return_values: ReturnValues = "NONE",
        when: AnyCondition | None = None,
        version: str | None = None,
        return_values_on_condition_check_failure: OnFailure = "ALL_OLD",
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """Changes the item in place, or creates it; returns what `return_values` shows: the whole item for ALL_OLD and
        ALL_NEW, a partial instance for UPDATED_OLD and UPDATED_NEW.

        It is applied only where `when` holds and, with `version`, where the item still has that version. Otherwise it
        raises ConditionFailed with the item, unless `return_values_on_condition_check_failure` is "NONE".
        """
        write = Write.update(
            self.model,
            key,
            actions,
            when,
            version=version,
            return_values=return_values,
            return_values_on_condition_check_failure=return_values_on_condition_check_failure,
        )
        outcome = self.commit(write, idempotency_key, deadline=deadline)
        if return_values == "ALL_NEW" and outcome.attributes is None:
            raise NotFound("the update was applied before, and the item has been deleted since")
        return self._shown(write, outcome)

    def delete(
        self,
        key: Any,
        /,
        *,
        when: AnyCondition | None = None,
        version: str | None = None,
        return_values: Literal["NONE", "ALL_OLD"] = "NONE",
        return_values_on_condition_check_failure: OnFailure = "ALL_OLD",
        idempotency_key: Key = None,
        deadline: Deadline | None = None,
    ) -> M | None:
        """Deletes the item, if there is one. Options as for `update`."""
        write = Write.delete(
            self.model,
            key,
            when=when,
            version=version,
            return_values=return_values,
            return_values_on_condition_check_failure=return_values_on_condition_check_failure,
        )
        return self._shown(write, self.commit(write, idempotency_key, deadline=deadline))

    def batch_writer(
        self, *, overwrite_by_pkeys: Iterable[str] | None = None, timeout: float | None = None
    ) -> BatchWriter[M]:
        """Puts and deletes any number of items, a batch at a time, as they come: `with books.batch_writer() as batch:`.
        `timeout` are the seconds for each batch, by default the client's."""
        deadline = None if timeout is None else partial(Deadline.after, timeout)
        return BatchWriter(self.model, self.session, overwrite_by_pkeys=overwrite_by_pkeys, deadline=deadline)

    def commit(
        self,
        write: Write,
        idempotency_key: Key = None,
        *,
        deadline: Deadline | None = None,
        return_consumed_capacity: str | None = None,
    ) -> Outcome:
        """`Client.commit` in this table's scope."""
        key = None if idempotency_key is None else IdempotencyKey.of(idempotency_key, self.scope)
        return one.commit(self.session, write, key, self.session.begin(deadline, return_consumed_capacity))

    # -------------------------------------------------------------------------------------------------------------

    def _reading(
        self,
        condition: AnyCondition | None,
        where: AnyCondition | None,
        *,
        fields: Iterable[str] | None = None,
        **options: Any,
    ) -> Reading:
        key = None if condition is None else located(("key",), as_condition, condition)
        wanted = None if where is None else located(("where",), as_condition, where)
        return Reading(model=self.model, key=key, where=wanted, fields=listed(fields), **options)

    def _every(
        self,
        reading: Reading,
        limit: int | None,
        page_size: int | None,
        deadline: Deadline | None,
        segments: int | None = None,
    ) -> Iterator[M]:
        """What is wrong is said at once, not when the first item is asked for."""
        check_positive(limit, "limit")
        check_positive(page_size, "page_size")
        reading.request()
        begin = partial(self.session.begin, deadline)
        if segments is None:
            images = read_all(self.session, reading, begin, limit=limit, page_size=page_size)
        else:
            parts = in_segments(reading, segments)
            images = islice(read_segments(self.session, parts, begin, page_size=page_size), limit)
        return (shown(self.model, image, reading.held) for image in images)

    def _shown(self, write: Write, outcome: Outcome) -> M | None:
        """What is committed is shown, even where it violates the model."""
        if outcome.attributes is None:
            return None
        # what an item was before has no version any more
        version = outcome.version if write.return_values in ("ALL_NEW", "UPDATED_NEW") else None
        if write.return_values in ("UPDATED_OLD", "UPDATED_NEW"):
            assert isinstance(write.action, Update)
            return self.model.from_partial(outcome.attributes, write.action.paths).with_version(version)
        return self.model.from_stored(outcome.attributes).with_version(version)
