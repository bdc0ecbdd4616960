"""The deployment's own: the functions' configuration, and that its models and its template agree."""

import os
import subprocess
import sys

import pytest

from bookstore.models import MODELS
from local import functions, models
from local.scaffold.command import scaffold
from local.template import Template
from surewrite import Item
from surewrite.errors import ConfigurationError
from surewrite.settings import Settings, table_variable
from tests.acceptance.harness import ROOT

_TABLES = [*(table_variable(model.schema_.table) for model in MODELS), "LEDGER_TABLE"]
_QUEUES = ["OPERATIONS_QUEUE", "REJECTED_OPERATIONS_QUEUE_URL", "REJECTED_QUEUE_URL"]
NEEDED = {
    "ApiFunction": sorted([*_TABLES, "CURSOR_KEY", "OPERATIONS_QUEUE_URL"]),
    "WorkerFunction": sorted([*_TABLES, *_QUEUES]),
}


def environment(definition: Template, function: str) -> dict[str, str]:
    return functions.environment(definition.functions[function], {})


@pytest.mark.parametrize("function", NEEDED)
def test_every_missing_variable_is_named_at_once(definition: Template, function: str) -> None:
    variables = environment(definition, function)
    bare = {name: value for name, value in variables.items() if name not in NEEDED[function]}
    with pytest.raises(ConfigurationError) as caught:
        functions.load(definition.functions[function], bare)
    prefix, _, names = str(caught.value).partition(": ")
    assert prefix == "missing from the environment"
    assert sorted(names.split(", ")) == NEEDED[function]


def test_a_short_secret_is_refused(definition: Template) -> None:
    variables = {**environment(definition, "ApiFunction"), "CURSOR_KEY": "short"}
    with pytest.raises(ConfigurationError, match=r"^CURSOR_KEY: at least 32 characters are needed, without spaces$"):
        functions.load(definition.functions["ApiFunction"], variables)


@pytest.mark.parametrize(("function", "variable"), [(name, one) for name, needed in NEEDED.items() for one in needed])
def test_each_missing_variable_is_named(definition: Template, function: str, variable: str) -> None:
    variables = {**environment(definition, function), variable: ""}
    with pytest.raises(ConfigurationError, match=rf"^missing from the environment: {variable}$"):
        functions.load(definition.functions[function], variables)


@pytest.mark.parametrize("function", NEEDED)
@pytest.mark.parametrize(
    ("variable", "text"), [("LEDGER_RETENTION_DAYS", "soon"), ("LEDGER_PACKING", "maybe"), ("LEDGER_SLOT_MS", "0")]
)
def test_a_ledger_that_is_set_wrongly(definition: Template, function: str, variable: str, text: str) -> None:
    variables = {**environment(definition, function), variable: text}
    with pytest.raises(ConfigurationError, match=variable):
        functions.load(definition.functions[function], variables)


@pytest.mark.parametrize("function", NEEDED)
def test_the_template_sets_the_defaults_of_the_ledger(definition: Template, function: str) -> None:
    """Both functions keep keys in one ledger, and so in the same way."""
    variables = environment(definition, function)
    settings = Settings.read(variables, MODELS)
    assert settings == Settings.read({name: variables[name] for name in _TABLES}, MODELS)
    assert (variables["LEDGER_PACKING"], variables["LEDGER_SLOT_MS"]) == ("on", "100")


@pytest.mark.parametrize("names", ["WritesQueue", "WritesQueue=", "=app-WritesQueue-1", "A=a,B=b c"])
def test_queues_that_have_no_names(definition: Template, names: str) -> None:
    variables = {**environment(definition, "WorkerFunction"), "QUEUES": names}
    with pytest.raises(ConfigurationError, match="QUEUES"):
        functions.load(definition.functions["WorkerFunction"], variables)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_a_models_key_is_its_tables(definition: Template, model: type[Item]) -> None:
    models.check([model], definition.tables)


@pytest.mark.parametrize("function", NEEDED)
def test_the_template_sets_every_variable(definition: Template, function: str) -> None:
    environment = definition.functions[function].environment
    assert all(environment.get(name) for name in NEEDED[function])
    variables = {table_variable(model.schema_.table): model.schema_.table for model in MODELS}
    assert {variables[name]: environment[name] for name in variables} == {name: name for name in variables.values()}
    assert environment["LEDGER_TABLE"] == "Ledger"


def test_what_depends_on_the_models_is_written_from_them() -> None:
    """`make scaffold` writes it."""
    stale = scaffold(ROOT / "template.yaml", MODELS, ROOT / "functions" / "api" / "examples.json").stale
    assert stale == [], "make scaffold"


def test_every_table_has_a_model(definition: Template) -> None:
    assert definition.tables.keys() - {"Ledger"} == {model.schema_.table for model in MODELS}


@pytest.mark.parametrize("function", NEEDED)
def test_the_garbage_collector_is_only_off_during_the_start(definition: Template, function: str) -> None:
    """In an interpreter of its own: what a function leaves behind here would not be its own doing."""
    code = "import app, gc; print(gc.isenabled(), gc.get_freeze_count() > 0)"
    folders = [definition.functions[function].code_uri, *definition.functions[function].layers]
    variables = {**os.environ, **environment(definition, function), "PYTHONPATH": os.pathsep.join(map(str, folders))}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
