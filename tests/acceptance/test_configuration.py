"""The functions' configuration, and that models and template agree."""

from dataclasses import replace

import pytest

from bookstore.models import MODELS
from local import functions
from local.stack import check_models
from local.template import AttributeDefinition, KeyElement, Table, Template, TemplateError
from surewrite import Item
from surewrite.errors import ConfigurationError
from surewrite.settings import table_variable
from tests.acceptance.harness import Store

NEEDED = {
    "ApiFunction": ["BOOKS_TABLE", "LEDGER_TABLE", "PRODUCT_CATALOG_TABLE", "THREAD_TABLE", "USERS_TABLE"],
    "WorkerFunction": [
        "BOOKS_TABLE",
        "LEDGER_TABLE",
        "PRODUCT_CATALOG_TABLE",
        "REJECTED_QUEUE_URL",
        "THREAD_TABLE",
        "USERS_TABLE",
    ],
}


@pytest.mark.parametrize("function", NEEDED)
def test_every_missing_variable_is_named_at_once(store: Store, function: str) -> None:
    environment = store.environment(function)
    bare = {name: value for name, value in environment.items() if name not in NEEDED[function]}
    with pytest.raises(ConfigurationError) as caught:
        functions.load(store.definition.functions[function], bare)
    prefix, _, names = str(caught.value).partition(": ")
    assert prefix == "missing from the environment"
    assert sorted(names.split(", ")) == NEEDED[function]


@pytest.mark.parametrize(("function", "variable"), [(name, one) for name, needed in NEEDED.items() for one in needed])
def test_each_missing_variable_is_named(store: Store, function: str, variable: str) -> None:
    environment = {**store.environment(function), variable: ""}
    with pytest.raises(ConfigurationError, match=rf"^missing from the environment: {variable}$"):
        functions.load(store.definition.functions[function], environment)


@pytest.mark.parametrize("days", ["0", "-1", "soon", "nan", "inf"])
def test_a_retention_that_is_none(store: Store, days: str) -> None:
    environment = {**store.environment("ApiFunction"), "LEDGER_RETENTION_DAYS": days}
    with pytest.raises(ConfigurationError, match="LEDGER_RETENTION_DAYS"):
        functions.load(store.definition.functions["ApiFunction"], environment)


@pytest.mark.parametrize("names", ["WritesQueue", "WritesQueue=", "=app-WritesQueue-1", "A=a,B=b c"])
def test_queues_that_have_no_names(store: Store, names: str) -> None:
    environment = {**store.environment("WorkerFunction"), "QUEUES": names}
    with pytest.raises(ConfigurationError, match="QUEUES"):
        functions.load(store.definition.functions["WorkerFunction"], environment)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_models_key_is_its_tables(definition: Template, model: type[Item]) -> None:
    check_models(definition, [model])


@pytest.mark.parametrize(("name", "type_"), [("Id", "S"), ("ID", "N"), ("Id", "B")])
def test_a_model_with_another_key_than_its_table(definition: Template, name: str, type_: str) -> None:
    """`make serve` says so at its start: DynamoDB would refuse every write."""
    changed = Table(
        logical_id="ProductCatalog",
        key_schema=[KeyElement(attribute_name=name, key_type="HASH")],
        attribute_definitions=[AttributeDefinition.model_validate({"AttributeName": name, "AttributeType": type_})],
    )
    wrong = replace(definition, tables={**definition.tables, "ProductCatalog": changed})
    with pytest.raises(TemplateError) as caught:
        check_models(wrong, MODELS)
    assert str(caught.value) == f"ProductCatalog: the table's key is {name} ({type_}), the model's Id (N)"
    with pytest.raises(TemplateError, match="Book: the template has no table Books"):
        check_models(replace(definition, tables={}), MODELS)


@pytest.mark.parametrize("function", NEEDED)
def test_the_template_sets_every_variable(definition: Template, function: str) -> None:
    environment = definition.functions[function].environment
    assert all(environment.get(name) for name in NEEDED[function])
    variables = {table_variable(model.schema_.table): model.schema_.table for model in MODELS}
    assert {variables[name]: environment[name] for name in variables} == {name: name for name in variables.values()}
    assert environment["LEDGER_TABLE"] == "Ledger"


def test_every_table_has_a_model(definition: Template) -> None:
    assert definition.tables.keys() - {"Ledger"} == {model.schema_.table for model in MODELS}
