"""The table of commands, and the last word on every failure: one line, an exit code, never a traceback."""

from __future__ import annotations

import errno
import importlib
import io
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from schemas.printable import printable

COMMANDS: Final[dict[str, str]] = {
    "tui": "cockpit",
    "up": "up",
    "down": "down",
    "status": "status",
    "halt": "halt",
    "flatten": "flatten",
    "panic": "panic",
    "resume": "resume",
    "rearm": "rearm",
    "config": "config",
    "keys": "keys",
    "exchange": "exchange",
    "explain": "explain",
    "blackbox": "blackbox",
}
"""Command -> module of this package, which has an `app`."""
_NOT_WRITTEN: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EPIPE})


class LazyGroup(TyperGroup):
    """Loads the module of a command when that command is looked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, None if there is no such one."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"sovereign_tui.cli.{COMMANDS[cmd_name]}")
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="A terminal cockpit for automated trading.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata  # noqa: PLC0415  # slow to load

        try:
            version = metadata.version("sovereign")
        except metadata.PackageNotFoundError:
            version = "0.1.0 (not installed)"
        typer.echo(f"sovereign {version}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """A terminal cockpit for automated trading."""


def main() -> None:
    """The console script."""
    sys.excepthook = _last_word
    _open_closed_streams()
    typer.main.get_command(app)(prog_name="sovereign")


def _open_closed_streams() -> None:
    """A stream that the caller has closed (`<&-`) is None in Python; it is empty, and nobody has to ask."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # as long as the process
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what its encoding lacks is escaped, and ends no command
            stream.reconfigure(errors="backslashreplace")


def _last_word(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug of ours: one line for the user, the traceback into a file."""
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("sovereign: interrupted\n")
        return
    if isinstance(error, OSError) and error.filename is None and error.errno in _NOT_WRITTEN:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python would try once more at its end
        sys.stderr.write(f"sovereign: the output cannot be written ({error.strerror})\n")
        return
    text = "".join(traceback.format_exception(kind, error, trace))
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"sovereign-error-{os.getuid()}-{os.getpid()}.txt"
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(text)
        where = f"details in {path}"
    except OSError:
        where = "details could not be written"
    sys.stderr.write(f"sovereign: internal error: {printable(f'{kind.__name__}: {error}; {where}')}\n")
