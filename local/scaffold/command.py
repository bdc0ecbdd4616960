"""`python -m local scaffold`: everything that depends on the models, written again, or only compared."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from local import functions, template
from local.scaffold import events, examples, marks, parts
from local.scaffold.requests import SampleError, requests

if TYPE_CHECKING:
    from surewrite import Item


@dataclass
class Scaffold:
    """Files by what belongs into them, those only that are otherwise. `stale` says what is otherwise, in words;
    `notes` is what only a person can do."""

    files: dict[Path, str] = field(default_factory=dict)
    stale: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def write(self) -> None:
        for path, text in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")


def run(path: Path, *, check: bool) -> int:
    """Writes what is stale, or with `check` only says so; returns the exit code: 1 if something is to be written.

    Raises TemplateError and LoadError.
    """
    api = functions.documented(template.read(path))
    made = scaffold(path, functions.module(api, "documentation").MODELS, api.code_uri / "examples.json")
    for note in made.notes:
        print(f"Note: {note}", file=sys.stderr)
    for one in made.stale:
        print(f"{one}: " + ("not as the models have it, make scaffold writes it" if check else "written"))
    if not made.stale:
        print("Everything is as the models have it.")
    if not check:
        made.write()
    return 1 if check and made.stale else 0


def scaffold(path: Path, models: "Sequence[type[Item]]", kept: Path) -> Scaffold:
    """What has to be written for the models: into the template at `path`, into events/ beside it, and into the file
    where the examples of the document are `kept`. TemplateError."""
    made = Scaffold()
    _template(made, path, models)
    _requests(made, path, models, kept)
    return made


def _template(made: Scaffold, path: Path, models: "Sequence[type[Item]]") -> None:
    text = path.read_text(encoding="utf-8")
    new, stale = marks.rewrite(path, text, parts.parts(models, text))
    template.parse(path, new)  # before it is written
    if stale:
        made.files[path] = new
        made.stale.append(f"{path.name}: {', '.join(stale)}")


def _requests(made: Scaffold, path: Path, models: "Sequence[type[Item]]", kept: Path) -> None:
    """The examples of the document; and for a collection that has none requests of its own, as examples and events."""
    described, folder = document(models), path.parent / "events"
    routes = template.read(path).routes
    there = kept.read_text(encoding="utf-8") if kept.exists() else "[]"
    wanted = examples.fitting(models, described, json.loads(there))
    shown = {examples.collection_of(example) for example in wanted}
    for model in models:
        collection = model.schema_.collection
        if collection in shown:
            continue
        try:
            own = requests(model, described)
        except SampleError as error:
            made.notes.append(str(error))
            continue
        wanted += [examples.of_request(collection, one) for one in own.api if one.body is not None]
        made.files |= events.files(folder, collection, own, routes)
        made.stale.append(f"events/{collection}")
    if (text := examples.text(wanted)) != there:
        made.files[kept] = text
        made.stale.append(kept.name)
    made.notes += _left_over(folder, {model.schema_.collection for model in models})


def document(models: "Iterable[type[Item]]") -> Mapping[str, Any]:
    """The OpenAPI document of the models, in plain JSON."""
    from surewrite import openapi
    from surewrite.model.json import dumps

    plain: Mapping[str, Any] = json.loads(dumps(openapi.document(models)))
    return plain


def _left_over(folder: Path, collections: set[str]) -> Iterator[str]:
    for one in sorted(folder.glob("*/")):
        if one.name not in collections:
            yield f"events/{one.name} is of no collection: delete it"
