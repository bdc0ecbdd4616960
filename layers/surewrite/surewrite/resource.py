"""The life of a model's table: created from the model, waited for, described, deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Self

from .commit.retry import Backoff, Deadline
from .commit.session import Session
from .errors import CallFailed, DeadlineExceeded
from .model.definition import table_definition
from .model.item import Item


class TableResource:
    """The table itself, not its items: `db.resource(User).create()`.

    Its attributes are read when they are first asked for, and again by `load`.
    """

    def __init__(self, model: type[Item], session: Session) -> None:
        self.model, self.session = model, session

    @property
    def name(self) -> str:
        """The physical name of the table."""
        return self.session.table(self.model)

    def create(
        self,
        *,
        attributes: Mapping[str, str] | None = None,
        read_units: int | None = None,
        write_units: int | None = None,
        ttl: str | None = None,
        deadline: Deadline | None = None,
        **options: Any,
    ) -> Self:
        """Creates the table with the model's key and indexes, and waits until it exists.

        It is billed by request, or has `read_units` and `write_units`. `ttl` names the attribute whose time, in seconds
        since 1970, an item does not outlive; by default the model's. `options` are CreateTable's own, indexes say that
        the model does not declare, with the types of their keys in `attributes`: `{"age": "N"}`.
        """
        provisioned = read_units is not None or write_units is not None
        units = {"ReadCapacityUnits": read_units or 1, "WriteCapacityUnits": write_units or 1} if provisioned else None
        definition = table_definition(self.model.schema_, attributes=attributes, units=units, **options)
        request = {"TableName": self.name, **definition}
        self._call("CreateTable", request, deadline)
        self.wait_until_exists(deadline=deadline)
        if (expires := ttl or self.model.schema_.ttl) is not None:
            wanted = {"Enabled": True, "AttributeName": expires}
            self._call("UpdateTimeToLive", {"TableName": self.name, "TimeToLiveSpecification": wanted}, deadline)
        return self

    def delete(self, *, deadline: Deadline | None = None) -> None:
        """Deletes the table and all of its items."""
        self._call("DeleteTable", {"TableName": self.name}, deadline)
        self.__dict__.pop("description", None)

    def load(self, *, deadline: Deadline | None = None) -> Mapping[str, Any]:
        """Reads what DynamoDB says of the table, as DescribeTable does. CallFailed where there is none."""
        found: Mapping[str, Any] = self._call("DescribeTable", {"TableName": self.name}, deadline)["Table"]
        self.__dict__["description"] = found
        return found

    def exists(self, *, deadline: Deadline | None = None) -> bool:
        """Whether the table is there, and ready."""
        return self._status(deadline) == "ACTIVE"

    def wait_until_exists(self, *, deadline: Deadline | None = None) -> None:
        """Waits until the table is ready; DeadlineExceeded if that takes longer than the client's timeout."""
        self._wait("ACTIVE", deadline)

    def wait_until_not_exists(self, *, deadline: Deadline | None = None) -> None:
        """Waits until the table is gone."""
        self._wait(None, deadline)

    # --- attributes ----------------------------------------------------------------------------------------------

    @cached_property
    def description(self) -> Mapping[str, Any]:
        """All that DescribeTable tells."""
        return self.load()

    @property
    def status(self) -> str:
        return str(self.description["TableStatus"])

    @property
    def item_count(self) -> int:
        """How many items there are, as DynamoDB counts them every six hours or so."""
        return int(self.description["ItemCount"])

    @property
    def size_bytes(self) -> int:
        return int(self.description["TableSizeBytes"])

    @property
    def creation_date_time(self) -> datetime:
        found = self.description["CreationDateTime"]
        assert isinstance(found, datetime)
        return found

    @property
    def key_schema(self) -> Sequence[Mapping[str, str]]:
        found: Sequence[Mapping[str, str]] = self.description["KeySchema"]
        return found

    # -------------------------------------------------------------------------------------------------------------

    def _status(self, deadline: Deadline | None) -> str | None:
        """None where there is no table."""
        try:
            return str(self.load(deadline=deadline)["TableStatus"])
        except CallFailed as error:
            if error.code != "ResourceNotFoundException":
                raise
            return None

    def _wait(self, status: str | None, deadline: Deadline | None) -> None:
        call = self.session.begin(deadline)
        backoff = Backoff(call.deadline, self.session.sleep)
        while self._status(call.deadline) != status:
            if not backoff.try_wait():
                raise DeadlineExceeded("the table is not yet as it was waited for")

    def _call(self, operation: str, request: Mapping[str, Any], deadline: Deadline | None) -> dict[str, Any]:
        return self.session.call(operation, request, self.session.begin(deadline))
