"""`sovereign status`: how the system is, once or until interrupted, in tables, in lines, or as JSON."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.live import Live

from schemas.clock import SystemClock
from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.cli.status_view import UNKNOWN, lines, render
from sovereign_tui.ops import client, launch

_WAIT_S: Final = 5.0
_WATCH_S: Final = 0.5
_LINES_S: Final = 1.0
_WIDTH: Final = 160
"""Columns, where the output is no terminal: no number is cut off that a program or a file would lack."""

app = typer.Typer(add_completion=False)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; with --watch one a line.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until interrupted (Ctrl+C).")] = False,
) -> None:
    """Show how the system is. Exit code 3 if it is down."""
    home = Home.from_environment()
    try:
        if not watch:
            raise typer.Exit(_once(home, as_json=as_json))
        if as_json:
            _repeat(home, lambda found: [common.to_json(found)], _WATCH_S)
        elif sys.stdout.isatty():
            _watch(home)
        else:
            _repeat(home, lambda found: lines(found, SystemClock.wall_ns()), _LINES_S)
    except KeyboardInterrupt:
        raise typer.Exit(common.EXIT_OK) from None
    except BrokenPipeError:  # whoever read it has seen enough; Python would complain once more at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(common.EXIT_OK) from None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        common.fail([f"{error.filename or 'output'}: {error.strerror}"], common.EXIT_FAILED)


def ask(home: Home) -> dict[str, Any]:
    """The status; {"state": "DOWN"} without an ops, {"state": "UNKNOWN"} with one that does not answer."""
    try:
        return client.request_blocking(home, {"cmd": "status"}, _WAIT_S)
    except client.OpsDown as error:
        return {"state": "DOWN", "problem": str(error), "orphans": launch.orphans(home)}
    except client.OpsError as error:
        return {"state": UNKNOWN, "problem": str(error)}


def _once(home: Home, *, as_json: bool) -> int:
    found = ask(home)
    if as_json:
        common.print_json(found)
    else:
        console = Console()
        console = console if console.is_terminal else Console(width=_WIDTH)
        console.print(render(found, SystemClock.wall_ns()))
    sys.stdout.flush()
    if found["state"] == "DOWN":
        return common.EXIT_DOWN
    return common.EXIT_FAILED if "problem" in found else common.EXIT_OK


def _watch(home: Home) -> None:
    """In place, on a terminal; what it showed last stays when it is left."""
    with Live(console=Console(), auto_refresh=False, screen=False) as live:
        while True:
            live.update(render(ask(home), SystemClock.wall_ns()), refresh=True)
            time.sleep(_WATCH_S)


def _repeat(home: Home, said: Callable[[dict[str, Any]], list[str]], every_s: float) -> None:
    """One block of lines below the other, each as soon as it is known."""
    while True:
        sys.stdout.write("".join(f"{line}\n" for line in said(ask(home))))
        sys.stdout.flush()
        time.sleep(every_s)
