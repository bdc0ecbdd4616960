import pytest

from local import models
from local.template import AttributeDefinition, KeyElement, Table, TemplateError
from tests.models import Book, Product, Thing


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
