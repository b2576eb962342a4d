"""`sovereign blackbox decide`: the recorded decisions once more, by the brain of today or with other settings."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from sovereign_tui.cli import common


def decide(
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="With this setting instead; repeatable.")
    ] = None,
    show: Annotated[int, typer.Option(min=0, help="Differences to show.")] = 5,
) -> None:
    """Decide the recorded sessions again, and show which decisions come out otherwise.

    Exit code 1 if one does, or if the record is not whole.
    """
    home = common.find_home()
    command = [sys.executable, "-m", "brain.again", str(home.blackbox), "--show", str(show)]
    for change in changes or ():
        command += ["--set", change]
    try:
        code = subprocess.run(command, check=False).returncode
    except KeyboardInterrupt:
        code = common.EXIT_INTERRUPTED
    raise typer.Exit(code)
