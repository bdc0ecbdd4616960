"""The events under Lambda's own runtime: `make invoke RIE=1`."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from local import emulator
from tests.acceptance.harness import saved_event
from tests.e2e.stage import EXPECTED, Invoke, Stage, function_of
from tests.serving import ROOT, environment, serving

if sys.platform == "linux":  # which alone it is made for

    @pytest.fixture(scope="module")
    def stage(bookstore: Path) -> Iterator[Stage]:
        with serving(template=bookstore) as running:
            yield Stage.of(running, bookstore)

    @pytest.fixture(scope="module")
    def invoke(stage: Stage) -> Iterator[Invoke]:
        with ExitStack() as cleanup:
            running = {
                function.logical_id: cleanup.enter_context(emulator.running(function, variables))
                for function, variables in stage.functions()
            }
            yield lambda event: running[function_of(event)](saved_event(event))

    @pytest.mark.parametrize("event", EXPECTED)
    def test_event(stage: Stage, invoke: Invoke, event: str) -> None:
        stage.play(event, invoke, before=invoke)

    def test_the_command_prints_what_the_function_returns_and_nothing_else(stage: Stage, bookstore: Path) -> None:
        command = [sys.executable, "-m", "local", "invoke", "--runtime", "rie"]
        event = ["ApiFunction", "events/api-no-route.json"]
        ran = subprocess.run(
            [*command, *event],
            cwd=ROOT,
            env={**environment(bookstore), "PORT": stage.port},
            capture_output=True,
            text=True,
        )
        assert (ran.returncode, json.loads(ran.stdout)["statusCode"]) == (0, 404)
        assert "REPORT RequestId" in ran.stderr
