"""`sovereign halt`: the kill switch. Loads nothing that it does not need."""

from __future__ import annotations

from typing import Annotated

import typer

from sovereign_tui.cli import receipts

app = typer.Typer(add_completion=False)


@app.command()
def halt(
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as one JSON object.")] = False,
) -> None:
    """Stop trading, cancel what is open, and prove it. Exit code 0 only if the venue confirmed."""
    receipts.carry_out("halt", reason, as_json=as_json)
