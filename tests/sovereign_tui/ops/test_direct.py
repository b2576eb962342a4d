"""The engine's receipt, found without ops."""

from __future__ import annotations

import time

from schemas import receipts
from schemas.clock import NS_PER_S
from schemas.messages import Receipt
from schemas.settings import Home
from sovereign_tui.ops import direct


def receipt(halt_id: str, received_ns: int) -> Receipt:
    return Receipt(id=halt_id, requested_ns=received_ns, issuer="me", reason="", received_ns=received_ns, verified=True)


def test_a_receipt_of_before_the_machine_was_started_proves_nothing(home: Home) -> None:
    """The monotonic clock began anew: that receipt has a later time than the halt that is asked for now."""
    asked = direct.Direct(halt_id="h2", engine=1, asked_ns=time.monotonic_ns(), problems=())
    receipts.keep(home.data / "receipts", receipt("h1", asked.asked_ns + 3_600 * NS_PER_S))
    assert list(direct.receipts(home, asked, 0.1)) == []
    receipts.keep(home.data / "receipts", receipt("h2", time.monotonic_ns()))
    assert [found["id"] for found in direct.receipts(home, asked, 0.1)] == ["h2"]
