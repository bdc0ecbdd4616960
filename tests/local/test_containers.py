"""`sam local` beside a running stack, where a container engine and the SAM CLI are stand-ins."""

import json
import socket
import sys
import threading
from pathlib import Path

import pytest

from local import containers
from local.containers import ContainerError
from local.relay import relay
from local.resources import Resources

_SAM = """#!{python}
import json, os, sys, urllib.request
options = dict(word.split("=", 1) for word in sys.argv if word.startswith("--") and "=" in word)
variables = json.load(open(options["--env-vars"]))
json.dump({{"argv": sys.argv[1:], "environment": dict(os.environ), "variables": variables}}, open({seen!r}, "w"))
sys.exit(3)
"""


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def engine(path: Path, config: dict[str, str]) -> None:
    """A program that says of its bridge what an engine says."""
    program(path, f"echo '{json.dumps([{'IPAM': {'Config': [config]}}])}'")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that is on the PATH."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.parametrize(
    ("name", "config", "address"),
    [
        ("docker", {"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.9"}, "172.18.0.9"),
        ("docker", {"Subnet": "172.17.0.0/16"}, "172.17.0.1"),
        ("finch", {"Subnet": "10.4.0.0/24", "Gateway": "10.4.0.1"}, "10.4.0.1"),
    ],
)
def test_the_bridge(programs: Path, name: str, config: dict[str, str], address: str) -> None:
    engine(programs / name, config)
    assert containers.bridge() == address


def test_no_engine_is_one_clear_line(programs: Path) -> None:
    with pytest.raises(ContainerError, match=r"^there is no container engine: start Docker or Finch, or do without"):
        containers.bridge()
    program(programs / "docker", "echo 'Cannot connect to the daemon.\nIs it running?' >&2\nexit 1")
    with pytest.raises(ContainerError, match=r"engine \(docker: Cannot connect .* Is it running\?\): start"):
        containers.bridge()


@pytest.mark.parametrize(("gateway", "host"), [("127.0.0.1", "127.0.0.1"), ("192.0.2.1", "host.docker.internal")])
def test_what_sam_is_given(
    small_stack: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, gateway: str, host: str
) -> None:
    engine(programs / "docker", {"Gateway": gateway})
    seen = small_stack.parent / "seen"
    sam = programs / "sam"
    sam.write_text(_SAM.format(python=sys.executable, seen=str(seen)))
    sam.chmod(0o755)
    monkeypatch.setattr(containers, "_SAM", sam)
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("SAM_FLAGS", "--skip-pull-image --debug")
    queue = "http://127.0.0.1:2000/000000000000/Dead"
    resources = Resources("http://127.0.0.1:1000", "http://127.0.0.1:2000", {"Notes": "Notes"}, {"Dead": queue})
    program(programs / "make", "exit 2")
    with pytest.raises(ContainerError, match="the functions are not built"):
        containers.invoke(small_stack, resources, "Worker", Path("event.json"))

    built = small_stack.parent / ".aws-sam" / "local" / "template.yaml"
    program(programs / "make", "echo $*")
    assert containers.invoke(small_stack, resources, "Worker", Path("event.json")) == 3
    told = json.loads(seen.read_text())
    assert told["argv"][:3] == ["local", "invoke", "Worker"]
    assert {"--event=event.json", f"--template-file={built}", "--region=us-east-1"} < set(told["argv"])
    assert told["argv"][-2:] == ["--skip-pull-image", "--debug"]
    assert told["environment"]["AWS_ACCESS_KEY_ID"] == "local"
    assert "AWS_PROFILE" not in told["environment"]
    worker = told["variables"]["Worker"]
    assert worker["AWS_ENDPOINT_URL_DYNAMODB"].startswith(f"http://{host}:")
    assert worker["DEAD_URL"] == f"{worker['AWS_ENDPOINT_URL_SQS']}/000000000000/Dead"
    assert (worker["NOTES_TABLE"], worker["ROLE"], told["variables"]["Api"]["ROLE"]) == ("Notes", "worker", "api")

    assert containers.start_api(small_stack, resources, 3456) == 3
    assert {"start-api", "--port=3456"} < set(json.loads(seen.read_text())["argv"])


def test_a_relay_leads_there_and_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            connection, _ = server.accept()
            with connection:
                received = b"".join(iter(lambda: connection.recv(65_536), b""))
                connection.sendall(received[::-1])

        thread = threading.Thread(target=echo)
        thread.start()
        with relay(f"http://127.0.0.1:{server.getsockname()[1]}", "127.0.0.1") as url:
            port = int(url.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"abc" * 1_000_000)
                client.shutdown(socket.SHUT_WR)
                assert b"".join(iter(lambda: client.recv(65_536), b"")) == b"cba" * 1_000_000
        thread.join()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=10)


def test_a_relay_at_an_address_of_another_machine() -> None:
    with pytest.raises(OSError, match="assign"), relay("http://127.0.0.1:9", "192.0.2.1"):
        pass
