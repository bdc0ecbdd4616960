"""The Makefile's set-up, in a folder of its own: nothing is installed here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Makefile and what it reads, nothing installed."""
    for name in ("Makefile", "package.json", "package-lock.json", "requirements/dev.txt", "requirements/ministack.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((ROOT / name).read_bytes())
    return tmp_path


def make(folder: Path, *arguments: str, path: str | None = None) -> "subprocess.CompletedProcess[str]":
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["/usr/bin/env", "make", f"PYTHON={sys.executable}", *arguments],
        cwd=folder,
        env=variables | ({"PATH": path} if path else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(("link", "target"), [(".venv", ".venv"), (".engines", ".engines/ministack")])
def test_what_a_symbolic_link_points_to_is_not_emptied(folder: Path, link: str, target: str) -> None:
    shared = folder / "shared"
    shared.mkdir()
    (shared / "kept").touch()
    (folder / link).symlink_to(shared)
    made = make(folder, f"{target}/installed")
    assert made.returncode != 0
    assert f"{link} is a symbolic link" in made.stderr
    assert [path.name for path in shared.iterdir()] == ["kept"]


def test_env_prints_nothing_but_shell_code(folder: Path) -> None:
    """No npm, no Dynoxide: whatever make has to say about that does not reach the shell's eval."""
    python = folder / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho \"export CALLED='$*'\"\n")
    python.chmod(0o755)
    (folder / ".venv/installed").touch()
    (folder / ".engines/ministack").mkdir(parents=True)
    (folder / ".engines/ministack/installed").touch()
    made = make(folder, "-s", "env", "FUNCTION=WorkerFunction", path="/usr/bin:/bin")
    assert (made.returncode, made.stdout) == (0, "export CALLED='-m local env WorkerFunction'\n")


def test_dynamodb_local_without_maven_is_one_clear_line(folder: Path) -> None:
    (folder / "tests/dynamodb_local").mkdir(parents=True)
    for name in ("pom.xml", "jars.sha256"):
        (folder / "tests/dynamodb_local" / name).touch()
    (folder / "bin").mkdir()
    program = shutil.which("make")
    assert program is not None
    (folder / "bin/make").symlink_to(program)
    made = make(folder, "-s", ".engines/dynamodb-local/installed", path=str(folder / "bin"))
    first, *_ = made.stderr.splitlines()
    assert (made.returncode, first) == (2, "ENGINE=dynamodb-local needs a JDK, 17 or newer, and Maven: install them")


def test_an_engine_that_is_none_is_one_clear_line() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "tests/unit/test_paths.py"],
        cwd=ROOT,
        env={**os.environ, "ENGINE": "dynamo"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == pytest.ExitCode.USAGE_ERROR
    assert ran.stderr.strip().startswith("ERROR: ENGINE must be one of dynoxide, ministack, dynamodb-local")
    assert len(ran.stderr.strip().splitlines()) == 1
