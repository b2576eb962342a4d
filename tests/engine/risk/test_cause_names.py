"""The names that a refusal gives as its reason are those of the causes that stand now."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.risk.trading_state import CauseName, TradingCauses
from tests.support.clock import ManualClock


@given(st.lists(st.tuples(st.sampled_from(CauseName), st.booleans())))
def test_the_names_follow_every_change_worst_first_and_whoever_hears_of_it_sees_them(
    changes: list[tuple[CauseName, bool]],
) -> None:
    seen: list[str] = []
    causes = TradingCauses(clock=ManualClock(), on_change=lambda cause, raised: seen.append(causes.names))
    assert causes.names == "reconciling"
    for name, stands in changes:
        causes.hold(name, stands)
        assert causes.names == ", ".join(cause.name for cause in causes.standing())
        assert not seen or seen[-1] == causes.names
