"""Partial instances: of an item only some attributes were read.

They are of the model's type, have no defaults, and cannot be stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from ..paths import Element, Path
from .annotations import alias_of, arms_of, unannotated
from .coerce import PARTIAL
from .keys import type_adapter

B = TypeVar("B", bound=BaseModel)

_Tree = dict[Element, Any]
"""What was read below a place: by element. Empty where it was read whole."""


def partial_instance(model: type[B], image: Mapping[str, Any], paths: Iterable[Path] | None) -> B:
    """An instance of the attributes in the image. Without `paths` nothing nested is taken for whole."""
    return _instance(model, image, None if paths is None else _tree(paths))


def lenient_instance(model: type[B], image: Mapping[str, Any]) -> B:
    """An instance of a whole item that violates its model: what is invalid stands in it as it is stored."""
    whole = _instance(model, image, {alias: {} for alias in image}, reason="it violates its model")
    for name, info in model.model_fields.items():
        if name not in whole.__dict__ and not info.is_required():
            whole.__dict__[name] = info.get_default(call_default_factory=True, validated_data=whole.__dict__)
    return whole


def _tree(paths: Iterable[Path]) -> _Tree:
    tree: _Tree = {}
    for path in sorted(paths, key=len, reverse=True):
        branch = tree
        for element in path[:-1]:
            branch = branch.setdefault(0 if isinstance(element, int) else element, {})
        branch[0 if isinstance(path[-1], int) else path[-1]] = {}
    return tree


def _instance(
    model: type[B], image: Mapping[str, Any], tree: _Tree | None, reason: str = "only a part of it was read"
) -> B:
    fields = {alias_of(name, info): (name, info) for name, info in model.model_fields.items()}
    present: dict[str, Any] = {}
    for alias, value in image.items():
        branch = None if tree is None else tree.get(alias, {})
        if alias in fields:
            name, info = fields[alias]
            present[name] = _value(info.annotation, tuple(info.metadata), value, branch)
        elif model.model_config.get("extra") == "allow":
            present[alias] = value
    instance = model.model_construct(_fields_set=set(present), **present)
    for name in model.model_fields.keys() - present.keys():
        instance.__dict__.pop(name, None)  # its default
    instance.__dict__[PARTIAL] = reason
    return instance


def _value(annotation: Any, metadata: tuple[Any, ...], value: Any, branch: _Tree | None) -> Any:
    """The value, validated where it was read whole."""
    if branch == {}:
        try:
            return type_adapter(annotation, *metadata).validate_python(value)
        except ValidationError:
            branch = None
    for arm in map(unannotated, arms_of(annotation)):
        made = _part(arm, value, branch)
        if made is not None:
            return made
    try:
        return type_adapter(annotation, *metadata).validate_python(value)
    except ValidationError:
        return value


def _part(arm: Any, value: Any, branch: _Tree | None) -> Any:
    """A value of which a part may be missing, None if the arm of the annotation is no container of such a value."""
    origin, args = get_origin(arm) or arm, get_args(arm)
    if not isinstance(origin, type):
        return None
    if isinstance(value, Mapping):
        if issubclass(origin, BaseModel):
            return _instance(origin, value, branch)
        if issubclass(origin, Mapping) and len(args) == 2:
            below = {name: None if branch is None else branch.get(name, {}) for name in value}
            return {name: _value(args[1], (), member, below[name]) for name, member in value.items()}
    if isinstance(value, list) and issubclass(origin, Sequence) and args:
        below_each = None if branch is None else branch.get(0, {})
        return [_value(args[0], (), member, below_each) for member in value]
    return None
