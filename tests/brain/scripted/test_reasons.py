"""For each reason a market that would trade but for that one: it does not, says so, and trades once it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from brain.reasons import Reason
from brain.turns import ACKED
from schemas.messages import RejectCode, Side, TradingState
from tests.brain.scripted.market import Market, settings_of
from tests.brain.scripted.support import QUICK

THREE = {"frames": ("5m", "15m", "1H")}
Script = Callable[[Market], Iterator[None]]


class Case(NamedTuple):
    """`script` puts the obstacle there up to its `yield`, and takes it away after that."""

    reason: Reason
    text: str
    script: Script
    sections: dict[str, Any]
    name: str
    """Of the model that has a say, "" for none."""


CASES: list[Case] = []


def case(reason: Reason, text: str, *, name: str = "", **sections: Any) -> Callable[[Script], Script]:
    def add(script: Script) -> Script:
        CASES.append(Case(reason, text, script, sections, name))
        return script

    return add


@case(Reason.BOOK_INVALID, "the engine does not trust its book")
def book_that_the_engine_does_not_trust(market: Market) -> Iterator[None]:
    market.book_valid = False
    yield
    market.book_valid = True


@case(Reason.WARMING_UP, "15m: no history yet")
def history_that_has_not_come(market: Market) -> Iterator[None]:
    market.silent = {"15m"}
    yield
    market.silent = set()


@case(Reason.LAYER_UNKNOWN, "order flow: trades 2 to 4 are missing")
def trades_that_nobody_told(market: Market) -> Iterator[None]:
    market.trade(Side.BUY)
    market.trade_id = 4
    yield
    market.trades([2, 3, 4], since_id=1)


@case(Reason.STATE_UNKNOWN, "state.account not heard yet")
def account_that_nobody_told(market: Market) -> Iterator[None]:
    market.silent = {"account"}
    yield
    market.silent = set()


@case(Reason.STATE_UNKNOWN, "state.positions not heard since the last entry", sizing=QUICK)
def entry_of_which_the_positions_have_not_told(market: Market) -> Iterator[None]:
    market.step()
    market.wait(0.005)
    market.answer(ACKED)
    market.silent = {"positions"}
    yield
    market.silent = set()


@case(Reason.NO_DIRECTION, "too few scores agree in any frame")
def market_without_a_direction(market: Market) -> Iterator[None]:
    market.trend_pct = dict.fromkeys(market.frames, 0.0)
    market.taker = None
    yield
    market.taker = Side.BUY


@case(Reason.FRAMES_DISAGREE, "5m +1, 15m +0")
def frames_that_disagree(market: Market) -> Iterator[None]:
    market.trend_pct["15m"], market.taker = 0.0, None
    yield
    market.taker = Side.BUY


@case(Reason.PRIMARY_DISAGREES, "2 of 3 frames say +1, 5m says +0", brain=THREE)
def primary_frame_that_disagrees(market: Market) -> Iterator[None]:
    market.trend_pct["5m"], market.taker = 0.0, None
    yield
    market.taker = Side.BUY


@case(Reason.MODEL_DISAGREES, "a model says -0.500, the rules +1", model={"max_age_ms": 2_000.0}, name="a model")
def model_that_disagrees(market: Market) -> Iterator[None]:
    market.scored(-0.5)
    yield
    market.scored(0.5)


@case(Reason.FILTERED, "sessions: open: asia; needed: london", filters={"sessions": ["london"]})
def session_that_is_closed(market: Market) -> Iterator[None]:
    yield
    market.wait(4 * 3_600 + 300)  # 07:06: the bar of 07:00 is confirmed


@case(Reason.ENGINE_NOT_ACTIVE, "HALTED: operator_halt, daily_loss")
def engine_that_is_halted(market: Market) -> Iterator[None]:
    market.says(TradingState.HALTED, "operator_halt", "daily_loss")
    yield
    market.says(TradingState.ACTIVE)


@case(Reason.ENGINE_UNREACHABLE, "the command channel is not connected")
def engine_out_of_reach(market: Market) -> Iterator[None]:
    market.reachable = False
    yield
    market.reachable = True


@case(Reason.IN_POSITION, "-3 contracts of BTC-USDT-SWAP", sizing=QUICK)
def position_that_is_held(market: Market) -> Iterator[None]:
    market.hold(Decimal(-3))
    yield
    market.close("5")


@case(Reason.ORDER_WORKING, "1 orders")
def order_that_works(market: Market) -> Iterator[None]:
    market.work()
    yield
    market.working = ()


@case(Reason.WAITING_FOR_REPLY, "for 1000 ms", sizing=QUICK)
def order_without_an_answer(market: Market) -> Iterator[None]:
    market.step()
    yield
    market.reject(RejectCode.RATE_LIMIT)


@case(Reason.OUTCOME_UNKNOWN, "of i1; waiting for state.orders", sizing=QUICK)
def order_that_is_lost(market: Market) -> Iterator[None]:
    market.step()
    market.lose()
    market.silent = {"orders", "positions"}
    yield
    market.silent = set()


@case(Reason.DAILY_LOSS, "3.000 % of the day's opening equity, the limit is 2.5 %")
def day_that_lost_enough(market: Market) -> Iterator[None]:
    market.realised, market.equity = Decimal(-30_000), Decimal(970_000)
    yield
    market.realised, market.equity = Decimal(-24_999), Decimal(975_001)


@case(Reason.TRADES_A_DAY, "1 today, the limit is 1", sizing=QUICK | {"max_trades_per_day": 1})
def day_that_had_its_trades(market: Market) -> Iterator[None]:
    one_trade(market, "30")
    yield
    market.realised = market.fees = Decimal(0)
    market.wait(21 * 3_600)


@case(
    Reason.LOSSES_IN_A_ROW, "2 in a row, 39 s left; the last: -31 USDT",
    sizing=QUICK | {"losses_in_a_row": 2, "losses_pause_s": 40.0},
)  # fmt: skip
def losses_in_a_row(market: Market) -> Iterator[None]:
    one_trade(market, "-30")
    one_trade(market, "-30")
    yield
    market.wait(38)


@case(Reason.LOSS_COOLDOWN, "29 s left; the last trade: -31 USDT", sizing=QUICK | {"loss_cooldown_s": 30.0})
def loss_just_now(market: Market) -> Iterator[None]:
    one_trade(market, "-30")
    yield
    market.wait(28)


@case(Reason.REJECT_PAUSE, "4 s left after SLIPPAGE")
def refusal_just_now(market: Market) -> Iterator[None]:
    market.step()
    market.reject(RejectCode.SLIPPAGE)
    yield
    market.wait(3)


@case(Reason.COOLDOWN, "57 s left")
def entry_just_now(market: Market) -> Iterator[None]:
    one_trade(market, "30")
    yield
    market.wait(56)


@case(
    Reason.UNDER_MINIMUM,
    "7.811 contracts, the minimum is 7.812 (by risk 7.8113, the engine allows 99.5000, the margin 6249.0236)",
)
def size_under_the_minimum(market: Market) -> Iterator[None]:
    market.terms(minimum=Decimal("7.812"))
    yield
    market.terms(minimum=Decimal("7.811"))


def one_trade(market: Market, result: str) -> None:
    """An entry, its end, and the step in which the mind hears of it."""
    assert market.step().why_not == ""
    market.ack()
    assert market.step().why_not == "IN_POSITION"
    market.close(result)
    market.reachable = False
    market.step()
    market.reachable = True


@pytest.mark.parametrize("case", CASES, ids=[case.script.__name__ for case in CASES])
def test_the_market_trades_but_for_this_reason(case: Case) -> None:
    market = Market(settings_of(**case.sections), model=case.name)
    steps = case.script(market)
    next(steps)
    obstructed = market.step()
    assert (obstructed.why_not, obstructed.why_not_text) == (case.reason.value, case.text)
    assert (obstructed.contracts, obstructed.intent_id) == (None, "")
    assert next(steps, "over") == "over"
    free = market.step()
    assert (free.why_not, free.why_not_text) == ("", "")
    assert free.contracts is not None
    assert market.order is not None
    assert market.order.intent_id == free.intent_id


def test_every_reason_has_its_script() -> None:
    assert {case.reason for case in CASES} == set(Reason)
