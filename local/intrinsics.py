"""Resolves CloudFormation's intrinsic functions in their long form: `{"Ref": "Books"}`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PLACEHOLDER = re.compile(r"\$\{(!?)([^}]+)\}")


class UnresolvedError(ValueError):
    """An intrinsic function that cannot be resolved here; the message says which and why."""


@dataclass
class Resolver:
    """Replaces intrinsic functions by their values.

    `refs` are for Ref, `attributes` for GetAtt ("Books.Arn"), `mappings` is the template's
    Mappings section. Raises UnresolvedError for a name that is not among them, or another function.
    """

    refs: Mapping[str, Any]
    attributes: Mapping[str, str] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)

    def __call__(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self(element) for element in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref" or str(name).startswith("Fn::"):
                return self._function(name, argument)
        return {name: self(element) for name, element in value.items()}

    def _function(self, name: str, argument: Any) -> Any:
        match name, self(argument) if name != "Fn::Sub" else argument:
            case "Ref", str(logical_id):
                return self._look_up(self.refs, logical_id, f"!Ref {logical_id}")
            case "Fn::GetAtt", [str(logical_id), str(attribute)]:
                key = f"{logical_id}.{attribute}"
                return self._look_up(self.attributes, key, f"!GetAtt {key}")
            case "Fn::Sub", str(text):
                return self._substitute(text, {})
            case "Fn::Sub", [str(text), dict(variables)]:
                return self._substitute(text, self(variables))
            case "Fn::Join", [str(delimiter), list(parts)]:
                return delimiter.join(map(str, parts))
            case "Fn::FindInMap", [str(first), str(second), str(third)]:
                where = f"!FindInMap [{first}, {second}, {third}]"
                return self._look_up(
                    self._look_up(self._look_up(self.mappings, first, where), second, where), third, where
                )
        raise UnresolvedError(f"{name.replace('Fn::', '!')} cannot be resolved locally")

    def _substitute(self, text: str, variables: Mapping[str, Any]) -> str:
        def value(match: re.Match[str]) -> str:
            literal, name = match.groups()
            if literal:
                return f"${{{name}}}"
            if name in variables:
                return str(variables[name])
            known = self.attributes if "." in name else self.refs
            return str(self._look_up(known, name, f"!Sub ${{{name}}}"))

        return _PLACEHOLDER.sub(value, text)

    @staticmethod
    def _look_up(known: Mapping[str, Any], name: str, where: str) -> Any:
        if name not in known:
            raise UnresolvedError(f"{where} is not known locally")
        return known[name]
