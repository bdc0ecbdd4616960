"""The parts of a file that are written by a program, each between two comments:

    # models: tables
    …
    # end of models: tables

A part may stand in several places. What stands outside of the marks is nobody's but its author's.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import dedent, indent

from local.template import TemplateError

Lines = list[str]
Part = Callable[[Sequence[str]], Lines]
"""The lines of a part, from those that stand there; both without the indentation of the marks."""

_MARK = re.compile(r"^(?P<margin> *)# (?P<end>end of )?models: (?P<name>.+)$")


def rewrite(path: Path, text: str, parts: Mapping[str, Part]) -> tuple[str, list[str]]:
    """The text with every part as it should be, and the names of those that were otherwise.

    TemplateError for a part without its marks, a mark without its other half, and one of no part.
    """
    written: Lines = []
    stale: dict[str, None] = {}
    lines, found = iter(enumerate(text.splitlines(), 1)), set[str]()
    for number, line in lines:
        written.append(line)
        if (mark := _MARK.match(line)) is None:
            continue
        name = mark["name"]
        if mark["end"] or name not in parts:
            reason = "has no beginning" if mark["end"] else f"is not one of: {', '.join(parts)}"
            raise TemplateError(f"{path}:{number}: the mark `{line.strip()}` {reason}")
        there, end = _until_the_end(path, number, name, lines)
        new = _at(mark["margin"], parts[name](dedent("\n".join(there)).splitlines()))
        written += [*new, end]
        found.add(name)
        if new != there:
            stale[name] = None
    if missing := [name for name in parts if name not in found]:
        marks = f"`# models: {missing[0]}` and `# end of models: {missing[0]}`"
        raise TemplateError(f"{path}: the marks {marks} are missing")
    return "\n".join(written) + "\n", list(stale)


def _until_the_end(path: Path, start: int, name: str, lines: Iterator[tuple[int, str]]) -> tuple[Lines, str]:
    there: Lines = []
    for number, line in lines:
        if mark := _MARK.match(line):
            if mark["end"] and mark["name"] == name:
                return there, line
            raise TemplateError(f"{path}:{number}: `{line.strip()}` stands before the end of `# models: {name}`")
        there.append(line)
    raise TemplateError(f"{path}:{start}: the mark `# models: {name}` has no `# end of models: {name}`")


def _at(margin: str, lines: Lines) -> Lines:
    return indent("\n".join(lines), margin).splitlines()
