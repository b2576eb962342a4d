"""`sovereign explain`: one page about one order or one halt, from the record of every message."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.console import Console

from sovereign_tui.cli import common
from sovereign_tui.cli.progress import bytes_read
from sovereign_tui.forensics.page import page
from sovereign_tui.forensics.search import SHORTEST, Ambiguous, NotFound
from sovereign_tui.forensics.story import tell

_WIDTH = 160
"""Columns, where the output is no terminal: nothing is wrapped that a program or a file would have to put together."""

app = typer.Typer(add_completion=False)


@app.command()
def explain(
    what: Annotated[str, typer.Argument(metavar="ID", help="An intent, a client order id, a venue order id, a halt.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell the whole story of one order or one halt; the beginning of its id is enough where it is unique."""
    home = common.find_home(as_json=as_json)
    if not what.isalnum():
        common.fail([f"{what!r}: ids are letters and digits"], common.EXIT_FAILED, as_json=as_json)
    try:
        with bytes_read("searching the record") as progress:
            trace = tell(home, what, progress)
    except NotFound as error:
        short = f"; give at least {SHORTEST} characters" if len(what) < SHORTEST else ""
        common.fail([f"{error}{short}"], common.EXIT_FAILED, as_json=as_json)
    except Ambiguous as error:
        listed = [f"  {one}" for one in error.candidates[:20]]
        more = [f"  and {len(error.candidates) - 20} more"] if len(error.candidates) > 20 else []
        common.fail([str(error), *listed, *more], common.EXIT_FAILED, as_json=as_json, candidates=error.candidates)
    except (OSError, msgspec.DecodeError) as error:
        common.fail([f"the record cannot be read: {error}"], common.EXIT_FAILED, as_json=as_json)
    if as_json:
        common.print_json(trace.as_json())
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)
    console.print(page(trace), soft_wrap=False)
