"""`surewrite`, the command: for who runs the deployment. It needs `pip install 'surewrite[cli]'`."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the command; what goes wrong is one line on stderr, and the exit code 1."""
    try:
        from .app import run
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit(f"surewrite: {error.name} is missing: pip install 'surewrite[cli]'")
    sys.exit(run())
