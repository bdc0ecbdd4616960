"""The sessions of the documents: a reader who pastes them into a shell gets what is printed there."""

import subprocess
from pathlib import Path

from local.engines import ROOT
from tests.markdown import blocks, section
from tests.serving import environment, serving


def _stable(output: str) -> list[str]:
    """Without what differs from run to run."""
    return [line for line in output.replace("\r", "").splitlines() if not line.startswith(("date:", "etag:"))]


def _play(document: str, title: str, stack: Path) -> None:
    """Each block of shell of a section is followed by what it prints."""
    steps = blocks(section((ROOT / document).read_text(), title))
    assert [language for language, _ in steps] == ["sh", "text"] * 5
    with serving(template=stack) as running:
        port = running.url.rpartition(":")[2]
        # One shell for all of it, as for a reader who pastes block after block.
        commands = "".join(f"{text}echo END\n" for language, text in steps if language == "sh")
        shell = subprocess.run(
            ["/usr/bin/env", "bash", "-eu", "-c", commands.replace("127.0.0.1:3000", f"127.0.0.1:{port}")],
            cwd=ROOT,
            env={**environment(stack), "PORT": port},
            capture_output=True,
            text=True,
            timeout=60,
        )
        served = running.output
        assert shell.returncode == 0, shell.stderr + served
    printed = shell.stdout.split("END\n")
    assert printed.pop() == ""
    expected = [text for language, text in steps if language == "text"]
    assert [_stable(text) for text in printed] == [_stable(text) for text in expected], served


def test_the_readme(bookstore: Path) -> None:
    _play("README.md", "Try it", bookstore)


def test_the_walk_with_another_domain(theatre_stack: Path) -> None:
    _play("docs/adopt.md", "3. Run it", theatre_stack)


def test_its_models_are_those_that_the_tests_serve() -> None:
    (models,) = (text for language, text in blocks((ROOT / "docs/adopt.md").read_text()) if language == "python")
    assert models == (ROOT / "tests/theatre.py").read_text()
