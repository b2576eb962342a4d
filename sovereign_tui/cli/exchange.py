"""`sovereign exchange`: the simulated exchange on its own."""

from __future__ import annotations

import os

import typer

from sovereign_tui.ops import plan

app = typer.Typer(add_completion=False)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def exchange(ctx: typer.Context) -> None:
    """Run the simulated OKX v5 exchange in the foreground; all arguments go to it (--help shows them)."""
    argv = plan.module("engine.exchange", *ctx.args)
    environment = {**os.environ, "PYTHONPATH": plan.base_environment()["PYTHONPATH"]}
    os.execve(argv[0], argv, environment)
