"""A client that openapi-python-client makes of the document, and what it does to the API that `make serve` runs."""

import importlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import ROOT, environment, serving

PACKAGE = "generated_bookstore"
GRISHAM = {"author": "John Grisham"}


class Generated:
    """The package: `call("books", "put_book", …)`, `model("BookInput", …)`."""

    def __init__(self, url: str) -> None:
        self._client = importlib.import_module(f"{PACKAGE}.client").Client(base_url=url)
        self._models = importlib.import_module(f"{PACKAGE}.models")

    def call(self, tag: str, operation: str, **arguments: Any) -> tuple[int, Any, httpx.Headers]:
        """Status, parsed body and headers."""
        module = importlib.import_module(f"{PACKAGE}.api.{tag}.{operation}")
        response = module.sync_detailed(client=self._client, **arguments)
        return int(response.status_code), response.parsed, response.headers

    def model(self, name: str, **members: Any) -> Any:
        return getattr(self._models, name)(**members)

    def of(self, name: str, value: Any) -> Any:
        """A model from JSON."""
        return getattr(self._models, name).from_dict(value)


@pytest.fixture(scope="module")
def package(bookstore: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Generated without a warning: each would be something that is missing in the client."""
    folder = tmp_path_factory.mktemp("generated")
    document = folder / "openapi.json"
    command = [sys.executable, "-m", "local", "openapi"]
    printed = subprocess.run(command, cwd=ROOT, env=environment(bookstore), capture_output=True, check=True)
    document.write_bytes(printed.stdout)
    # it formats what it has made with the ruff that it finds
    paths = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    generate = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning", "--meta", "none"]
    made = subprocess.run(
        [*generate, "--path", str(document), "--output-path", str(folder / PACKAGE)],
        env={**os.environ, "PATH": paths},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def api(package: Path, bookstore: Path) -> Iterator[Generated]:
    with serving(template=bookstore) as running:
        yield Generated(running.url)


def test_no_name_is_made_up(package: Path) -> None:
    """A schema without a name of its own gets a number for one."""
    numbered = {path.name for path in (package / PACKAGE / "models").glob("*_type_[0-9]*.py")}
    merged = {"book_patch_formats_type_0.py", "user_patch_address_type_0.py"}  # null, or any object
    assert numbered == merged | {"problem_item_type_0.py"}


def test_it_puts_patches_and_reads(api: Generated) -> None:
    book = {**GRISHAM, "title": "The Firm"}
    put = api.model("BookInput", category="Suspense", price=10.5, tags=["law"])
    status, created, headers = api.call("books", "put_book", **book, body=put, idempotency_key=str(uuid.uuid4()))
    assert (status, created.category, created.price, created.tags) == (201, "Suspense", 10.5, ["law"])
    change = api.of("BookUpdate", {"add": {"Views": 1}, "set": {"Formats.Audiobook": "8WE3KPTP"}})
    key = str(uuid.uuid4())
    for replayed in (None, "true"):
        status, shown, found = api.call("books", "update_book", **book, body=change, idempotency_key=key)
        assert (status, shown.views, shown.formats.to_dict()) == (200, 1, {"Audiobook": "8WE3KPTP"})
        assert found.get("idempotency-replayed") == replayed
    status, problem, _ = api.call("books", "update_book", **book, body=change, if_match=headers["etag"])
    assert (status, problem.title, problem.item["Views"]) == (412, "Precondition Failed", 1)
    status, read, _ = api.call("books", "get_book", **book, consistent=True, fields=["Views", "Category"])
    assert (status, read.views, read.category) == (200, 1, "Suspense")
    status, counted, _ = api.call(
        "books", "count_book", **book, attribute="Stock", body=api.of("CountBookBody", {"by": 3})
    )
    assert (status, counted.stock) == (200, 3)


def test_it_queries_page_by_page(api: Generated) -> None:
    subjects = [f"Thread {number}" for number in range(5)]
    writes = [
        {"put": {"collection": "threads", "item": {"ForumName": "paged", "Subject": subject, "Views": number}}}
        for number, subject in enumerate(subjects)
    ]
    status, written, _ = api.call("batches", "write_batch", body=api.of("BatchWriteBody", {"writes": writes}))
    assert (status, written.written) == (200, 5)

    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        status, page, _ = api.call("threads", "list_thread", partition="paged", limit=2, **cursor)
        assert status == 200
        found += [item.subject for item in page.items]
        if not page.next_:
            break
        cursor = {"next_": page.next_}
    assert found == subjects

    query = api.of("ThreadQuery", {"key": {"ForumName": {"eq": "paged"}}, "where": {"Views": {"ge": 3}}})
    status, page, _ = api.call("threads", "query_thread", body=query)
    assert (status, [item.views for item in page.items], page.scanned_count) == (200, [3, 4], 5)


def test_it_transacts(api: Generated) -> None:
    put = {"put": {"collection": "products", "item": {"Id": 71, "QuantityOnHand": 2}, "if_none_match": "*"}}
    check = {"check": {"collection": "products", "key": {"Id": 72}, "when": {"Id": {"not_exists": True}}}}
    body = api.of("TransactionBody", {"writes": [put, check]})
    status, result, _ = api.call("transactions", "transact", body=body, idempotency_key=str(uuid.uuid4()))
    assert status == 200
    assert [etag is None for etag in result.etags] == [False, True]
    status, problem, _ = api.call("transactions", "transact", body=body)
    assert (status, problem.errors[0].pointer, problem.item["Id"]) == (412, "/writes/0", 71)
    asked = api.of("BatchGetBody", {"keys": {"products": [{"Id": 71}, {"Id": 72}]}})
    status, read, _ = api.call("batches", "get_batch", body=asked)
    assert [item.quantity_on_hand for item in read.items.products] == [2]
    assert [key.id for key in read.missing.products] == [72]


def test_it_polls_an_operation(api: Generated) -> None:
    key = str(uuid.uuid4())
    status, operation, headers = api.call(
        "products", "count_product", id=73, attribute="QuantityOnHand", idempotency_key=key, prefer="respond-async"
    )
    assert (status, operation.status, headers["location"]) == (202, "pending", f"/operations/{key}")
    deadline = time.monotonic() + 30
    while operation.status == "pending":
        assert time.monotonic() < deadline
        time.sleep(0.2)
        status, operation, _ = api.call("operations", "get_operation", key=key)
        assert status == 200
    assert operation.status == "applied"
    assert api.call("products", "get_product", id=73)[1].quantity_on_hand == 1
