"""`sovereign resume`: lift the standing halt."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from schemas.printable import printable
from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.ops import client

_WAIT_S: Final = 8.0

app = typer.Typer(add_completion=False)


@app.command()
def resume(
    halt_id: Annotated[str | None, typer.Argument(help="The halt to lift, typed; `sovereign status` shows it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Lift the halt that you name; the engine has to confirm it, and refuses while a cause stands."""
    home = Home.from_environment()
    if halt_id is None and sys.stdin.isatty() and not as_json:
        sys.stderr.write("Which halt is lifted? Type its id: ")
        sys.stderr.flush()
        halt_id = sys.stdin.readline().strip() or None
    command = {"cmd": "resume", "halt_id": halt_id, "issuer": common.issuer()}
    try:
        answer = client.request_blocking(home, command, _WAIT_S)
    except client.OpsError as error:
        common.fail([str(error)], common.EXIT_FAILED, as_json=as_json)
    if not answer["ok"]:
        named = answer["halt_id"]
        mend = [f"lift it with `sovereign resume {named}`"] if named and halt_id is None else []
        common.fail([answer["text"], *mend], common.EXIT_FAILED, as_json=as_json, halt_id=named)
    if as_json:
        common.print_json(answer)
    else:
        typer.echo(f"halt {answer['halt_id']} is lifted: {printable(answer['text'])}")
