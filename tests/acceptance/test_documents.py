"""The README and the documents do what they say: their snippets run."""

import contextlib
import io
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from local import aws, engines
from local.engines import ROOT
from surewrite.testing import create_tables
from tests import models
from tests.markdown import blocks
from tests.models import MODELS

# Items of the documents' own, and a table that was restored.
_OTHER_TABLES = {
    "orders": ("order_id", "created_at"),
    "accounts": ("user_id",),
    "Books-restored": ("Author", "Title"),
}


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An engine of its own, whose tables have the names that the documents use, where boto3 finds it."""
    with engines.dynoxide() as endpoint:
        client = aws.dynamodb_client(endpoint)
        create_tables(client, MODELS)
        for name, key in _OTHER_TABLES.items():
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in key],
                KeySchema=[
                    {"AttributeName": part, "KeyType": "RANGE" if position else "HASH"}
                    for position, part in enumerate(key)
                ],
            )
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        monkeypatch.setitem(sys.modules, "bookstore.models", models)  # whatever the deployment's are
        yield


@pytest.mark.parametrize(
    "documents",
    [["README.md"], ["docs/library.md", "docs/writes.md", "docs/reads.md"], ["docs/operate.md"]],
    ids=["README.md", "library", "operate.md"],
)
@pytest.mark.usefixtures("engine")
def test_snippets(documents: list[str]) -> None:
    """Those of several documents go on from one to the next."""
    names: dict[str, object] = {"__name__": Path(documents[0]).stem}
    for document in documents:
        found = blocks((ROOT / document).read_text())
        snippets = [code for language, code in found if language == "python"]
        assert snippets
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            for code in snippets:
                exec(compile(code, document, "exec"), names)  # noqa: S102 - the documents' own code
        output = [text for (before, _), (kind, text) in pairwise(found) if before == "python" and kind == "text"]
        assert printed.getvalue() == "".join(output)


def test_the_two_commands() -> None:
    language, commands = blocks((ROOT / "README.md").read_text())[0]
    assert language == "sh"
    assert [line.split("#")[0].split() for line in commands.splitlines()] == [["make", "serve"], ["make", "test"]]
