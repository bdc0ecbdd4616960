"""What exactly becomes of every file in events/, under whatever runtime its function runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.harness import RAINMAKER_KEY, Answer, Store

FORMATS = {"Hardcover": "J4SUKVGU", "Paperback": "D7YF4FCX"}
BOOK = {**RAINMAKER_KEY, "Category": "Suspense", "Formats": FORMATS, "Price": 10, "Stock": 0, "Views": 0}
AUDIOBOOK = {**BOOK, "Formats": {**FORMATS, "Audiobook": "8WE3KPTP"}}
USER: dict[str, Any] = {
    "username": "johndoe",
    "last_name": "Doe",
    "first_name": "John",
    "age": 25,
    "account_type": "standard_user",
    "address": {"road": "1 Jefferson Street", "city": "Los Angeles", "state": "CA", "zipcode": 90001},
}
SNOWBOARD = {"Id": 601, "Description": "Snowboard", "Price": 100, "QuantityOnHand": 5, "RelatedItems": []}
THREAD = {
    "ForumName": "Amazon DynamoDB",
    "Subject": "New discussion thread",
    "Message": "First post in this thread",
    "LastPostedBy": "fred@example.com",
    "LastPostDateTime": "201603190422",
    "Replies": 0,
    "Answered": 0,
    "Views": 0,
}


@dataclass(frozen=True)
class Answered:
    """An API event's answer, after the events that come before it. `body` is JSON, None for none."""

    status: int
    body: Any = None
    after: tuple[str, ...] = ()
    replayed: bool = False

    def check(self, name: str, answer: Answer) -> None:
        """Fails where the answer to the event `name` is another one."""
        assert answer.status == self.status, answer
        assert (_without_versions(answer.json) if answer.body else None) == self.body
        assert answer.replayed == ("true" if self.replayed else None)
        kind = "application/problem+json" if self.status >= 400 else "application/json"
        assert self.body is None or answer.headers["content-type"] == kind
        whole = self.status in (200, 201) and not name.startswith(_NOT_ONE_ITEM)
        assert ("etag" in answer.headers) == whole


_NOT_ONE_ITEM = ("api-delete", "api-get-operation", "api-transaction", "api-batch", "api-query", "api-scan")


def _without_versions(body: Any) -> Any:
    """A transaction's ETags, which are another each time, all as `"v"`."""
    return body | {"etags": [tag and '"v"' for tag in body["etags"]]} if "etags" in body else body


def problem(status: int, title: str, detail: str, *after: str, **members: Any) -> Answered:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return Answered(status, body, after)


def unmet(item: Any, *after: str) -> Answered:
    return problem(412, "Precondition Failed", "the condition is not met", *after, item=item)


API: dict[str, Answered] = {
    "api-put-book.json": Answered(201, BOOK),
    "api-put-create-only.json": problem(409, "Conflict", "the item exists already", "api-put-book.json", item=BOOK),
    "api-get-book.json": Answered(200, BOOK, ("api-put-book.json",)),
    "api-get-fields.json": Answered(
        200, {**RAINMAKER_KEY, "Formats": {"Hardcover": "J4SUKVGU"}, "Price": 10}, ("api-put-book.json",)
    ),
    "api-patch-rainmaker.json": Answered(200, AUDIOBOOK, ("api-put-book.json",)),
    "api-patch-replay.json": Answered(200, AUDIOBOOK, ("api-put-book.json", "api-patch-rainmaker.json"), replayed=True),
    "api-patch-key-reused.json": problem(
        422,
        "Unprocessable Content",
        "this idempotency key was already used for another request",
        "api-put-book.json",
        "api-patch-rainmaker.json",
    ),
    "api-patch-authorized.json": Answered(200, AUDIOBOOK, ("api-put-book.json", "api-patch-rainmaker.json")),
    "api-patch-condition-met.json": Answered(200, {**BOOK, "Price": 8}, ("api-put-book.json",)),
    "api-patch-condition-unmet.json": unmet({**BOOK, "Price": 8}, "api-put-book.json", "api-patch-condition-met.json"),
    "api-patch-if-match-stale.json": unmet(BOOK, "api-put-book.json"),
    "api-patch-merge.json": Answered(
        200,
        {**BOOK, "Category": "Legal thriller", "Formats": {"Hardcover": "J4SUKVGU", "Ebook": "E5UZKQ2M"}},
        ("api-put-book.json",),
    ),
    "api-patch-minimal.json": Answered(204, None, ("api-put-book.json",)),
    "api-patch-all-actions.json": Answered(
        200,
        {"Category": "Legal thriller", "Price": 15, "Stock": 0, "Tags": ["film", "law"], "Views": 1},
        ("api-put-book.json",),
    ),
    "api-patch-sold-out.json": problem(
        422,
        "Unprocessable Content",
        "Stock: Input should be greater than or equal to 0",
        "api-put-book.json",
        errors=[{"pointer": "/Stock", "detail": "Input should be greater than or equal to 0"}],
    ),
    "api-put-user.json": Answered(201, USER),
    "api-patch-user-address.json": Answered(
        200,
        {**USER, "age": 26, "address": {**USER["address"], "city": "New York"}},
        ("api-put-user.json",),
    ),
    "api-put-product.json": Answered(201, SNOWBOARD),
    "api-counter-price.json": Answered(200, {"Price": 105}, ("api-put-product.json",)),
    "api-counter.json": Answered(200, {"Views": 5}, ("api-put-book.json",)),
    "api-counter-async.json": Answered(202, {"status": "pending"}, ("api-put-book.json",)),
    "api-get-operation.json": Answered(
        200, {"status": "pending", "since": "2026-01-01T00:00:41Z"}, ("api-put-book.json", "api-counter-async.json")
    ),
    "api-put-thread.json": Answered(201, THREAD),
    "api-patch-thread.json": Answered(200, {**THREAD, "LastPostedBy": "barney@example.com"}, ("api-put-thread.json",)),
    "api-transaction.json": Answered(200, {"etags": ['"v"', '"v"', None]}, ("api-put-book.json",)),
    "api-transaction-async.json": Answered(202, {"status": "pending"}, ("api-put-book.json",)),
    "api-transaction-unmet.json": problem(
        412,
        "Precondition Failed",
        "writes 0: the condition is not met",
        "api-put-book.json",
        item=BOOK,
        errors=[{"pointer": "/writes/0", "detail": "the condition is not met"}],
    ),
    "api-query.json": Answered(
        200,
        {
            "items": [{name: THREAD[name] for name in ("ForumName", "Subject", "LastPostDateTime")}],
            "count": 1,
            "scanned_count": 1,
        },
        ("api-put-thread.json",),
    ),
    "api-query-body.json": Answered(
        200,
        {
            "items": [{**RAINMAKER_KEY, "Formats": {"Hardcover": "J4SUKVGU"}, "Price": 10}],
            "count": 1,
            "scanned_count": 1,
        },
        ("api-put-book.json",),
    ),
    "api-scan-count.json": Answered(200, {"count": 1, "scanned_count": 1}, ("api-put-user.json",)),
    "api-batch-get.json": Answered(
        200,
        {
            "items": {
                "books": [{"Author": "John Grisham", "Title": "The Rainmaker", "Category": "Suspense"}],
                "products": [],
            },
            "missing": {"products": [{"Id": 601}, {"Id": 602}]},
        },
        ("api-put-book.json",),
    ),
    "api-batch-write.json": Answered(200, {"written": 3}, ("api-put-book.json",)),
    "api-encoded-key.json": Answered(
        201,
        {"Author": "50% off/books", "Title": "café 😀?", "Category": "Deals", "Formats": {}, "Stock": 0, "Views": 0},
    ),
    "api-delete-book.json": Answered(200, BOOK, ("api-put-book.json",)),
    "api-delete-condition-unmet.json": unmet(BOOK, "api-put-book.json"),
    "api-malformed.json": problem(
        400,
        "Bad Request",
        "not JSON: Expecting ',' delimiter at line 1, column 21",
        errors=[{"pointer": "", "detail": "not JSON: Expecting ',' delimiter at line 1, column 21"}],
    ),
    "api-invalid.json": problem(
        422,
        "Unprocessable Content",
        "set Author: part of the primary key, which never changes; "
        "set Views: a number is needed; "
        "set Formats..x: not a document path; write it like Formats.Audiobook or items[1].qty",
        errors=[
            {"pointer": "/set/Author", "detail": "part of the primary key, which never changes"},
            {"pointer": "/set/Views", "detail": "a number is needed"},
            {
                "pointer": "/set/Formats..x",
                "detail": "not a document path; write it like Formats.Audiobook or items[1].qty",
            },
        ],
    ),
    "api-unknown-collection.json": problem(
        404, "Not Found", "unknown collection; there are: books, offers, products, things, threads, users"
    ),
    "api-no-route.json": problem(404, "Not Found", "there is nothing at this path"),
}


@dataclass(frozen=True)
class Processed:
    """What a worker event leaves behind: The Rainmaker, rejected bodies with their reasons, keys in the ledger."""

    book: Any
    keys: tuple[str, ...]
    after: tuple[str, ...] = ()
    rejected: dict[str, str] = field(default_factory=dict)
    failures: tuple[str, ...] = ()

    def check(self, store: Store, rejected: Mapping[str, str]) -> None:
        """Fails where something else is left behind."""
        book = store.item("Books", RAINMAKER_KEY)
        if book is not None:
            assert book.pop("_v")
        assert book == self.book
        assert rejected == self.rejected
        records = [record for key in self.keys for scope in _SCOPES if (record := store.record(scope, key))]
        assert len(records) == len(self.keys)
        assert all(record.rejected is None for record in records)


_QUEUES = ("WritesQueue-EXAMPLE12345", "OrderedWritesQueue-EXAMPLE12345.fifo")
_SCOPES = ("anonymous", *(f"queue:surewrite-{queue}" for queue in _QUEUES))


STOCKED = {**BOOK, "Stock": 1}

WORKER: dict[str, Processed] = {
    "worker-put.json": Processed(STOCKED, ("019b76da-a807-744a-ac5b-90fef52cff37",)),
    "worker-update.json": Processed(
        {**STOCKED, "Formats": {**FORMATS, "Audiobook": "8WE3KPTP"}, "Views": 1},
        ("019b76da-a811-79a8-814a-4f23baf43e75",),
        after=("worker-put.json",),
    ),
    "worker-transaction.json": Processed(
        {**STOCKED, "Views": 1}, ("019b76da-a88b-7e74-8a2d-5c3b8b4d9e44",), after=("worker-put.json",)
    ),
    "worker-delete.json": Processed(None, ("019b76da-a81b-79f2-9612-a127770890f6",), after=("worker-put.json",)),
    # One click three times, another one twice.
    "worker-duplicates.json": Processed(
        {**RAINMAKER_KEY, "Views": 2}, ("019b76da-a825-758f-869b-d7da359200f0", "019b76da-a843-72d5-8a49-ca55f1db5f15")
    ),
    "worker-batch.json": Processed(
        {**RAINMAKER_KEY, "Views": 2},
        (
            "019b76da-a857-7ef5-9f6e-89ac2f4080f8",
            "019b76da-a86b-72b1-82d7-99c9c2034929",
            "019b76da-a875-76ba-944d-2ed581da2c27",
        ),
        rejected={"this is not JSON": "InvalidJSON: not JSON: Expecting value at line 1, column 1"},
    ),
    "worker-fifo.json": Processed(
        {**RAINMAKER_KEY, "Category": "Suspense"},
        (
            "rainmaker 019b76da-a87f-7a4b-9240-db41019db36f",
            "rainmaker 019b76da-a889-74da-84ab-a503f0e787b3",
            "rainmaker 019b76da-a893-7352-9c0a-c652ac26a851",
            "product-601 019b76da-a89d-757d-93ad-158c554a30f2",
        ),
    ),
    "worker-operations.json": Processed(
        {**STOCKED, "Views": 2},
        ("019b76db-481f-7ce1-8576-9c5fd54e9ece", "019b76db-4834-7108-b37b-0e85eea5c27c"),
        after=("worker-put.json",),
    ),
    "worker-redrive.json": Processed(
        {**STOCKED, "Stock": 0}, ("019b7270-adf5-778d-a696-eb4e369f2a6b",), after=("worker-put.json",)
    ),
}
