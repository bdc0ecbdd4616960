"""Every event through `make invoke`, which is `sam local invoke` in a container: `make test-sam`.

Not among the tests that `make test` collects: it needs a container engine and Lambda's image.
"""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from local import aws, containers, functions
from local.containers import ContainerError
from local.engines import free_port
from tests.acceptance.expectations import BOOK
from tests.acceptance.harness import saved_event
from tests.e2e.stage import EXPECTED, Invoke, Stage, function_of
from tests.serving import ROOT, eventually, listening, serving, starting


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    try:
        containers.bridge()
    except ContainerError as error:
        pytest.exit(str(error), returncode=1)
    with serving() as running:
        yield Stage.of(running, ROOT / "template.yaml")


@pytest.fixture(scope="module")
def before(stage: Stage) -> Invoke:
    """What has to come before an event needs no container of its own."""
    os.environ.update(aws.environment(stage.resources.dynamodb, stage.resources.sqs))
    loaded = {function.logical_id: functions.load(function, variables) for function, variables in stage.functions()}
    return lambda event: loaded[function_of(event)](saved_event(event))


@pytest.mark.parametrize("event", EXPECTED)
def test_event(stage: Stage, before: Invoke, event: str) -> None:
    def invoke(event: str) -> Any:
        line = ["make", "-s", "invoke", f"FUNCTION={function_of(event)}", f"EVENT=events/{event}"]
        ran = subprocess.run(
            line, cwd=ROOT, env={**os.environ, "PORT": stage.port}, capture_output=True, text=True, timeout=600
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    stage.play(event, invoke, before)


def test_start_api(stage: Stage, before: Invoke) -> None:
    stage.play("api-put-book.json", before, before)
    port = free_port()
    with starting(command=["make", "-s", "start-api", f"PORT={stage.port}", f"API_PORT={port}"]) as running:
        assert eventually(lambda: listening(f"http://127.0.0.1:{port}"), 300), running.output
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/books/John%20Grisham/The%20Rainmaker") as response:
            assert json.load(response) == BOOK
        running.interrupt()
        assert eventually(lambda: not listening(f"http://127.0.0.1:{port}"))
