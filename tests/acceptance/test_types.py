"""What a type checker says of the documents' code, and of mistakes in it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = next(
    code
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    if "Client(" in code
)


def check(folder: Path, code: str) -> list[str]:
    """The errors of `mypy --strict`, each with its line number."""
    (folder / "example.py").write_text(code)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary", "example.py"]
    cache = f"--cache-dir={ROOT / '.mypy_cache' / 'documents'}"
    run = subprocess.run(
        [*command, cache],
        cwd=folder,
        env={"MYPYPATH": str(ROOT / "layers" / "surewrite"), "PATH": ""},
        capture_output=True,
        text=True,
    )
    return [line.removeprefix("example.py:") for line in run.stdout.splitlines() if ": error:" in line]


def test_the_readmes_example(tmp_path: Path) -> None:
    assert check(tmp_path, EXAMPLE) == []


@pytest.mark.parametrize(
    "mistake",
    [
        "books.put(book, abcent=True)",
        'books.put("The Rainmaker")',
        'books.update(("a", "b"), {attr("Views").add(1)}, return_values="ALL")',
        'books.update(("a", "b"), {attr("Views").add(1)}).views',
        'books.delete(("a", "b"), return_values="ALL_NEW")',
        'Client(ledgr="Ledger")',
    ],
)
def test_a_mistake_is_found(tmp_path: Path, mistake: str) -> None:
    (error,) = check(tmp_path, EXAMPLE + mistake + "\n")
    assert error.startswith(str(len(EXAMPLE.splitlines()) + 1))


def test_an_update_that_shows_the_new_item_returns_one(tmp_path: Path) -> None:
    update = 'books.update(("a", "b"), {attr("Views").add(1)}, return_values="ALL_NEW")'
    assert check(tmp_path, f"{EXAMPLE}new: Book = {update}\n") == []
