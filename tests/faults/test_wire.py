"""What happens to a call on the wire, through botocore: the proxy's faults, one by one."""

from typing import TYPE_CHECKING

import pytest

from surewrite import Boto3Transport, Client, Ledger, attr
from surewrite.commit.transport import boto3_client
from surewrite.testing import Exactly, Fault
from surewrite.writes import Write
from tests.engine.house import Keys
from tests.faults.proxy import FAULTS, Proxy
from tests.models import Book

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def _writer(proxy: Proxy, names: dict[str, str]) -> Client:
    client = boto3_client(endpoint_url=proxy.url)
    transport = Boto3Transport(client)
    return Client(Ledger(names["Ledger"]), transport=transport, tables={"Books": names["Books"]}, sleep=lambda _: None)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("returns", ["NONE", "ALL_NEW"])
def test_a_write_survives_what_happens_to_any_of_its_calls(
    dynamodb_endpoint: str,
    dynamodb_client: "DynamoDBClient",
    table_names: dict[str, str],
    keys: Keys,
    fault: Fault,
    returns: str,
) -> None:
    write = Write.update(Book, ("A", "T"), [attr("Views").add(1)], return_values=returns)
    with Proxy(dynamodb_endpoint) as proxy:
        writer = _writer(proxy, table_names)
        for number in range(1, 5):
            key = keys(str(number))
            proxy.restart(Exactly({number: fault}))
            for _ in range(2):
                assert writer.commit(write, key).attributes == (
                    {"Author": "A", "Title": "T", "Views": number} if returns == "ALL_NEW" else None
                ), proxy
    item = dynamodb_client.get_item(TableName=table_names["Books"], Key={"Author": {"S": "A"}, "Title": {"S": "T"}})
    assert item["Item"]["Views"] == {"N": "4"}


def test_a_response_that_breaks_off_is_none(dynamodb_endpoint: str, table_names: dict[str, str], keys: Keys) -> None:
    """botocore would take it for an item that is not there."""
    with Proxy(dynamodb_endpoint) as proxy:
        writer = _writer(proxy, table_names)
        writer.commit(Write.update(Book, ("A", "T"), [attr("Views").add(1)]), keys())
        for number in range(1, 30):
            proxy.restart(Exactly(dict.fromkeys(range(1, number), Fault.DROP_RESPONSE)))
            assert writer.find(keys()) is not None, proxy
            assert writer.table(Book).image(("A", "T"), consistent=True) is not None, proxy
