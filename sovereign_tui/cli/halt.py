"""`sovereign halt`: the kill switch. Loads nothing that it does not need."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final

import typer

from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.ops import client, haltfile
from sovereign_tui.ops.haltfile import StandingHalt

_SILENCE_S: Final = 3.0
"""Ops says something every second while a halt goes on."""

app = typer.Typer(add_completion=False)


@app.command()
def halt(
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the receipt as one JSON object.")] = False,
) -> None:
    """Stop trading, cancel what is open, and prove it. Exit code 0 only if the venue confirmed."""
    home = Home.from_environment()
    reason = reason[: common.LONGEST_REASON]
    command = {"cmd": "halt", "issuer": common.issuer(), "reason": reason, "progress": True}
    receipt: dict[str, Any] = {}
    try:
        for answer in client.stream_blocking(home, command, _SILENCE_S):
            receipt = answer.get("progress") or answer
    except client.OpsError as error:
        _without_ops(home, command["issuer"], reason, str(error), as_json=as_json, receipt=receipt)
    if as_json:
        common.print_json(receipt)
    else:
        show(receipt)
    if not receipt["verified"]:
        raise typer.Exit(common.EXIT_FAILED)


def _without_ops(home: Home, who: object, reason: str, why: str, *, as_json: bool, receipt: dict[str, Any]) -> None:
    standing = haltfile.read(home.runtime)
    if standing is None:
        standing = StandingHalt(id=haltfile.new_id(), issuer=str(who), reason=reason or "halt without ops")
        try:
            home.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
            haltfile.write(home.runtime, standing)
        except OSError as error:
            path = haltfile.path_in(home.runtime)
            problems = [f"not halted: {why}", f"{path} cannot be written ({error.strerror}): nothing keeps it halted"]
            common.fail(problems, common.EXIT_FAILED, as_json=as_json, receipt=receipt or None, halt_file=False)
    kept = (
        f"{haltfile.path_in(home.runtime)} (halt {standing.id}) is written: nothing starts trading until "
        "`sovereign resume`; a running engine hears of it as soon as ops runs"
    )
    problems = [f"not verified: {why}", kept]
    common.fail(problems, common.EXIT_FAILED, as_json=as_json, id=standing.id, receipt=receipt or None, halt_file=True)


def show(receipt: dict[str, Any]) -> None:
    """The receipt for people."""
    head = "HALTED, verified by the venue" if receipt["verified"] else "HALT NOT VERIFIED"
    total = f" in {receipt['total_ms']:.1f} ms" if receipt["total_ms"] is not None else ""
    sys.stdout.write(f"{head}{total}  (halt {receipt['id']}, by {receipt['issuer']})\n")
    steps = (
        ("latched", "latched_ns"),
        ("command port closed", "port_closed_ns"),
        ("cancels sent", "cancels_sent_ns"),
        ("venue confirmed", "venue_confirmed_ns"),
    )
    for label, key in steps:
        at = receipt[key]
        missing = "none needed" if key == "cancels_sent_ns" and receipt["verified"] else "unknown"
        after = missing if at is None else f"{(at - receipt['requested_ns']) / 1e6:+.1f} ms"
        sys.stdout.write(f"  {label:<20} {after}\n")
    open_orders = receipt["open_orders"]
    sys.stdout.write(f"  {'open orders':<20} {'unknown' if open_orders is None else open_orders}\n")
    for problem in receipt["problems"]:
        sys.stdout.write(f"  ! {problem}\n")
