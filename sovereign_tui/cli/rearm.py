"""`sovereign rearm`: lift what waits for the operator."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from schemas.printable import printable
from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.ops import client

_WAIT_S: Final = 8.0

app = typer.Typer(add_completion=False)


@app.command()
def rearm(
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Let trading go on after the throttle, the drawdown stop or unexplained answers; the engine has to confirm it."""
    home = Home.from_environment()
    command = {"cmd": "rearm", "reason": reason[: common.LONGEST_REASON], "issuer": common.issuer()}
    try:
        answer = client.request_blocking(home, command, _WAIT_S)
    except client.OpsError as error:
        common.fail([str(error)], common.EXIT_FAILED, as_json=as_json)
    if not answer["ok"]:
        common.fail([answer["text"]], common.EXIT_FAILED, as_json=as_json)
    if as_json:
        common.print_json(answer)
    else:
        typer.echo(printable(answer["text"]))
