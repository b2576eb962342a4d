"""Candles that are missing, late, doubled, out of order or nonsense."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain.candles import Bar, FrameCandles
from schemas.messages import FRAME_NS, Candle, CandleHistory

M5 = FRAME_NS["5m"]
BASE = 5_000


def candle(number: int, close: float = 1.0, *, confirmed: bool = True, shift_ns: int = 0, **changes: float) -> Candle:
    plain = {"open": close, "high": close + 1, "low": close / 2, "close": close, "volume": 3.0}
    return Candle(
        instrument="X", frame="5m", sequence=1, open_ns=(BASE + number) * M5 + shift_ns, received_ns=1,
        confirmed=confirmed, **{**plain, **changes},
    )  # fmt: skip


def history(*candles: Candle) -> CandleHistory:
    return CandleHistory(instrument="X", frame="5m", sequence=1, received_ns=1, candles=candles)


def numbers(bars: list[Bar]) -> list[int]:
    return [bar.open_ns // M5 - BASE for bar in bars]


def whole(first: int = 0, last: int = 9, keep: int = 100) -> FrameCandles:
    candles = FrameCandles("5m", keep=keep)
    candles.on_history(history(*(candle(number, float(number + 1)) for number in range(first, last + 1))))
    candles.take_fresh(1_000)
    candles.restarted = False
    return candles


def test_a_history_is_taken_whole_and_told_as_fresh() -> None:
    candles = FrameCandles("5m", keep=4)
    assert candles.hole == "no history yet"
    candles.on_history(history(*(candle(number, float(number + 1)) for number in range(6))))
    assert (candles.hole, candles.restarted) == ("", True)
    assert numbers(candles.confirmed) == [2, 3, 4, 5]
    assert numbers(candles.take_fresh(3)) == [2, 3, 4]
    assert numbers(candles.take_fresh(3)) == [5]
    assert [candles.close(back) for back in range(5)] == [6.0, 5.0, 4.0, 3.0, None]
    with pytest.raises(ValueError, match="to come"):
        candles.close(-1)


def test_what_forms_is_the_newest_close_until_it_is_confirmed() -> None:
    candles = whole()
    candles.on_candle(candle(10, 50.0, confirmed=False))
    candles.on_candle(candle(10, 51.0, confirmed=False))
    assert (candles.close(0), candles.close(1), candles.fresh) == (51.0, 10.0, [])
    candles.on_candle(candle(10, 52.0))
    assert (candles.forming, candles.close(0), numbers(candles.fresh)) == (None, 52.0, [10])


def test_a_final_row_that_comes_after_the_next_bar_has_begun_is_waited_for() -> None:
    candles = whole()
    candles.on_candle(candle(10, 50.0, confirmed=False))
    candles.on_candle(candle(11, 60.0, confirmed=False))
    assert (candles.hole, [candles.close(back) for back in range(3)]) == ("", [60.0, 50.0, 10.0])
    candles.on_candle(candle(10, 49.0, confirmed=False))
    assert (candles.close(1), candles.late) == (49.0, 1)
    candles.on_candle(candle(10, 48.0))
    assert (candles.ended, numbers(candles.fresh)) == (None, [10])
    assert [candles.close(back) for back in range(3)] == [60.0, 48.0, 10.0]


@pytest.mark.parametrize(
    "rows",
    [
        [candle(11, confirmed=False)],
        [candle(11)],
        [candle(12, confirmed=False)],
        [candle(10, confirmed=False), candle(11, confirmed=False), candle(12, confirmed=False)],
        [candle(10, confirmed=False), candle(11)],
    ],
)
def test_a_missing_candle_is_a_hole_until_the_history_mends_it(rows: list[Candle]) -> None:
    candles = whole()
    for row in rows:
        candles.on_candle(row)
    assert candles.hole == "a candle is missing"
    candles.on_history(history(*(candle(number, float(number + 1)) for number in range(13))))
    assert (candles.hole, candles.restarted, numbers(candles.confirmed)[-1]) == ("", True, 12)


def test_a_history_that_holds_nothing_new_changes_nothing() -> None:
    candles = whole()
    candles.on_candle(candle(10, 50.0, confirmed=False))
    candles.on_history(history(*(candle(number, 99.0) for number in range(5, 10))))
    assert (candles.restarted, candles.fresh, candles.close(0), candles.close(1)) == (False, [], 50.0, 10.0)


def test_a_history_with_newer_bars_is_followed_and_one_that_reaches_further_back_begins_anew() -> None:
    candles = whole()
    candles.on_history(history(*(candle(number, float(number + 1)) for number in range(5, 13))))
    assert (candles.restarted, numbers(candles.fresh)) == (False, [10, 11, 12])
    candles.on_history(history(*(candle(number, float(number + 9)) for number in range(-5, 12))))
    assert candles.restarted
    assert numbers(candles.confirmed) == numbers(candles.fresh) == list(range(-5, 13)), "what came live stays"


def test_rows_sent_again_and_rows_that_are_late_are_counted_and_change_nothing() -> None:
    candles = whole()
    candles.on_candle(candle(9, 10.0))
    candles.on_candle(candle(9, 11.0))
    candles.on_candle(candle(3, 4.0))
    assert (candles.doubled, candles.late, candles.hole, candles.fresh) == (1, 2, "", [])
    assert candles.close(0) == 10.0


@pytest.mark.parametrize(
    "changes",
    [{"close": math.nan}, {"high": math.inf}, {"low": 0.0}, {"low": -1.0}, {"high": 0.1}, {"volume": -1.0},
     {"open": 99.0}, {"shift_ns": 1}],
)  # fmt: skip
def test_a_row_that_makes_no_sense_is_refused_and_said_until_the_history_is_read(changes: dict[str, float]) -> None:
    candles = whole()
    candles.on_candle(candle(10, confirmed=False, **changes))
    assert candles.hole.startswith("a candle is wrong: ")
    assert (candles.refused, candles.forming) == (1, None)
    broken = FrameCandles("5m", keep=10)
    broken.on_history(history(candle(0), candle(1, **changes)))
    assert broken.hole == "no history yet"
    assert (broken.refused, broken.confirmed) == (1, [])
    candles.on_history(history(*(candle(number) for number in range(10))))
    assert candles.hole == ""


def test_one_row_from_the_far_future_is_a_hole_and_the_next_row_and_the_history_mend_it() -> None:
    candles = whole()
    candles.on_candle(candle(10, 50.0, confirmed=False))
    candles.on_candle(candle(5_000, 60.0, confirmed=False))
    assert candles.hole == "a candle is missing"
    candles.on_candle(candle(10, 51.0, confirmed=False))
    assert candles.hole == "a candle is missing", "until the history says that none is"
    candles.on_history(history(*(candle(number, float(number + 1)) for number in range(10))))
    assert (candles.hole, candles.close(0), candles.until_ns) == ("", 51.0, (BASE + 11) * M5 + FRAME_NS["1m"])


@pytest.mark.parametrize("candles", [(), (candle(1), candle(0)), (candle(1), candle(1))])
def test_a_history_that_makes_no_sense_leaves_what_is_held(candles: tuple[Candle, ...]) -> None:
    held = whole()
    held.on_history(history(*candles))
    assert (held.hole, numbers(held.confirmed)) == ("the history is empty, or out of order", list(range(10)))


def test_of_a_history_with_a_hole_what_follows_the_hole_is_taken() -> None:
    candles = FrameCandles("5m", keep=10)
    candles.on_history(history(candle(0), candle(1), candle(3), candle(6), candle(7)))
    assert (candles.hole, numbers(candles.confirmed)) == ("", [6, 7])


def test_the_next_bar_must_have_shown_itself_a_minute_after_it_began() -> None:
    minute = FRAME_NS["1m"]
    assert FrameCandles("5m", keep=10).until_ns == 0
    candles = whole()
    assert candles.until_ns == (BASE + 10) * M5 + minute
    candles.on_candle(candle(10, confirmed=False))
    assert candles.until_ns == (BASE + 11) * M5 + minute


@given(st.data())
def test_whatever_comes_in_whatever_order_what_is_confirmed_has_no_hole_and_is_told_once(data: st.DataObject) -> None:
    candles, told = FrameCandles("5m", keep=8), []
    for _ in range(data.draw(st.integers(0, 30))):
        if data.draw(st.booleans()):
            candles.on_candle(candle(data.draw(st.integers(0, 20)), confirmed=data.draw(st.booleans())))
        else:
            first = data.draw(st.integers(0, 15))
            candles.on_history(history(*(candle(n) for n in range(first, data.draw(st.integers(first, 18)) + 1))))
        if candles.restarted:
            candles.restarted, told = False, []
        told += candles.take_fresh(100)
        held = numbers(candles.confirmed)
        assert held == list(range(held[0], held[-1] + 1)) if held else not told
        assert numbers(told)[-len(held) :] == held[-len(told) :]
        if not candles.hole:
            assert candles.confirmed
            newest = candles.forming or candles.confirmed[-1]
            assert candles.close(0) == newest.close
