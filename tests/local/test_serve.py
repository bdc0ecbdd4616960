"""`python -m local` as a process of its own, with the small stack."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from local import aws
from local.resources import Resources
from tests.serving import ROOT, Serving, eventually, listening, serving, starting


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def resources_of(running: Serving) -> Resources:
    return Resources.from_json(get(f"{running.url}/_local/resources"))


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "local", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_http_and_queues_reach_their_handlers(small_stack: Path) -> None:
    with serving("--template", str(small_stack)) as running:
        resources = resources_of(running)
        assert resources.tables == {"Notes": "Notes"}
        assert set(resources.queues) == {"Jobs", "Dead", "Ordered"}

        answer = get(f"{running.url}/notes/a%2Fb?q=1")
        assert answer["event"]["pathParameters"] == {"id": "a/b"}
        assert answer["role"] == "api"
        with pytest.raises(urllib.error.HTTPError, match="500"):
            get(f"{running.url}/crash")
        assert "RuntimeError: as told" in running.output

        sqs, dynamodb = aws.sqs_client(resources.sqs), aws.dynamodb_client(resources.dynamodb)
        for number in range(20):
            sqs.send_message(QueueUrl=resources.queues["Jobs"], MessageBody=f"job {number}")
        sqs.send_message(QueueUrl=resources.queues["Jobs"], MessageBody="poison")
        sqs.send_message(QueueUrl=resources.queues["Ordered"], MessageBody="ordered", MessageGroupId="g")
        assert eventually(lambda: dynamodb.scan(TableName="Notes")["Count"] == 21)
        assert {item["role"]["S"] for item in dynamodb.scan(TableName="Notes")["Items"]} == {"workerof worker"}

        # Received twice, as the redrive policy says, it moves.
        received = sqs.receive_message(QueueUrl=resources.queues["Dead"], WaitTimeSeconds=20)
        assert [message["Body"] for message in received["Messages"]] == ["poison"]


def test_a_function_can_be_run_by_hand(small_stack: Path) -> None:
    with serving("--template", str(small_stack)) as running:
        resources = resources_of(running)
        port = running.url.rpartition(":")[2]
        printed = run("env", "Worker", "--template", str(small_stack), PORT=port)
        assert printed.returncode == 0
        script = f'{printed.stdout}\nexec "{sys.executable}" -c "import os, json; print(json.dumps(dict(os.environ)))"'
        shell = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env={})
        variables = json.loads(shell.stdout)
        assert variables["DEAD_URL"] == resources.queues["Dead"]
        assert variables["AWS_ENDPOINT_URL_DYNAMODB"] == resources.dynamodb
        assert str(small_stack.parent / "shared") in variables["PYTHONPATH"].split(":")

        event = small_stack.parent / "event.json"
        event.write_text('{"rawPath": "/notes"}')
        invoked = run("invoke", "Api", str(event), "--template", str(small_stack), PORT=port)
        assert (invoked.returncode, json.loads(invoked.stdout)["role"]) == (0, "api")
        event.write_text("{")
        broken = run("invoke", "Api", str(event), "--template", str(small_stack), PORT=port)
        assert (broken.returncode, broken.stderr.count("\n")) == (1, 1)

        unknown = run("env", "Nobody", "--template", str(small_stack), PORT=port)
        assert unknown.returncode == 1
        assert "there is no function Nobody" in unknown.stderr


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_everything_it_started(small_stack: Path, signum: int) -> None:
    with serving("--template", str(small_stack)) as running:
        resources = resources_of(running)
        started = time.monotonic()
        assert running.interrupt(signum) == 0
        assert time.monotonic() - started < 10
        assert not listening(resources.dynamodb)
        assert not listening(resources.sqs)
        assert "Traceback" not in running.output


if sys.platform == "linux":  # which alone ends children with their parent

    def test_killed_it_leaves_no_engine(small_stack: Path) -> None:
        with serving("--template", str(small_stack)) as running:
            resources = resources_of(running)
            running.interrupt(signal.SIGKILL)
            assert eventually(lambda: not listening(resources.dynamodb) and not listening(resources.sqs))


def test_a_dead_engine_ends_it_and_is_named(small_stack: Path) -> None:
    with serving("--template", str(small_stack)) as running:
        port = int(resources_of(running).dynamodb.rpartition(":")[2])
        [engine] = [child for child in _children(running.process.pid) if f"--port\0{port}\0" in _command(child)]
        os.kill(engine, signal.SIGKILL)
        started = time.monotonic()
        assert running.process.wait(30) == 1
        assert time.monotonic() - started < 5
        assert "Dynoxide ended by itself (-9)" in running.output
        assert "Traceback" not in running.output


def _children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for thread in threads for child in (thread / "children").read_text().split()]


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


@pytest.mark.parametrize("seconds", [0.3, 0.6, 0.9, 1.2])
def test_it_can_be_stopped_while_it_starts(small_stack: Path, seconds: float) -> None:
    with starting("--template", str(small_stack)) as starting_up:
        time.sleep(seconds)
        assert starting_up.interrupt(signal.SIGTERM) in (0, -signal.SIGTERM)
        assert "Traceback" not in starting_up.output


def test_data_keeps_the_items(small_stack: Path, tmp_path: Path) -> None:
    arguments = ("--template", str(small_stack), "--data", str(tmp_path / "kept"))
    with serving(*arguments) as running:
        dynamodb = aws.dynamodb_client(resources_of(running).dynamodb)
        dynamodb.put_item(TableName="Notes", Item={"id": {"S": "kept"}})
        running.interrupt()
    with serving(*arguments) as running:
        dynamodb = aws.dynamodb_client(resources_of(running).dynamodb)
        assert "Item" in dynamodb.get_item(TableName="Notes", Key={"id": {"S": "kept"}})
        running.interrupt()
    small_stack.write_text(small_stack.read_text().replace("AttributeName: id", "AttributeName: other"))
    with starting(*arguments) as running:
        assert running.process.wait(30) == 1
        assert running.output == "the kept table Notes has another key than the template: choose another DATA\n"


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        (["serve"], {"PORT": "x"}, "PORT=x is not a port number"),
        (["serve"], {"PORT": "0", "MINISTACK_BIN": "/nowhere"}, "MINISTACK_BIN=/nowhere is not a program"),
        (["serve", "--template", "/nowhere"], {"PORT": "0"}, "/nowhere: No such file or directory"),
        (
            ["env", "WorkerFunction"],
            {"PORT": "1"},
            "there is no stack on port 1: start it with `make serve`, or set PORT",
        ),
    ],
)
def test_what_cannot_work_is_one_clear_line(arguments: list[str], environment: dict[str, str], expected: str) -> None:
    finished = run(*arguments, **environment)
    assert (finished.returncode, finished.stderr, finished.stdout) == (1, f"{expected}\n", "")


def test_a_port_in_use_is_one_clear_line(small_stack: Path) -> None:
    with serving("--template", str(small_stack)) as running:
        port = running.url.rpartition(":")[2]
        finished = run("serve", "--template", str(small_stack), PORT=port)
        assert finished.returncode == 1
        assert finished.stderr.startswith(f"port {port} cannot be used")
        assert finished.stderr.count("\n") == 1


def test_without_dynoxide_ministack_serves_both(small_stack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DYNOXIDE_BIN", "")
    with serving("--template", str(small_stack)) as running:
        resources = resources_of(running)
        assert resources.dynamodb == resources.sqs
        assert "no Dynoxide for this machine" in running.output
