"""How things are said here that other libraries spell in their own way: what an error shows for such a name.

The names are those of boto3's calls, PynamoDB's, and of DynamoDB's parameters before there were expressions.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import wraps
from types import FunctionType
from typing import Any, NamedTuple, TypeVar

C = TypeVar("C")


class Spelling(NamedTuple):
    """The same thing in a request (a body, a message, a query) and in Python."""

    json: str
    python: str


_WHEN = Spelling('"when": {"Price": {"eq": 10}}', 'when=attr("Price").eq(10)')
_JOINED = Spelling(
    '"when": {"or": [{"Price": {"gt": 5}}, {"Stock": {"exists": false}}]}',
    'when=attr("Price").gt(5) | attr("Stock").not_exists()',
)
_UPDATE = Spelling(
    '"set": {"Formats.Audiobook": "8WE3KPTP"}, "add": {"Views": 1}, "remove": ["Price"]',
    'update(key, {attr("Formats.Audiobook").set("8WE3KPTP"), attr("Views").add(1), attr("Price").remove()})',
)
_KEY = Spelling(
    'the path /books/John%20Grisham/The%20Rainmaker; in a message "key": {"Author": "John Grisham", "Title": '
    '"The Rainmaker"}',
    'the first argument: ("John Grisham", "The Rainmaker")',
)
_QUERY = Spelling('"key": {"Author": {"eq": "John Grisham"}}', 'query(attr("Author").eq("John Grisham"))')
_WHERE = Spelling('"where": {"Price": {"lt": 10}}', 'where=attr("Price").lt(10)')
_FIELDS = Spelling('"fields": ["Views", "Formats.Hardcover"]', 'fields=["Views", "Formats.Hardcover"]')
_BATCH = Spelling(
    '"writes": [{"put": {"collection": "books", "item": {}}}, {"delete": {"collection": "books", "key": {}}}]',
    "bulk_write(BulkWrite.of([Write.put(book), Write.delete(Book, key)]))",
)

# without underscores, in lower case
_SPELLINGS: dict[str, Spelling] = {
    "updateexpression": _UPDATE,
    "attributeupdates": _UPDATE,
    "actions": _UPDATE,
    "conditionexpression": _WHEN,
    "condition": _WHEN,
    "expected": _WHEN,
    "comparisonoperator": Spelling('{"Price": {"eq": 10}}', 'attr("Price").eq(10)'),
    "attributevaluelist": Spelling('{"Price": {"between": [5, 10]}}', 'attr("Price").between(5, 10)'),
    "conditionaloperator": _JOINED,
    "expressionattributenames": Spelling(
        'the names themselves, in document paths: "set": {"Formats.Audiobook": "8WE3KPTP"}', 'attr("Formats.Audiobook")'
    ),
    "expressionattributevalues": Spelling(
        'the values themselves, beside their paths: "set": {"Price": 10}', 'attr("Price").set(10)'
    ),
    "key": _KEY,
    "hashkey": _KEY,
    "rangekey": _KEY,
    "item": Spelling(
        'the body itself: {"Price": 10}; in a message "item": {"Author": "John Grisham", "Title": "The Rainmaker"}',
        'put(Book(author="John Grisham", title="The Rainmaker"))',
    ),
    "tablename": Spelling('the path /books; in a message "collection": "books"', "db.table(Book)"),
    "returnvalues": Spelling('"return_values": "ALL_NEW"', 'return_values="ALL_NEW"'),
    "returnvaluesonconditioncheckfailure": Spelling(
        "?return_values_on_condition_check_failure=NONE", 'return_values_on_condition_check_failure="NONE"'
    ),
    "returnconsumedcapacity": Spelling("?return_consumed_capacity=TOTAL", 'with db.measure("TOTAL") as usage:'),
    "returnitemcollectionmetrics": Spelling(
        "?return_item_collection_metrics=SIZE", "with db.measure(item_collections=True) as usage:"
    ),
    "keyconditionexpression": _QUERY,
    "keyconditions": _QUERY,
    "filterexpression": _WHERE,
    "filtercondition": _WHERE,
    "queryfilter": _WHERE,
    "scanfilter": _WHERE,
    "projectionexpression": _FIELDS,
    "attributestoget": _FIELDS,
    "consistentread": Spelling('"consistent": true', "consistent=True"),
    "scanindexforward": Spelling('"descending": true', "descending=True"),
    "indexname": Spelling('"index": "ByAccountType"', 'index="ByAccountType"'),
    "select": Spelling('"count": true', "count(condition)"),
    "totalsegments": Spelling('"segment": [0, 4]', "segment=(0, 4)"),
    "exclusivestartkey": Spelling('"next": the cursor of the page before', "next=page.next"),
    "requestitems": _BATCH,
    "transactitems": Spelling(
        '"writes": [{"put": {"collection": "books", "item": {}}}, {"check": {"collection": "books", "key": {}, "when": '
        "{}}}]",
        "db.transact([Write.put(book), Write.check(Book, key, when)])",
    ),
    "clientrequesttoken": Spelling(
        'the header Idempotency-Key; in a message "idempotency_key": "019b76da-b78f-79b6-a346-c31577915602"',
        'idempotency_key="019b76da-b78f-79b6-a346-c31577915602"',
    ),
    "overwritebypkeys": Spelling('"duplicates": "last"', 'BulkWrite.of(writes, duplicates="last")'),
    "putitem": Spelling("PUT /books/John%20Grisham/The%20Rainmaker", "put(book)"),
    "getitem": Spelling("GET /books/John%20Grisham/The%20Rainmaker", "get(key)"),
    "updateitem": Spelling("PATCH /books/John%20Grisham/The%20Rainmaker", "update(key, actions)"),
    "deleteitem": Spelling("DELETE /books/John%20Grisham/The%20Rainmaker", "delete(key)"),
    "batchgetitem": Spelling("POST /batch-get", "db.get_many({Book: [key]})"),
    "batchwriteitem": Spelling("POST /batch-write", "db.bulk_write(BulkWrite.of(writes))"),
    "transactwriteitems": Spelling("POST /transactions", "db.transact(writes)"),
}  # fmt: skip

DYNAMODB_JSON = 'the plain value: "Price": 10 for "Price": {"N": "10"}'
"""What is meant where a value stands there with its type."""

_TYPES = frozenset(["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"])


def spelling(name: str) -> Spelling | None:
    """How a name of another library is spelled here, None for any other name."""
    return _SPELLINGS.get(name.replace("_", "").lower())


def in_json(name: str) -> str | None:
    """The reason to give for such a name in a request."""
    found = spelling(name)
    return None if found is None else f"another library's spelling; here it is {found.json}"


def in_python(name: str) -> str | None:
    """The reason to give for such a name in a program."""
    found = spelling(name)
    return None if found is None else f"another library's spelling; here it is {found.python}"


def is_dynamodb_json(value: object) -> bool:
    """Whether the value is one with its type, as {"N": "10"}."""
    return isinstance(value, dict) and len(value) == 1 and not _TYPES.isdisjoint(value)


def foreign(names: Iterable[str]) -> list[str]:
    """Those of the names that another library spells so, in order."""
    return sorted(name for name in names if spelling(name) is not None)


def hinting(kind: type[C]) -> type[C]:
    """The class, whose methods say in a TypeError how a keyword of another library is spelled here, and whose missing
    attributes do so in their AttributeError."""
    for name, method in list(vars(kind).items()):
        if isinstance(method, FunctionType) and not name.startswith("_"):
            setattr(kind, name, _checked(method))
    kind.__getattr__ = _missing  # type: ignore[attr-defined]
    return kind


def _checked(method: FunctionType) -> Any:
    code = method.__code__
    known = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

    @wraps(method)
    def call(*args: Any, **keywords: Any) -> Any:
        for name in () if known.issuperset(keywords) else keywords.keys() - known:
            if hint := in_python(name):
                raise TypeError(f"{method.__name__}() has no argument {name}: {hint}")
        return method(*args, **keywords)

    return call


def _missing(instance: object, name: str) -> Any:
    hint = in_python(name)
    raise AttributeError(f"{type(instance).__name__} has no {name}" + (f": {hint}" if hint else ""))
