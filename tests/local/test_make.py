"""The Makefile's set-up, in a folder of its own: nothing is installed here."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.serving import ROOT

LISTS = ("requirements/dev.txt", "requirements/ministack.txt")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Makefile and what it reads, nothing installed."""
    for name in ("Makefile", "pyproject.toml", "package.json", "package-lock.json", *LISTS):
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


@pytest.fixture
def installed(folder: Path) -> Path:
    """All that `make invoke` needs is there, as programs that only say what they are told."""
    for name in (".venv", ".engines/rie", ".engines/sam"):
        (folder / name / "bin").mkdir(parents=True)
        (folder / name / "installed").touch()
    sam = "mkdir -p .aws-sam/local; echo $* $ARCHITECTURE >>.aws-sam/local/template.yaml"
    for name, script in {".venv/bin/python": "echo $*", ".engines/sam/bin/sam": sam}.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    for name in ("template.yaml", "requirements/layer.txt", "requirements/rie.txt", "requirements/sam.txt"):
        (folder / name).write_bytes(b"")
        os.utime(folder / name, (0, 0))
    for name in ("layers", "functions"):
        (folder / name).mkdir()
    return folder


@pytest.mark.parametrize("document", ["README.md", "events/README.md"])
def test_the_documented_lines_run_the_functions(installed: Path, document: str) -> None:
    lines = re.findall(r"^make ((?:invoke|start-api).*)$", (ROOT / document).read_text(), re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        target, *words = shlex.split(line, comments=True)
        made = make(installed, "-s", target, *words)
        variables = dict(word.split("=") for word in words)
        runtime = "rie" if "RIE" in variables else "container"
        invoked = f"-m local invoke --runtime {runtime} {variables.get('FUNCTION')} {variables.get('EVENT')}\n"
        assert made.stdout == ("-m local start-api\n" if target == "start-api" else invoked), made.stderr
        assert target == "start-api" or (ROOT / variables["EVENT"]).is_file()


def test_the_runtime_without_a_container_is_for_linux(installed: Path) -> None:
    (installed / ".engines/rie/installed").unlink()
    (installed / "uname").write_text("#!/bin/sh\necho Darwin\n")
    (installed / "uname").chmod(0o755)
    made = make(installed, "-s", "invoke", "RIE=1", path=f"{installed}:/usr/bin:/bin")
    first, *_ = made.stderr.splitlines()
    assert (made.returncode, first) == (2, "RIE=1 needs Linux, for which the Lambda runtime is made: leave it out")


def test_functions_are_built_again_when_they_have_changed(installed: Path) -> None:
    built = installed / ".aws-sam/local/template.yaml"
    machine = "arm64" if os.uname().machine in ("arm64", "aarch64") else "x86_64"
    line = f"build --build-dir .aws-sam/local --parameter-overrides Architecture={machine} {machine}"
    for _ in range(2):
        make(installed, "-s", ".aws-sam/local/template.yaml", "ARCHITECTURE=of the deployment")
    assert built.read_text().splitlines() == [line]
    (installed / "layers/models.py").touch()
    os.utime(built, (1, 1))
    make(installed, "-s", ".aws-sam/local/template.yaml")
    assert built.read_text().splitlines() == [line, line]


def test_what_the_workflow_runs_is_in_the_makefile() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    targets = {target for step in steps if "run" in step for target in step["run"].removeprefix("make ").split()}
    phony = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"test", "validate", "build", "test-sam"} <= targets <= set(" ".join(phony).split())
