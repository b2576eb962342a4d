"""`sovereign down`: stop everything, with ops or without."""

from __future__ import annotations

from typing import Annotated

import typer

from schemas.settings import Settings, SettingsError, load_settings
from sovereign_tui.cli import common
from sovereign_tui.ops import launch

app = typer.Typer(add_completion=False)


@app.command()
def down(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Stop everything in order; nothing is left running."""
    home = common.find_home(as_json=as_json)
    try:
        settings = load_settings(home.settings_file)
    except SettingsError:
        settings = Settings()  # broken settings must not keep anybody from stopping
    found = launch.stop(home, settings, lambda name: None if as_json else typer.echo(f"stopping {name}"))
    left = launch.orphans(home)
    if left or launch.ops_is_running(home):
        common.fail(
            [f"still running: {', '.join(f'{name} (pid {pid})' for name, pid in left.items()) or 'ops'}; kill it"],
            common.EXIT_FAILED,
            as_json=as_json,
        )
    if as_json:
        common.print_json({"ok": True, "state": "DOWN", "stopped": found})
    else:
        typer.echo("down" if found else "nothing was running")
