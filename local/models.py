"""The models that the functions serve: whether they fit the template's tables, and a path for the banner."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

from local.template import Table, TemplateError

if TYPE_CHECKING:
    from surewrite import Item


def check(models: "Iterable[type[Item]]", tables: Mapping[str, Table]) -> None:
    """TemplateError where a model has no table, another key than its table, an index that its table does not have, or
    another time to live: DynamoDB would refuse every write, or every read of the index, or delete what is to stay."""
    for model in models:
        name, key = model.schema_.table, {one.name: one.type for one in model.schema_.key_attributes}
        if name not in tables:
            raise TemplateError(f"{model.__name__}: the template has no table {name}")
        if list(tables[name].key.items()) != list(key.items()):
            raise TemplateError(f"{name}: the table's key is {_text(tables[name].key)}, the model's {_text(key)}")
        for index in model.schema_.indexes.values():
            found = tables[name].index_keys(index.name, local=index.local)
            if found != [key.name for key in index.keys]:
                kind = "local" if index.local else "global"
                wanted = " and ".join(key.name for key in index.keys)
                raise TemplateError(f"{name}: the template has no {kind} index {index.name} on {wanted}, the model has")
        if tables[name].ttl != model.schema_.ttl:
            raise TemplateError(
                f"{name}: the table's time to live is {tables[name].ttl}, the model's {model.schema_.ttl}"
            )


def path(model: "type[Item]") -> str:
    """The path of an item that the model could have: `/books/Author/Title`."""
    values = {"S": "{}", "N": "1", "B": "AA=="}
    key = [values[one.type].format(one.name) for one in model.schema_.key_attributes]
    return "".join(f"/{quote(segment, safe='')}" for segment in (model.schema_.collection, *key))


def _text(key: Mapping[str, str]) -> str:
    return " and ".join(f"{name} ({kind})" for name, kind in key.items())
