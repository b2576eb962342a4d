"""`sovereign keys`: the API keys of the venues, kept in the keyring of the desktop."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Annotated, Final, Literal

import typer

from sovereign_tui.cli import common
from sovereign_tui.ops import credentials
from sovereign_tui.ops.credentials import CredentialsError
from sovereign_tui.ops.keycheck import ask_venue
from sovereign_tui.ops.keyset import Keys

_LABELS: Final = ("API key", "secret", "passphrase")

app = typer.Typer(add_completion=False, no_args_is_help=True, help="API keys of the venues demo and live.")

_Venue = Annotated[Literal["demo", "live"], typer.Argument(help="Which venue the keys are for.", metavar="VENUE")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


@app.command("set")
def set_keys(
    venue: _Venue,
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Read three lines: API key, secret, passphrase.")] = False,
) -> None:
    """Keep the keys of a venue in the keyring."""
    try:
        credentials.safe_backend()  # before anybody types a secret
        if from_stdin:
            given = [sys.stdin.readline().strip() for _ in _LABELS]
        elif sys.stdin.isatty():
            given = [getpass.getpass(f"{label} of {venue}: ").strip() for label in _LABELS]
        else:
            common.fail(["not a terminal; give three lines with --stdin"], common.EXIT_CONFIG)
        lacking = [label for label, text in zip(_LABELS, given, strict=True) if not text]
        if lacking:
            common.fail([f"{', '.join(lacking)}: empty; nothing was changed"], common.EXIT_CONFIG)
        credentials.store(venue, Keys(api_key=given[0], secret=given[1], passphrase=given[2]))
    except CredentialsError as error:
        common.fail([str(error)], common.EXIT_CONFIG)
    except (KeyboardInterrupt, EOFError):
        common.fail(["interrupted; nothing was changed"], common.EXIT_INTERRUPTED)
    typer.echo(f"the keys of {venue} are in the keyring; `sovereign keys check {venue}` shows them to the venue")


@app.command()
def check(venue: _Venue, as_json: _Json = False) -> None:
    """Whether the keys of a venue are there, and whether the venue takes them. Exit code 0 only if it does."""
    common.find_settings(common.find_home(as_json=as_json), as_json=as_json)
    try:
        keys = credentials.find(venue, os.environ)
    except CredentialsError as error:
        common.fail([str(error)], common.EXIT_CONFIG, as_json=as_json)
    if keys is None:
        common.fail([f"no keys of {venue}; `sovereign keys set {venue}`"], common.EXIT_CONFIG, as_json=as_json)
    found = ask_venue(venue, keys)
    if found.problems:
        lines = [f"{venue}: {problem}" for problem in found.problems]
        common.fail(lines, found.code, as_json=as_json, venue=venue, taken=found.taken)
    if as_json:
        common.print_json({"ok": True, "venue": venue, "taken": True, "problems": []})
    else:
        typer.echo(f"{venue} takes the keys: they may trade and not withdraw, and the account is set up")


@app.command()
def rm(venue: _Venue) -> None:
    """Remove the keys of a venue from the keyring."""
    try:
        found = credentials.remove(venue)
    except CredentialsError as error:
        common.fail([str(error)], common.EXIT_CONFIG)
    typer.echo(f"the keys of {venue} are removed" if found else f"there were no keys of {venue}")
