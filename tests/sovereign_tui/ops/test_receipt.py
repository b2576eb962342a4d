from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import Receipt
from sovereign_tui.ops.receipt import HaltAck, merge, missing

ASKED = Receipt(id="a1", requested_ns=1_000_000_000, issuer="me", reason="test")


def test_a_receipt_grows_with_each_acknowledgement_and_is_verified_by_the_venue_alone() -> None:
    ports = {"id": "a1", "latched_ns": 1_001_000_000, "port_closed_ns": 1_002_000_000}
    first = merge(ASKED, msgspec.convert(ports, HaltAck))
    assert (first.latched_ns, first.port_closed_ns, first.verified, first.total_ms) == (
        1_001_000_000, 1_002_000_000, False, None,
    )  # fmt: skip
    second = merge(first, msgspec.convert({"id": "a1", "venue_confirmed_ns": 1_050_000_000, "open_orders": 0}, HaltAck))
    assert second.latched_ns == 1_001_000_000
    assert (second.verified, second.total_ms, second.open_orders) == (True, 50.0, 0)


def test_open_orders_are_not_a_verified_halt() -> None:
    ack = HaltAck(id="a1", latched_ns=1_001_000_000, venue_confirmed_ns=1_050_000_000, open_orders=2)
    receipt = merge(ASKED, ack)
    assert (receipt.verified, receipt.total_ms) == (False, None)
    assert "2 orders are open" in missing(receipt, engine="RUNNING", waited_s=10, heard=True)[0]


def test_unknown_open_orders_are_not_zero() -> None:
    assert not merge(ASKED, HaltAck(id="a1", venue_confirmed_ns=1_050_000_000)).verified


def test_a_confirmation_from_before_the_halt_was_asked_confirms_nothing() -> None:
    receipt = merge(ASKED, HaltAck(id="a1", venue_confirmed_ns=999_999_999, open_orders=0))
    assert (receipt.venue_confirmed_ns, receipt.verified) == (None, False)


def test_the_standing_halts_id_becomes_the_receipts() -> None:
    ack = HaltAck(id="old", asked="a1", venue_confirmed_ns=2_000_000_000, open_orders=0)
    assert ack.answers("a1")
    assert not ack.answers("other")
    assert merge(ASKED, ack).id == "old"


@pytest.mark.parametrize("data", [{}, {"id": 7}, {"id": "a", "open_orders": "none"}, {"id": "a", "latched_ns": 1.5}])
def test_malformed_acknowledgements_are_refused(data: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(data, HaltAck)


def test_what_is_missing_names_the_problem() -> None:
    assert missing(ASKED, engine="BACKOFF", waited_s=10, heard=False)[0].startswith("the engine (BACKOFF) has not answ")
    latched = merge(ASKED, HaltAck(id="a1", latched_ns=1_001_000_000))
    assert "venue has not confirmed" in missing(latched, engine="RUNNING", waited_s=10, heard=True)[0]


TIMES = st.none() | st.integers(0, 3_000_000_000)
ACKS = st.builds(
    HaltAck, id=st.just("a1"), latched_ns=TIMES, port_closed_ns=TIMES, venue_confirmed_ns=TIMES,
    open_orders=st.none() | st.integers(0, 3),
)  # fmt: skip


@given(st.lists(ACKS, max_size=8))
def test_verified_means_confirmed_after_the_request_with_nothing_open(acks: list[HaltAck]) -> None:
    receipt = ASKED
    for ack in acks:
        before, receipt = receipt, merge(receipt, ack)
        assert before.latched_ns is None or receipt.latched_ns is not None  # nothing known is forgotten
    confirmed = receipt.venue_confirmed_ns
    assert receipt.verified == (confirmed is not None and confirmed >= ASKED.requested_ns and receipt.open_orders == 0)
    assert (receipt.total_ms is not None) == receipt.verified
    assert receipt.total_ms is None or receipt.total_ms >= 0
