"""The README's session: a reader who pastes it into a shell gets what is printed there."""

import os
import subprocess

from local.engines import ROOT
from tests.markdown import blocks, section
from tests.serving import serving


def _stable(output: str) -> list[str]:
    """Without what differs from run to run."""
    return [line for line in output.replace("\r", "").splitlines() if not line.startswith(("date:", "etag:"))]


def test_the_session() -> None:
    steps = blocks(section((ROOT / "README.md").read_text(), "Try it"))
    assert [language for language, _ in steps] == ["sh", "text"] * 5
    with serving() as running:
        port = running.url.rpartition(":")[2]
        # One shell for all of it, as for a reader who pastes block after block.
        commands = "".join(f"{text}echo END\n" for language, text in steps if language == "sh")
        shell = subprocess.run(
            ["/usr/bin/env", "bash", "-eu", "-c", commands.replace("127.0.0.1:3000", f"127.0.0.1:{port}")],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")} | {"PORT": port},
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
