"""Asking for a receipt, and showing it: what `halt` and `flatten` share. Loads nothing that it does not need."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any, Final

import typer

from schemas import haltfile
from schemas.clock import NS_PER_MS
from schemas.printable import printable
from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.ops import client, direct

_FIRST_WORD_S: Final = 1.0
"""Ops answers at once. One that does not is left alone, and the engine is asked without it."""
_SILENCE_S: Final = 3.0
"""Ops says something every second while a halt goes on."""
_WITHOUT_OPS_S: Final = 10.0

_STEPS: Final = (
    ("heard by the engine", "received_ns"),
    ("latched", "latched_ns"),
    ("command port closed", "port_closed_ns"),
    ("cancels sent", "cancels_sent_ns"),
    ("venue confirmed", "venue_confirmed_ns"),
)
_FLATTEN_STEPS: Final = (("close sent", "close_sent_ns"), ("flat", "flat_ns"))


def carry_out(what: str, reason: str, *, as_json: bool) -> None:
    """Ask for a `halt` or a `flatten`, show the receipt, and exit with 1 if it is not done.

    The engine is told of a halt first, by the halt file. A halt that ops does not take is asked of the engine itself; a
    flatten is not.
    """
    home = Home.from_environment()
    reason = reason[: common.LONGEST_REASON]
    issuer = common.issuer()
    asked_ns = time.monotonic_ns()
    written = direct.at_once(home, issuer, reason, mono_ns=asked_ns) if what == "halt" else ""
    command = {
        "cmd": what, "id": written, "issuer": issuer, "reason": reason, "progress": True, "mono_ns": asked_ns,
    }  # fmt: skip
    receipt: dict[str, Any] = {}
    try:
        for answer in client.stream_blocking(home, command, _SILENCE_S, first_s=_FIRST_WORD_S):
            receipt = answer.get("progress") or answer
    except client.OpsError as error:
        if what != "halt":
            common.fail([f"not flat: {error}; `sovereign panic --flatten` needs no ops"], common.EXIT_FAILED,
                        as_json=as_json, receipt=receipt or None)  # fmt: skip
        asked = direct.ask(home, issuer, reason, mono_ns=asked_ns, written=written)
        receipt = _without_ops(home, asked, str(error), as_json=as_json, seen=receipt)
    if as_json:
        common.print_json(receipt)
    else:
        show(receipt)
    if not is_done(receipt):
        raise typer.Exit(common.EXIT_FAILED)


def is_done(receipt: dict[str, Any]) -> bool:
    """The venue has confirmed all that was asked for."""
    return bool(receipt["verified"]) and (not receipt.get("flatten") or receipt.get("flat_ns") is not None)


def _without_ops(home: Home, asked: direct.Direct, why: str, *, as_json: bool, seen: dict[str, Any]) -> dict[str, Any]:
    """The engine's own receipt; exits with 1 if it does not come to VERIFIED."""
    receipt: dict[str, Any] = {}
    if asked.engine is not None:
        if not as_json:
            sys.stderr.write(f"sovereign: {why}; asking the engine (pid {asked.engine}) itself\n")
        for found in direct.receipts(home, asked, _WITHOUT_OPS_S):
            receipt = found
    if not receipt.get("verified"):
        nobody = asked.engine is None and asked.halt_id is None
        problems = [f"{'not halted' if nobody else 'not verified'}: {why}", *_lacks(home, asked, receipt)]
        common.fail(
            problems, common.EXIT_FAILED, as_json=as_json, id=asked.halt_id, receipt=receipt or seen or None,
            halt_file=asked.halt_id is not None,
        )  # fmt: skip
    return receipt


def _lacks(home: Home, asked: direct.Direct, receipt: dict[str, Any]) -> Iterator[str]:
    yield from asked.problems
    if asked.engine is not None:
        yield (
            f"the engine (pid {asked.engine}) has {'not confirmed' if receipt else 'not answered'} within "
            f"{_WITHOUT_OPS_S:g} s; `sovereign panic` goes to the venue without it"
        )
    if asked.halt_id is not None:
        yield (
            f"{haltfile.path_in(home.runtime)} (halt {asked.halt_id}) is written: nothing starts trading until "
            f"`sovereign resume {asked.halt_id}`"
        )


def show(receipt: dict[str, Any]) -> None:
    """The receipt for people."""
    flatten = bool(receipt.get("flatten"))
    done = is_done(receipt)
    good, bad = ("FLAT", "NOT FLAT") if flatten else ("HALTED", "HALT NOT VERIFIED")
    head = f"{good}, verified by the venue" if done else bad
    total = f" in {receipt['total_ms']:.1f} ms" if done and receipt["total_ms"] is not None else ""
    sys.stdout.write(f"{head}{total}  (halt {receipt['id']}, by {printable(receipt['issuer'])})\n")
    for label, key in (*_STEPS, *(_FLATTEN_STEPS if flatten else ())):
        at = receipt.get(key)
        needless = (key == "cancels_sent_ns" and receipt["verified"]) or (key == "close_sent_ns" and done)
        after = "none needed" if needless else "unknown"
        if at is not None:
            after = f"{(at - receipt['requested_ns']) / NS_PER_MS:+.1f} ms"
        sys.stdout.write(f"  {label:<20} {after}\n")
    _count("open orders", receipt["open_orders"])
    if flatten:
        _count("contracts held", receipt.get("position_contracts"))
    for label, key in (("cancels", "canceled"), ("stopped unsent", "dropped"), ("chased", "chased")):
        if receipt.get(key):
            _count(label, receipt[key])
    for problem in receipt["problems"]:
        sys.stdout.write(f"  ! {printable(problem)}\n")


def _count(label: str, value: object) -> None:
    sys.stdout.write(f"  {label:<20} {'unknown' if value is None else value}\n")
