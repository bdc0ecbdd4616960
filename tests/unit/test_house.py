"""The house: folders import one way, modules are small, and everything public is at the top."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

import surewrite
from surewrite import errors

LIBRARY = Path(surewrite.__file__).parent
MODULES = {
    ".".join(path.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__"): path
    for path in LIBRARY.rglob("*.py")
}
# from the lowest floor to the highest
FLOORS = [
    ["errors", "hints", "paths"],
    ["model"],
    ["expressions"],
    ["writes"],
    ["commit"],
    ["reading"],
    ["batch_get", "batch_writer", "parallel_scan", "resource"],
    ["table"],
    ["settings"],
    ["client"],
    ["requests"],
    ["messages", "queries", "cursors"],
    ["reader"],
    ["openapi"],
    ["operations"],
    ["sqs"],
    ["doctor", "transfer"],
    ["cli"],
    ["testing"],
    ["__init__"],
]


def floor(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if module.split(".")[0] in rooms)


def imports(module: str) -> Iterator[str]:
    """The library's modules that a module imports, at its top or anywhere else."""
    package = MODULES[module].parent.relative_to(LIBRARY).parts
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                target = ".".join([*base, alias.name])
                yield target if target in MODULES else ".".join(base)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_go_down(module: str) -> None:
    if module == "__init__":
        return
    upwards = [target for target in imports(module) if floor(target or "__init__") > floor(module)]
    assert upwards == []


def test_no_module_imports_itself_in_a_circle() -> None:
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in done:
            for target in set(imports(module)) - {module}:
                visit(target, (*way, module))
            done.add(module)

    for module in MODULES.keys() - {"__init__"}:
        visit(module, ())


def test_modules_are_small() -> None:
    lengths = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert max(lengths.values()) <= 400
    assert median(lengths.values()) <= 150


def test_one_place_reads_the_reasons_of_a_cancellation() -> None:
    """`judge`, from what `Session` hands to it; the test doubles make reasons, they do not read them."""
    texts = {module: path.read_text() for module, path in MODULES.items() if not module.startswith("testing")}
    readers = {module for module, text in texts.items() if "CancellationReasons" in text or ".reasons" in text}
    assert readers == {"commit.failures", "commit.session"}


def test_every_public_name_is_at_the_top() -> None:
    tree = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.SurewriteError)
    }
    assert tree <= set(surewrite.__all__)
    assert all(getattr(surewrite, name) for name in surewrite.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        surewrite.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_a_type_checker_sees_what_is_there_at_run_time() -> None:
    seen = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(MODULES["__init__"].read_text()))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen - {"TYPE_CHECKING", "Any", "import_module"} == set(surewrite.__all__)


def test_importing_the_library_imports_nothing_else() -> None:
    code = "import sys, surewrite; print(*sorted(name for name in sys.modules if name.startswith('surewrite.')))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=LIBRARY.parent)
    assert (printed.stdout.split(), printed.stderr) == ([], "")
