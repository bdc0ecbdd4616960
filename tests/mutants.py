"""`make mutants`: breaks the commit engine in one place at a time, and shows which of its tests notice.

    .venv/bin/python -m tests.mutants [--only walk] [--parallel 2] [--suites tests/engine …]

A mutant that survives is a promise that no test holds the engine to. One whose text is no longer found is an error:
the list follows the code.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAYER = ROOT / "layers" / "surewrite"
# what tells fastest comes first
SUITES = [
    "tests/unit/test_schedule.py",
    "tests/unit/test_ledger.py",
    "tests/unit/test_slots.py",
    "tests/unit/test_placement.py",
    "tests/unit/test_idempotency_key.py",
    "tests/engine/test_slots.py",
    "tests/engine/test_slot_expiry.py",
    "tests/engine/test_rejections.py",
    "tests/engine/test_isolation.py",
    "tests/property/test_batches.py",
    *(
        f"tests/engine/test_{name}.py"
        for name in ("verdicts", "edges", "lanes", "keys", "limits", "conditions", "work")
    ),
    *(f"tests/faults/test_{name}.py" for name in ("slots", "unpromised", "plain_writes", "peeling", "deadlines")),
    *(f"tests/engine/test_{name}.py" for name in ("batch_writes", "return_values", "round_trips")),
    "tests/faults/test_every_call.py",
    "tests/engine/test_races.py",
    "tests/faults/test_interleavings.py",
    "tests/faults/test_slots_machine.py",
    "tests/faults/test_machine.py",
]
# a mutant may wait for ever
_TIMEOUT = 240.0


@dataclass(frozen=True)
class Mutant:
    """One of mutants.toml; `name` says what is wrong then."""

    name: str
    module: str
    text: str
    other: str

    def path(self, layer: Path) -> Path:
        return layer / "surewrite" / "commit" / f"{self.module}.py"


def _mutants() -> list[Mutant]:
    with (ROOT / "tests" / "mutants.toml").open("rb") as file:
        return [Mutant(**entry) for entry in tomllib.load(file)["mutant"]]


def main() -> int:
    options = _parse()
    chosen = [mutant for mutant in _mutants() if options.only in mutant.name or options.only == mutant.module]
    for mutant in chosen:
        if mutant.path(LAYER).read_text().count(mutant.text) != 1:
            print(f"{mutant.module}.py: no single {mutant.text!r} ({mutant.name})", file=sys.stderr)
            return 2
    survivors = 0
    with ThreadPoolExecutor(options.parallel) as pool:
        for mutant, killer in zip(chosen, pool.map(lambda one: _run(one, options.suites), chosen), strict=True):
            survivors += killer is None
            print(f"{'SURVIVED' if killer is None else 'killed  '}  {mutant.name}  {killer or ''}", flush=True)
    print(f"{len(chosen) - survivors} of {len(chosen)} killed")
    return 1 if survivors else 0


def _run(mutant: Mutant, suites: list[str]) -> str | None:
    """The test that noticed, None if none did."""
    with _mutated(mutant) as layer:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:cacheprovider"]
        command += ["--hypothesis-profile=mutants", "-k", "not two_faults_in_a_row"]
        command += ["-o", f"pythonpath={layer} layers/bookstore .", *suites]
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
            )
        except subprocess.TimeoutExpired:
            return "(it never ends)"
    if done.returncode == 0:
        return None
    failed = (line.split(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR")))
    return next(failed, done.stdout[-300:])


@contextmanager
def _mutated(mutant: Mutant) -> Iterator[Path]:
    """A copy of the layer with the mutant in it."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        layer = Path(shutil.copytree(LAYER, Path(folder) / "surewrite"))
        path = mutant.path(layer)
        path.write_text(path.read_text().replace(mutant.text, mutant.other))
        yield layer


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a part of the names, or a module")
    parser.add_argument("--parallel", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--suites", nargs="+", default=SUITES)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
