from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.order_flow.cvd import SETTLE_NS, CvdBar, CvdSeries, Divergence, session_start
from brain.order_flow.units import units_of
from schemas.messages import FRAME_NS
from tests.brain.order_flow.support import T0, Print, S, numbered

M, H = FRAME_NS["1m"], FRAME_NS["1H"]
DAY = 24 * H
MIDNIGHT = T0 // DAY * DAY + DAY


def series(**changes: int) -> CvdSeries:
    return CvdSeries(**({"frame_ns": M, "hour_utc": 0, "swing_bars": 1, "keep": 100} | changes))


def feed(made: CvdSeries, rows: list[Print]) -> CvdSeries:
    for row in rows:
        made.add(row.exchange_ns, row.price, units_of(row.size), row.bought, row.trade_id)
    return made


PRINTS = st.lists(
    st.builds(
        Print, trade_id=st.just(0), exchange_ns=st.integers(0, 600).map(lambda s: MIDNIGHT + s * S),
        price=st.integers(90, 110).map(float), size=st.integers(1, 99).map(lambda n: n / 10), bought=st.booleans(),
    ),
    min_size=1, max_size=25,
).map(numbered)  # fmt: skip


def signed(row: Print) -> Fraction:
    return Fraction(round(row.size * 10), 10) * (1 if row.bought else -1)


@given(PRINTS.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_the_cvd_is_the_sum_of_all_trades_in_any_order_of_arrival(case: tuple[list[Print], list[Print]]) -> None:
    rows, arrived = case
    made = feed(series(), arrived)
    assert made.contracts == float(sum(signed(row) for row in rows))
    assert made.since_ns == min(row.exchange_ns for row in rows)


@given(PRINTS)
def test_each_bar_has_its_own_delta_and_the_cvd_at_its_close(rows: list[Print]) -> None:
    made = feed(series(), rows)
    made.advance(MIDNIGHT + H)
    expected, total = [], Fraction(0)
    for open_ns in sorted({row.exchange_ns // M * M for row in rows}):
        inside = [row for row in rows if row.exchange_ns // M * M == open_ns]
        delta = sum((signed(row) for row in inside), Fraction(0))
        total += delta
        prices = [row.price for row in inside]
        expected.append(CvdBar(open_ns, float(delta), float(total), max(prices), min(prices)))
    assert list(made.series) == expected


def test_the_cvd_begins_anew_at_the_hour_of_the_session_and_closes_the_bar_before() -> None:
    made = feed(series(), [Print(1, MIDNIGHT - S, 5.0, 3.0, True)])
    assert (made.session_ns, made.contracts) == (MIDNIGHT - DAY, 3.0)
    made.advance(MIDNIGHT)
    assert (made.session_ns, made.contracts, made.since_ns) == (MIDNIGHT, 0.0, 0)
    assert list(made.series) == [CvdBar(MIDNIGHT - M, 3.0, 3.0, 5.0, 5.0)]
    feed(made, [Print(2, MIDNIGHT - 1, 5.0, 8.0, True), Print(3, MIDNIGHT + 1, 5.0, 2.0, False)])
    assert (made.contracts, made.dropped, made.since_ns) == (-2.0, 1, MIDNIGHT + 1)


@pytest.mark.parametrize(("hour", "offset_h"), [(0, 0), (8, 8), (23, -1)])
def test_a_session_begins_at_its_hour_and_not_before(hour: int, offset_h: int) -> None:
    begin = MIDNIGHT + offset_h * H
    assert session_start(begin, hour) == begin
    assert session_start(begin + DAY - 1, hour) == begin
    assert session_start(begin - 1, hour) == begin - DAY


def test_a_trade_later_than_its_bar_counts_from_then_on_and_changes_no_final_bar() -> None:
    made = feed(series(), [Print(1, MIDNIGHT, 5.0, 3.0, True)])
    made.advance(MIDNIGHT + M + SETTLE_NS)
    final = list(made.series)
    feed(made, [Print(2, MIDNIGHT + 1, 5.0, 1.0, True), Print(3, MIDNIGHT + M, 5.0, 1.0, False)])
    made.advance(MIDNIGHT + 3 * M)
    assert (made.late, made.contracts) == (1, 3.0)
    assert list(made.series) == [*final, CvdBar(MIDNIGHT + M, -1.0, 3.0, 5.0, 5.0)]


def path(points: list[tuple[float, float]], begin_ns: int = MIDNIGHT) -> list[Print]:
    """A bar each: its price, and what was bought in it (negative: sold)."""
    return [
        Print(number, begin_ns + number * M, price, abs(delta), delta > 0)
        for number, (price, delta) in enumerate(points, 1)
    ]


HIGHER_ON_LESS = [(1.0, 1.0), (5.0, 8.0), (1.0, -6.0), (2.0, 1.0), (6.0, 4.0), (1.0, -5.0), (1.0, 1.0)]


def test_a_divergence_has_its_bar_and_when_it_was_known() -> None:
    rows = path(HIGHER_ON_LESS)
    made = feed(series(), rows[:-1])
    assert made.divergence is None
    made.advance(MIDNIGHT + 7 * M + SETTLE_NS)
    assert made.divergence == Divergence(
        bearish=True, bar_ns=MIDNIGHT + 5 * M, confirmed_ns=MIDNIGHT + 7 * M, price=6.0
    )  # fmt: skip
    mirrored = [(10 - price, -delta) for price, delta in HIGHER_ON_LESS]
    made = feed(series(), path(mirrored))
    made.advance(MIDNIGHT + 9 * M)
    assert made.divergence == Divergence(
        bearish=False, bar_ns=MIDNIGHT + 5 * M, confirmed_ns=MIDNIGHT + 7 * M, price=4.0
    )  # fmt: skip


def test_swings_of_two_sessions_are_not_compared() -> None:
    begin = MIDNIGHT - 3 * M  # the second swing is in the new session, where the CVD began at 0
    made = feed(series(), path(HIGHER_ON_LESS, begin))
    made.advance(MIDNIGHT + H)
    assert made.divergence is None
    assert len(made.series) == 7


def test_only_so_many_bars_are_kept() -> None:
    made = feed(series(keep=4), path([(1.0, 1.0)] * 50))
    assert [bar.cvd for bar in made.series] == [45.0, 46.0, 47.0, 48.0]  # the last two still settle
