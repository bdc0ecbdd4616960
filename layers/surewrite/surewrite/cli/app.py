"""The commands, and what becomes of their errors."""

from __future__ import annotations

import sys

import typer
from botocore.exceptions import BotoCoreError, ClientError

from ..errors import InvalidRequest, SurewriteError
from . import doctor, dump, key, load, rejected, send
from .deployment import CommandError

app = typer.Typer(
    help="Operates a surewrite deployment: rejected messages, keys in doubt, and what is set up wrongly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(rejected.app, name="rejected")
app.add_typer(key.app, name="key")
app.command("send")(send.send)
app.command("load")(load.load)
app.command("dump")(dump.dump)
app.command("doctor")(doctor.doctor)


def run() -> int:
    """The exit code. Errors that are to be expected are one line; nothing of theirs is a value that a user sent."""
    try:
        app()
    except InvalidRequest as error:
        return _fail("; ".join(str(problem) for problem in error.problems))
    except (SurewriteError, CommandError) as error:
        return _fail(str(error))
    except ClientError as error:
        reason = error.response.get("Error", {})
        return _fail(f"{error.operation_name}: {reason.get('Code')}: {reason.get('Message')}")
    except BotoCoreError as error:
        return _fail(str(error))
    return 0


def _fail(line: str) -> int:
    print(f"surewrite: {line}", file=sys.stderr)
    return 1
