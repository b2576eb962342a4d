"""What protects a position, one step at a time: examples of every step, and a model venue that takes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.execution.protection import OURS, Do, Levels, Step, next_step, whole_oco
from engine.venue.answers import Algo
from tests.support.orders import INSTRUMENT

LEVELS = Levels(tp=Decimal(66_000), sl=Decimal(62_000))
LIMIT_S = 3.0


def stop(number: int, sz: str = "1", *, side: str = "sell", mine: bool = True, whole: bool = False) -> Algo:
    return Algo(
        algoId=str(number), instId=INSTRUMENT, side=side, algoClOrdId=f"{OURS}{number}" if mine else f"x{number}",
        slTriggerPx="62000", sz="" if whole else sz, closeFraction="1" if whole else "",
    )  # fmt: skip


def step(held: str, *algos: Algo, **changes: Any) -> Step:
    plain: dict[str, Any] = {
        "levels": LEVELS, "bare_s": 0.0, "limit_s": LIMIT_S, "refused": False, "entering": False,
    }  # fmt: skip
    return next_step(held=Decimal(held), algos=algos, **{**plain, **changes})


def test_a_position_without_a_stop_waits_for_the_venue_until_the_limit_and_then_gets_one() -> None:
    assert step("2", bare_s=LIMIT_S - 0.1) == Step(do=Do.WAIT, covered=False, why="stops for 0 of 2 contracts")
    assert step("2", bare_s=LIMIT_S).do is Do.PLACE
    assert step("2", stop(1), bare_s=LIMIT_S) == Step(do=Do.PLACE, covered=False, why="stops for 1 of 2 contracts")


def test_a_position_whose_stop_was_refused_is_closed_and_one_without_levels_is_only_named() -> None:
    assert step("-2", bare_s=LIMIT_S, refused=True).do is Do.CLOSE
    assert step("2", bare_s=LIMIT_S, levels=None).do is Do.UNPROTECTED
    assert step("2", bare_s=LIMIT_S, levels=None, refused=True).do is Do.UNPROTECTED


def test_stops_for_more_than_is_held_are_not_waited_for() -> None:
    """Reduce-only, they would be refused whole when they trigger."""
    assert step("1", stop(1, "1.5"), bare_s=0.0) == Step(do=Do.PLACE, covered=False, why="stops for 1.5 of 1 contracts")


def test_what_a_gone_position_left_behind_is_canceled_unless_an_entry_is_on_its_way() -> None:
    assert step("0", stop(1), stop(2, side="buy")) == Step(
        do=Do.CANCEL, covered=True, algo_ids=("1", "2"), why="the position is gone"
    )
    assert step("0", stop(1), entering=True) == Step(do=Do.NOTHING, covered=True)
    assert step("0", stop(1, mine=False)) == Step(do=Do.NOTHING, covered=True)
    assert step("-1", stop(1, side="buy"), stop(2, side="sell")).algo_ids == ("2",)


def test_of_stops_that_cover_it_twice_the_surplus_goes() -> None:
    assert step("2", stop(1, "2"), stop(2, whole=True)).algo_ids == ("1",)
    assert step("2", stop(1, whole=True), stop(2, whole=True)).algo_ids == ("2",)
    assert step("2", stop(1, "2"), stop(2, "1")).algo_ids == ("2",)
    assert step("2", stop(1, "2", mine=False), stop(2, whole=True)) == Step(
        do=Do.NOTHING, covered=True, why="stops for 2 of 2 contracts"
    )


@pytest.mark.parametrize("held", ["2", "-2"])
def test_the_oco_over_all_says_what_the_venue_wants(held: str) -> None:
    side = "sell" if held == "2" else "buy"
    assert whole_oco(INSTRUMENT, "isolated", Decimal(held), LEVELS, "spx") == {
        "instId": INSTRUMENT, "tdMode": "isolated", "side": side, "ordType": "oco", "closeFraction": "1",
        "reduceOnly": True, "cxlOnClosePos": True, "algoClOrdId": "spx",
        "slTriggerPx": "62000", "slOrdPx": "-1", "slTriggerPxType": "last",
        "tpTriggerPx": "66000", "tpOrdPx": "-1", "tpTriggerPxType": "last",
    }  # fmt: skip
    only_sl = whole_oco(INSTRUMENT, "isolated", Decimal(held), Levels(tp=None, sl=Decimal("62000.5")), "spx")
    assert (only_sl["ordType"], only_sl["slTriggerPx"], "tpTriggerPx" in only_sl) == ("conditional", "62000.5", False)


HELD = st.integers(-4, 4).map(Decimal)
ALGOS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["buy", "sell"]), st.booleans(), st.booleans(), st.booleans()),
    max_size=5,
).map(
    lambda rows: [
        Algo(
            algoId=str(number), instId=INSTRUMENT, side=side, algoClOrdId=f"{OURS if mine else 'x'}{number}",
            slTriggerPx="62000" if stops else "", tpTriggerPx="" if stops else "66000",
            sz="" if whole else str(size), closeFraction="1" if whole else "",
        )
        for number, (size, side, mine, whole, stops) in enumerate(rows)
    ]
)  # fmt: skip
STATES = {
    "bare_s": st.floats(0, 10), "refused": st.booleans(), "entering": st.booleans(),
    "levels": st.none() | st.just(LEVELS),
}  # fmt: skip


@given(held=HELD.filter(bool), sizes=st.lists(st.integers(1, 4), max_size=4), whole=st.booleans(), **STATES)
def test_a_position_whose_stops_cover_it_exactly_is_left_alone(
    held: Decimal, sizes: list[int], whole: bool, **state: Any
) -> None:
    side = "sell" if held > 0 else "buy"
    stops = [stop(0, whole=True, side=side)] if whole else [stop(n, str(s), side=side) for n, s in enumerate(sizes)]
    held = held if whole else Decimal(sum(sizes)).copy_sign(held)
    if held:
        found = step(str(held), *stops, **state)
        assert (found.do, found.covered) == (Do.NOTHING, True)


@given(held=HELD, algos=ALGOS, **STATES)
def test_a_covered_position_is_never_closed_and_others_stops_are_never_canceled(
    held: Decimal, algos: list[Algo], **state: Any
) -> None:
    found = step(str(held), *algos, **state)
    assert not (found.covered and found.do in {Do.CLOSE, Do.PLACE, Do.UNPROTECTED, Do.WAIT})
    assert not (found.do is Do.CLOSE and not state["refused"])
    theirs = {algo.algoId for algo in algos if not algo.algoClOrdId.startswith(OURS)}
    assert not theirs & set(found.algo_ids)
    assert bool(found.algo_ids) == (found.do is Do.CANCEL)


@given(held=HELD, algos=ALGOS, refuses=st.booleans(), entering=st.booleans())
def test_step_by_step_every_position_ends_covered_or_closed(
    held: Decimal, algos: list[Algo], refuses: bool, entering: bool
) -> None:
    bare_s, refused, done = 0.0, False, []
    theirs = [algo for algo in algos if not algo.algoClOrdId.startswith(OURS)]
    for _ in range(20):
        found = step(str(held), *algos, bare_s=bare_s, refused=refused, entering=entering)
        done.append(found.do)
        if found.do is Do.NOTHING:
            break
        entering, bare_s = False, 0.0 if found.covered else bare_s + LIMIT_S / 2
        if found.do is Do.CANCEL:
            algos = [algo for algo in algos if algo.algoId not in found.algo_ids]
        elif found.do is Do.PLACE:
            refused = refuses
            algos += [] if refuses else [stop(90 + len(done), whole=True, side="sell" if held > 0 else "buy")]
        elif found.do is Do.CLOSE:
            held = Decimal(0)
    else:
        raise AssertionError(f"no end: {done}")
    assert all(algo in algos for algo in theirs)
    if held:
        assert step(str(held), *algos).covered
    elif not entering:
        assert [algo for algo in algos if algo.algoClOrdId.startswith(OURS)] == []
