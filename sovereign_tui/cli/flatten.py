"""`sovereign flatten`: a halt that closes the position, too."""

from __future__ import annotations

import sys
from typing import Annotated, Final

import typer

from sovereign_tui.cli import common, receipts

_WORD: Final = "FLATTEN"

app = typer.Typer(add_completion=False)


@app.command()
def flatten(
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the word.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as one JSON object.")] = False,
) -> None:
    """Halt, cancel what is open, close the position, and prove it. Exit code 0 only if the venue says flat."""
    if not yes:
        if not sys.stdin.isatty():
            text = f"nobody can type {_WORD} here: run it in a terminal, or with --yes"
            common.fail([text], common.EXIT_FAILED, as_json=as_json)
        if not common.typed(f"The position is closed at market. Type {_WORD} to go on: ", _WORD):
            common.fail([f"{_WORD} was not typed; nothing was done"], common.EXIT_FAILED, as_json=as_json)
    receipts.carry_out("flatten", reason, as_json=as_json)
