"""Stacks of the tests' own models, served as `make serve` serves a deployment, whatever models that has of its own."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from local.scaffold import marks, parts
from surewrite import Item
from tests import theatre
from tests.models import BOOKSTORE
from tests.serving import ROOT

_FOLDER = re.compile(r"((?:CodeUri|ContentUri): )(\S+)")


@pytest.fixture(scope="session")
def bookstore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """template.yaml with the bookstore's tables, and with its models in the place of the deployment's."""
    source = (ROOT / "tests/models.py").read_text() + "\n\nMODELS = BOOKSTORE\n"
    return _stack(tmp_path_factory.mktemp("bookstore"), source, BOOKSTORE)


@pytest.fixture(scope="session")
def theatre_stack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same of the theatre, which is another domain."""
    return _stack(tmp_path_factory.mktemp("theatre"), (ROOT / "tests/theatre.py").read_text(), theatre.MODELS)


def _stack(folder: Path, source: str, models: Sequence[type[Item]]) -> Path:
    layer = folder / "layers/bookstore/bookstore"
    layer.mkdir(parents=True)
    (layer / "__init__.py").touch()
    (layer / "models.py").write_text(source)

    def absolute(found: re.Match[str]) -> str:
        return found[1] + str((folder if found[2] == "layers/bookstore" else ROOT) / found[2])

    deployed = ROOT / "template.yaml"
    text, _ = marks.rewrite(deployed, deployed.read_text(), parts.parts(models, deployed.read_text()))
    path = folder / "template.yaml"
    path.write_text(_FOLDER.sub(absolute, text))
    return path
