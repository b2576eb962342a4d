"""`sovereign resume`: lift the standing halt."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.ops import client

_WAIT_S: Final = 8.0

app = typer.Typer(add_completion=False)


@app.command()
def resume(
    halt_id: Annotated[str | None, typer.Argument(help="The halt to lift; without it, the standing one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Lift the standing halt; the engine has to confirm it."""
    home = Home.from_environment()
    command = {"cmd": "resume", "halt_id": halt_id, "issuer": common.issuer()}
    try:
        answer = client.request_blocking(home, command, _WAIT_S)
    except client.OpsError as error:
        common.fail([str(error)], common.EXIT_FAILED, as_json=as_json)
    if not answer["ok"]:
        common.fail([answer["text"]], common.EXIT_FAILED, as_json=as_json, halt_id=answer["halt_id"])
    if as_json:
        common.print_json(answer)
    else:
        typer.echo(f"halt {answer['halt_id']} is lifted: {answer['text']}")
