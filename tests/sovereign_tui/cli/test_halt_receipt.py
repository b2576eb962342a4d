"""What `sovereign halt` prints of a receipt."""

from __future__ import annotations

from typing import Any

import pytest

from sovereign_tui.cli.halt import show

RECEIPT: dict[str, Any] = {
    "id": "b9", "issuer": "ann@desk", "verified": True, "total_ms": 3.7, "requested_ns": 1_000_000,
    "latched_ns": 2_200_000, "port_closed_ns": 2_700_000, "cancels_sent_ns": 3_000_000, "venue_confirmed_ns": 4_700_000,
    "open_orders": 0, "problems": [],
}  # fmt: skip


def shown(capsys: pytest.CaptureFixture[str], **changes: Any) -> list[str]:
    show({**RECEIPT, **changes})
    return capsys.readouterr().out.splitlines()


def test_a_verified_receipt_has_the_time_of_every_step(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys) == [
        "HALTED, verified by the venue in 3.7 ms  (halt b9, by ann@desk)",
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
    assert lines[3:] == [
        "  cancels sent         unknown",
        "  venue confirmed      unknown",
        "  open orders          unknown",
        "  ! venue: HTTP 503",
    ]
