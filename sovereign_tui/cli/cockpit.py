"""`sovereign tui`: the cockpit on top of a running system, started first if there is none."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from typing import Annotated, Final, Literal

import typer

from schemas.printable import printable
from schemas.settings import Home, Settings
from sovereign_tui.cli import common
from sovereign_tui.cli.up import LiveOption, VenueOption, begin, prepare
from sovereign_tui.cockpit.tty.guard import Guarded, guard
from sovereign_tui.ops import client, launch
from sovereign_tui.replay.sessions import Session

_WAIT_S: Final = 5.0
_BLIND: Final = frozenset({"dumb", "unknown"})

app = typer.Typer(add_completion=False)


@app.command()
def tui(
    attach: Annotated[bool, typer.Option("--attach", help="Open on a system that runs; start nothing.")] = False,
    readonly: Annotated[bool, typer.Option("--readonly", help="Watch; command nothing but a halt.")] = False,
    no_halt: Annotated[bool, typer.Option("--no-halt", help="With --readonly: not even a halt.")] = False,
    mouse: Annotated[
        bool | None, typer.Option("--mouse/--no-mouse", help="Take the mouse, or leave it to the terminal.")
    ] = None,
    link: Annotated[
        Literal["auto", "fast", "slow"] | None, typer.Option("--link", help="What the line to the terminal carries.")
    ] = None,
    selftest: Annotated[bool, typer.Option("--selftest", help="Measure the terminal and rehearse a halt.")] = False,
    venue: VenueOption = None,
    live: LiveOption = False,
) -> None:
    """Open the cockpit."""
    if no_halt and not readonly:
        common.fail(["--no-halt goes with --readonly: a screen that trades must be able to halt"], common.EXIT_CONFIG)
    if mouse is not None:
        os.environ["SOVEREIGN_COCKPIT__MOUSE"] = "true" if mouse else "false"
    if link is not None:
        os.environ["SOVEREIGN_COCKPIT__LINK"] = link
    home = common.find_home()
    if selftest:
        raise typer.Exit(importlib.import_module("sovereign_tui.cli.selftest").selftest(home))
    if launch.ops_is_running(home):
        _demand_venue(home, venue)
        demand_terminal()
        settings = common.find_settings(home)
    elif attach:
        common.fail(["ops is not running; start it with `sovereign up` or `sovereign tui`"], common.EXIT_DOWN)
    else:
        start = prepare(home, venue, live=live)
        demand_terminal()
        settings = start.settings
        outcome = begin(start, quiet=False)
        if outcome.code != common.EXIT_OK:
            common.fail(outcome.problems, outcome.code)
    raise typer.Exit(show(home, settings, readonly=readonly, halt=not no_halt))


def show(home: Home, settings: Settings, *, readonly: bool, halt: bool, session: Session | None = None) -> int:
    """The cockpit in a child of this process, which looks after the terminal."""

    def child(guarded: Guarded) -> int:
        gc.disable()  # until the screen is up: what is loaded now is no rubbish
        cockpit = importlib.import_module("sovereign_tui.cockpit.app")
        try:
            code: int = cockpit.run(
                home=home, settings=settings, readonly=readonly, halt=halt, guarded=guarded,
                session=session,
            )  # fmt: skip
        except cockpit.KeyringError as error:
            sys.stderr.write(f"sovereign: {printable(str(error))}\n")
            return common.EXIT_CONFIG
        return code

    return guard(child, home.logs)


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


def demand_terminal() -> None:
    """The screen is drawn on stderr, and keys are read from stdin: exits with 1 where one is no terminal that can."""
    names = [name for name, stream in (("stdin", sys.stdin), ("stderr", sys.stderr)) if not stream.isatty()]
    if names:
        text = (
            f"{' and '.join(names)} is no terminal, and the cockpit needs one; `sovereign up` starts without a screen"
        )
        common.fail([text], common.EXIT_FAILED)
    if (term := os.environ.get("TERM", "")) in _BLIND:
        text = f"TERM={term}: such a terminal shows no screen; set TERM to what it is, as in TERM=xterm-256color"
        common.fail([text], common.EXIT_FAILED)
