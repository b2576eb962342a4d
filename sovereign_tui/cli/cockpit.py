"""`sovereign tui`: the cockpit on top of a running system, started first if there is none."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated, Final

import typer

from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.cli.up import LiveOption, VenueOption, begin, prepare
from sovereign_tui.ops import client, launch

_WAIT_S: Final = 5.0

app = typer.Typer(add_completion=False)


@app.command()
def tui(
    attach: Annotated[bool, typer.Option("--attach", help="Only watch a system that runs already.")] = False,
    readonly: Annotated[bool, typer.Option("--readonly", help="Watch; command nothing.")] = False,
    venue: VenueOption = None,
    live: LiveOption = False,
) -> None:
    """Open the cockpit."""
    home = common.find_home()
    if launch.ops_is_running(home):
        _demand_venue(home, venue)
        _demand_terminal()
        settings = common.find_settings(home)
    elif attach:
        common.fail(["ops is not running; start it with `sovereign up` or `sovereign tui`"], common.EXIT_DOWN)
    else:
        start = prepare(home, venue, live=live)
        _demand_terminal()
        settings = start.settings
        outcome = begin(start, quiet=False)
        if outcome.code != common.EXIT_OK:
            common.fail(outcome.problems, outcome.code)
    cockpit = importlib.import_module("sovereign_tui.cockpit.app")
    code: int = cockpit.run(home=home, settings=settings, readonly=readonly)
    raise typer.Exit(code)


def _demand_venue(home: Home, venue: str | None) -> None:
    """A cockpit shows what runs: exits with 1 if another venue was asked for."""
    if venue is None:
        return
    try:
        runs = client.request_blocking(home, {"cmd": "status"}, _WAIT_S)["venue"]
    except client.OpsError as error:
        common.fail([str(error)], common.EXIT_FAILED)
    if runs != venue:
        common.fail(
            [f"the venue {runs} is running: leave out --venue, or stop it with `sovereign down`"], common.EXIT_FAILED
        )


def _demand_terminal() -> None:
    """The screen is drawn on stderr, and keys are read from stdin: exits with 1 where one of them is no terminal."""
    names = [name for name, stream in (("stdin", sys.stdin), ("stderr", sys.stderr)) if not stream.isatty()]
    if names:
        text = (
            f"{' and '.join(names)} is no terminal, and the cockpit needs one; `sovereign up` starts without a screen"
        )
        common.fail([text], common.EXIT_FAILED)
