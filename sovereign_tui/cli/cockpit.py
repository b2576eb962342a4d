"""`sovereign tui`: the cockpit on top of a running system, started first if there is none."""

from __future__ import annotations

import importlib
from typing import Annotated

import typer

from sovereign_tui.cli import common
from sovereign_tui.cli.up import prepare, start
from sovereign_tui.ops import launch

app = typer.Typer(add_completion=False)


@app.command()
def tui(
    attach: Annotated[bool, typer.Option("--attach", help="Only watch a system that runs already.")] = False,
    readonly: Annotated[bool, typer.Option("--readonly", help="Watch; command nothing.")] = False,
    venue: Annotated[str | None, typer.Option(help="Where to trade: sim.")] = None,
) -> None:
    """Open the cockpit."""
    if attach:
        home = common.find_home()
        settings = common.find_settings(home)
        if not launch.ops_is_running(home):
            common.fail(["ops is not running; start it with `sovereign up` or `sovereign tui`"], common.EXIT_DOWN)
    else:
        home, settings = prepare(venue)
        if not launch.ops_is_running(home):
            outcome = start(home, settings, quiet=False)
            if outcome.code != common.EXIT_OK:
                common.fail(outcome.problems, outcome.code)
    cockpit = importlib.import_module("sovereign_tui.cockpit.app")
    code: int = cockpit.run(home=home, settings=settings, readonly=readonly)
    raise typer.Exit(code)
