"""`sovereign up`: start everything in the background, and say when it is up or why it is not."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any

import typer
from rich.console import Console

from schemas.settings import Home, Settings
from sovereign_tui.cli import common
from sovereign_tui.ops import launch

app = typer.Typer(add_completion=False)


@app.command()
def up(
    venue: Annotated[str | None, typer.Option(help="Where to trade: sim.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Start what is needed to trade, in the background."""
    home, settings = prepare(venue, as_json=as_json)
    if launch.ops_is_running(home):
        pid = launch.running_ops(home)
        fail_running(pid, as_json=as_json)
    outcome = start(home, settings, quiet=as_json)
    if outcome.code != common.EXIT_OK:
        common.fail(outcome.problems, outcome.code, as_json=as_json, status=outcome.status)
    assert outcome.status is not None
    if as_json:
        common.print_json({"ok": True, **outcome.status})
    else:
        halted = f", halt {outcome.status['halt_id']} stands" if outcome.status["halt_id"] else ""
        typer.echo(f"up: {outcome.status['state']} on {outcome.status['venue']}{halted}")


def prepare(venue: str | None, *, as_json: bool = False) -> tuple[Home, Settings]:
    """Home and settings of a start, refused before anything is started: exits with 78."""
    if venue is not None:
        os.environ["SOVEREIGN_VENUE__NAME"] = venue
    home = common.find_home(as_json=as_json)
    settings = common.find_settings(home, as_json=as_json)
    if settings.venue.name != "sim":
        text = (
            f"venue {settings.venue.name!r}: this version trades on the simulated exchange only; use --venue sim, "
            f'or set venue.name = "sim" in {home.settings_file}'
        )
        common.fail([text], common.EXIT_CONFIG, as_json=as_json)
    return home, settings


def start(home: Home, settings: Settings, *, quiet: bool) -> launch.Outcome:
    """Starts, showing how far it is. An interrupt leaves nothing running: exits with 130."""
    console = Console(stderr=True)
    try:
        if quiet or not sys.stderr.isatty():
            return launch.start(home, settings)
        with console.status("starting ops") as line:
            return launch.start(home, settings, lambda status: line.update(_progress(status)))
    except KeyboardInterrupt:
        common.fail(["interrupted; what was started is stopped again"], common.EXIT_INTERRUPTED, as_json=quiet)
    except OSError as error:
        common.fail([f"ops cannot be started: {error}"], common.EXIT_FAILED, as_json=quiet)


def fail_running(pid: int | None, *, as_json: bool) -> None:
    """A second start: exits with 1."""
    text = f"already running: ops has pid {pid or 'unknown'}; `sovereign status` shows it, `sovereign down` stops it"
    common.fail([text], common.EXIT_FAILED, as_json=as_json, pid=pid)


def _progress(status: dict[str, Any]) -> str:
    states = "  ".join(f"{process['name']} {process['state']}" for process in status["processes"])
    return f"{states}  waiting for {status['waiting_for'][0]}" if status["waiting_for"] else states
