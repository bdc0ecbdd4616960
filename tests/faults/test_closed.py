"""The transport fails closed: what is not sent whole is no valid request."""

from typing import TYPE_CHECKING, Any

import pytest

from surewrite import Boto3Transport, Client, Write
from surewrite.errors import ConfigurationError, SurewriteError
from tests.engine.house import House, Keys
from tests.faults.ways import book
from tests.models import Book

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_EVENT = "before-call.dynamodb.TransactWriteItems"


def deaf(client: Any) -> Boto3Transport:
    """A transport whose hook is never called, as with a botocore that knows no such event."""
    transport = Boto3Transport(client)
    client.meta.events.unregister(_EVENT, transport._fill)
    return transport


@pytest.fixture
def own_client(dynamodb_endpoint: str) -> "DynamoDBClient":
    from local import aws

    return aws.dynamodb_client(dynamodb_endpoint)


def test_without_its_hook_no_transaction_is_valid(house: House, name: str, keys: Keys, own_client: Any) -> None:
    db, key = house.on(deaf(own_client)), keys()
    with pytest.raises(SurewriteError) as failed:
        db.commit(Write.put(book(name)), key)
    assert not isinstance(failed.value, ConfigurationError) or "botocore" in str(failed.value)
    assert house.holds(key) is None
    assert house.stored(Book, ("a", name)) is None


def test_what_was_sent_is_checked() -> None:
    """Should the service take a request without the actions after all, that is no success."""

    class Taking:
        """A client that takes everything."""

        class meta:  # noqa: N801 - boto3's name
            class events:  # noqa: N801
                @staticmethod
                def register(*args: Any, **kwargs: Any) -> None:
                    pass

        def transact_write_items(self, **request: Any) -> dict[str, Any]:
            assert request["TransactItems"] == [{}]
            return {}

    with pytest.raises(ConfigurationError, match="botocore"):
        Client(transport=Boto3Transport(Taking())).commit(Write.put(book("x")), "k")
