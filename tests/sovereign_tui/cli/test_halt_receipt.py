"""What `sovereign halt` prints of a receipt."""

from __future__ import annotations

from typing import Any

import pytest

from sovereign_tui.cli.receipts import show

RECEIPT: dict[str, Any] = {
    "id": "b9", "issuer": "ann@desk", "verified": True, "total_ms": 3.7, "requested_ns": 1_000_000,
    "latched_ns": 2_200_000, "port_closed_ns": 2_700_000, "cancels_sent_ns": 3_000_000, "venue_confirmed_ns": 4_700_000,
    "open_orders": 0, "problems": [], "received_ns": 2_000_000,
}  # fmt: skip


def shown(capsys: pytest.CaptureFixture[str], **changes: Any) -> list[str]:
    show({**RECEIPT, **changes})
    return capsys.readouterr().out.splitlines()


def test_a_verified_receipt_has_the_time_of_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == [
        "HALTED, verified by the venue in 3.7 ms  (halt b9, by ann@desk)",
        "  heard by the engine  +1.0 ms",
        "  latched              +1.2 ms",
        "  command port closed  +1.7 ms",
        "  cancels sent         +2.0 ms",
        "  venue confirmed      +3.7 ms",
        "  open orders          0",
    ]


def test_where_nothing_was_open_no_cancel_was_needed(capsys: pytest.CaptureFixture[str]) -> None:
    assert "  cancels sent         none needed" in shown(capsys, cancels_sent_ns=None)


def test_what_is_not_known_is_said_to_be_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    changes = {"verified": False, "total_ms": None, "open_orders": None, "problems": ["venue: HTTP 503"]}
    lines = shown(capsys, cancels_sent_ns=None, venue_confirmed_ns=None, **changes)
    assert lines[0] == "HALT NOT VERIFIED  (halt b9, by ann@desk)"
    assert lines[4:] == [
        "  cancels sent         unknown",
        "  venue confirmed      unknown",
        "  open orders          unknown",
        "  ! venue: HTTP 503",
    ]


FLAT = {"flatten": True, "position_contracts": "0", "close_sent_ns": 5_000_000, "flat_ns": 9_000_000, "total_ms": 8.0}


def test_a_flatten_is_done_when_the_venue_says_flat_and_not_when_nothing_rests(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = shown(capsys, **FLAT, canceled=3, dropped=1, chased=2)
    assert lines[0] == "FLAT, verified by the venue in 8.0 ms  (halt b9, by ann@desk)"
    assert lines[6:] == [
        "  close sent           +4.0 ms",
        "  flat                 +8.0 ms",
        "  open orders          0",
        "  contracts held       0",
        "  cancels              3",
        "  stopped unsent       1",
        "  chased               2",
    ]
    held = shown(capsys, **(FLAT | {"flat_ns": None, "position_contracts": "0.5"}))
    assert (held[0], held[9]) == ("NOT FLAT  (halt b9, by ann@desk)", "  contracts held       0.5")
