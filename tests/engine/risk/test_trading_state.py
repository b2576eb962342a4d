from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.risk.trading_state import FORCES, CauseName, TradingCauses
from schemas.messages import Cause, TradingState
from tests.support.clock import ManualClock

ORDERED = [TradingState.ACTIVE, TradingState.REDUCING, TradingState.HALTED]


def test_it_starts_halted_because_it_has_not_asked_the_venue() -> None:
    causes = TradingCauses(clock=ManualClock(), on_change=lambda cause, raised: None)
    assert causes.state is TradingState.HALTED
    assert [cause.name for cause in causes.standing()] == ["reconciling"]


def test_every_cause_forces_something() -> None:
    assert set(FORCES) == set(CauseName)
    assert TradingState.ACTIVE not in FORCES.values()


@given(st.lists(st.tuples(st.sampled_from(CauseName), st.booleans())))
def test_the_state_is_the_worst_of_the_standing_causes_whatever_the_order(
    changes: list[tuple[CauseName, bool]],
) -> None:
    heard: list[tuple[str, bool]] = []

    def hear(cause: Cause, raised: bool) -> None:
        heard.append((cause.name, raised))

    causes = TradingCauses(clock=ManualClock(), on_change=hear)
    standing = {CauseName.RECONCILING}
    for name, stands in changes:
        causes.hold(name, stands)
        (standing.add if stands else standing.discard)(name)
        worst = max((ORDERED.index(FORCES[each]) for each in standing), default=0)
        assert causes.state is ORDERED[worst]
        assert {cause.name for cause in causes.standing()} == {each.value for each in standing}
    for name in {name for name, _ in heard}:
        said = [raised for each, raised in heard if each == name]
        first = name != CauseName.RECONCILING  # which stands from the start; then raised and cleared in turn
        assert said == [first == (i % 2 == 0) for i in range(len(said))]
