from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import Receipt
from sovereign_tui.ops.receipt import missing

TIMES = st.none() | st.integers(0, 3_000_000_000)
RECEIPTS = st.builds(
    Receipt, id=st.just("a1"), requested_ns=st.just(1_000_000_000), latched_ns=TIMES, port_closed_ns=TIMES,
    venue_confirmed_ns=TIMES, open_orders=st.none() | st.integers(0, 3), verified=st.booleans(), flatten=st.booleans(),
    flat_ns=TIMES, position_contracts=st.none() | st.just(Decimal(2)),
)  # fmt: skip
ASKED = Receipt(id="a1", requested_ns=1_000_000_000, issuer="me", reason="test")


@given(RECEIPTS, st.booleans())
def test_something_is_missing_exactly_while_it_is_not_done(receipt: Receipt, heard: bool) -> None:
    lines = missing(receipt, engine="RUNNING", waited_s=10, heard=heard)
    assert bool(lines) != receipt.done
    assert all("\n" not in line for line in lines)


def test_what_is_missing_names_the_problem_and_what_to_do() -> None:
    unheard = missing(ASKED, engine="BACKOFF", waited_s=10, heard=False)[0]
    assert unheard.startswith("the engine (BACKOFF) has not answered within 10 s")
    assert "sovereign panic" in unheard
    latched = Receipt(id="a1", requested_ns=1, latched_ns=2)
    assert "venue has not confirmed" in missing(latched, engine="RUNNING", waited_s=10, heard=True)[0]
    two = Receipt(id="a1", requested_ns=1, latched_ns=2, open_orders=2)
    assert "2 orders are open" in missing(two, engine="RUNNING", waited_s=10, heard=True)[0]
    held = Receipt(
        id="a1", requested_ns=1, latched_ns=2, open_orders=0, verified=True, flatten=True,
        position_contracts=Decimal("0.5"),
    )  # fmt: skip
    assert missing(held, engine="RUNNING", waited_s=10, heard=True)[0].startswith("0.5 contracts held after 10 s")
