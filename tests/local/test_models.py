import pytest

from local import models
from local.template import AttributeDefinition, KeyElement, Table, TemplateError, TimeToLive
from tests.models import Book, Offer, Product, Thing, Thread


@pytest.mark.parametrize(("name", "type_"), [("Id", "S"), ("ID", "N"), ("Id", "B")])
def test_a_model_with_another_key_than_its_table(name: str, type_: str) -> None:
    """`make serve` says so at its start: DynamoDB would refuse every write."""
    table = Table(
        logical_id="ProductCatalog",
        key_schema=[KeyElement(attribute_name=name, key_type="HASH")],
        attribute_definitions=[AttributeDefinition.model_validate({"AttributeName": name, "AttributeType": type_})],
    )
    with pytest.raises(TemplateError) as caught:
        models.check([Product], {"ProductCatalog": table})
    assert str(caught.value) == f"ProductCatalog: the table's key is {name} ({type_}), the model's Id (N)"


def test_a_model_without_a_table() -> None:
    with pytest.raises(TemplateError, match="Book: the template has no table Books"):
        models.check([Book], {})


def test_the_path_of_an_item() -> None:
    assert [models.path(model) for model in (Book, Product, Thing)] == [
        "/books/Author/Title",
        "/products/1",
        "/things/AA%3D%3D/1",
    ]


def _threads(**indexes: object) -> dict[str, Table]:
    table = {
        "logical_id": "Thread",
        "key_schema": [
            {"AttributeName": "ForumName", "KeyType": "HASH"},
            {"AttributeName": "Subject", "KeyType": "RANGE"},
        ],
        "attribute_definitions": [
            {"AttributeName": name, "AttributeType": "S"} for name in ("ForumName", "Subject", "LastPostDateTime")
        ],
        **indexes,
    }
    return {"Thread": Table.model_validate(table)}


def _index(sort: str) -> list[dict[str, object]]:
    keys = [("ForumName", "HASH"), (sort, "RANGE")]
    schema = [{"AttributeName": name, "KeyType": role} for name, role in keys]
    return [{"IndexName": "LastPostIndex", "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}]


def test_the_indexes_of_a_model() -> None:
    models.check([Thread], _threads(local_secondary_indexes=_index("LastPostDateTime")))
    for tables in (
        _threads(),
        _threads(local_secondary_indexes=_index("Subject")),
        _threads(global_secondary_indexes=_index("LastPostDateTime")),
    ):
        with pytest.raises(TemplateError) as caught:
            models.check([Thread], tables)
        wanted = "ForumName and LastPostDateTime"
        assert str(caught.value) == f"Thread: the template has no local index LastPostIndex on {wanted}, the model has"


def test_the_time_to_live_of_a_model() -> None:
    def table(enabled: bool) -> Table:
        return Table(
            logical_id="Offers",
            key_schema=[KeyElement(attribute_name="id", key_type="HASH")],
            attribute_definitions=[AttributeDefinition(attribute_name="id", attribute_type="S")],
            time_to_live_specification=TimeToLive(attribute_name="low", enabled=enabled),
        )

    models.check([Offer], {"Offers": table(enabled=False)})
    with pytest.raises(TemplateError, match=r"^Offers: the table's time to live is low, the model's None$"):
        models.check([Offer], {"Offers": table(enabled=True)})
