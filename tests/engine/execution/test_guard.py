"""The guard beside a venue that makes its stops late, for a part, or not at all."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.exchange.algos import Algo
from engine.exchange.config import Rules
from engine.exchange.faults.switchboard import Fault
from engine.exchange.intake import new_order
from engine.exchange.orders import Order
from engine.execution.protection import OURS
from engine.risk.trading_state import CauseName
from schemas.messages import OrderAck, OrderReject, Side
from tests.support.laboratory import Laboratory
from tests.support.trader import Trader, in_laboratory

LIMIT_S = 1.0
SIDES = pytest.mark.parametrize("side", [Side.BUY, Side.SELL])


def stops(lab: Laboratory) -> list[Algo]:
    return lab.exchange.protector.algos.live()


def shown(algos: list[Algo]) -> list[tuple[int | None, int | None]]:
    """Lots (None: all that is held) and trigger of each stop-loss, ticks."""
    return [(algo.lots, algo.legs.sl_trigger) for algo in algos]


def causes(lab: Laboratory) -> Any:
    assert lab.life is not None
    return lab.life.causes


def sl_of(trader: Trader, number: int = 0) -> int:
    """Where the stop of an entry belongs, ticks, as the venue was told."""
    (legs,) = lab_order(trader, number).terms.attached
    assert legs.sl_trigger is not None
    return legs.sl_trigger


def lab_order(trader: Trader, number: int) -> Order:
    ours = [o for o in trader.lab.exchange.desk.orders._by_id.values() if o.terms.cl_ord_id.startswith("so")]
    return ours[number]


@SIDES
def test_a_stop_that_comes_late_is_replaced_in_time_and_is_then_too_much(tmp_path: Path, side: Side) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.faults.arm(Fault(name="protection_late", times=1, delay_ms=4_000))
        await trader.told(side, "2")
        await asyncio.sleep(LIMIT_S + 1.5)
        assert shown(stops(lab)) == [(None, sl_of(trader))]
        assert stops(lab)[0].legs.algo_cl_ord_id.startswith(OURS)
        await asyncio.sleep(5)
        assert shown(stops(lab)) == [(None, sl_of(trader))]
        await lab.settle()
        assert (lab.differences(), trader.lost(), lab.longest_bare_s < LIMIT_S + 1.5) == ([], [], True)
        assert not causes(lab).stands(CauseName.UNPROTECTED)

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


@SIDES
def test_a_stop_for_a_part_becomes_one_over_all_at_the_nearest_of_the_entries(tmp_path: Path, side: Side) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        await trader.told(side, "1", sl_pct=0.3)
        lab.faults.arm(Fault(name="protection_never", times=2))
        await trader.told(side, "1", sl_pct=0.1)
        await trader.told(side, "1", sl_pct=0.2)
        await asyncio.sleep(LIMIT_S + 3)
        nearest = (max if side is Side.BUY else min)(sl_of(trader, number) for number in range(3))
        assert nearest == sl_of(trader, 1)
        assert shown(stops(lab)) == [(None, nearest)]
        await lab.settle()
        assert lab.differences() == []

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


def test_an_entry_that_filled_in_part_and_whose_stop_waits_for_the_whole_gets_one(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.faults.arm(Fault(name="partial_fills", times=1, share=0.3))
        await trader.told(Side.BUY, "2")
        await asyncio.sleep(LIMIT_S + 1.5)
        assert (lab.held, shown(stops(lab))) == (60, [(None, sl_of(trader))])

    in_laboratory(tmp_path, act, rules=Rules(attached_born="filled"), safety__protection_timeout_s=LIMIT_S)


@SIDES
def test_a_position_whose_stop_the_venue_refuses_is_closed(tmp_path: Path, side: Side) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.faults.arm(Fault(name="protection_never", times=1))
        await trader.told(side, "2")
        lab.move(-400 if side is Side.BUY else 400)  # past where the stop belongs: 51279, 51280
        await asyncio.sleep(LIMIT_S + 2.5)
        assert (lab.held, stops(lab)) == (0, [])
        assert lab.life is not None
        said = [text for _, text in lab.life.said if "protection" in text]
        assert any("the venue refused the OCO" in text for text in said)
        assert any("closing" in text and text.endswith("sent") for text in said)
        await lab.settle()
        assert lab.differences() == []

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


@pytest.mark.parametrize("power_cut", [False, True])
@SIDES
def test_after_a_crash_the_stop_goes_where_the_journal_says(tmp_path: Path, side: Side, power_cut: bool) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.faults.arm(Fault(name="protection_never", times=1))
        await trader.told(side, "2", sl_pct=0.2)
        await lab.crash(power_cut=power_cut)
        await asyncio.sleep(5)
        assert stops(lab) == []
        await lab.armed()
        await asyncio.sleep(LIMIT_S + 1.5)
        assert shown(stops(lab)) == [(None, sl_of(trader))]

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


def test_a_position_that_nobody_of_us_opened_is_named_and_never_touched(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        foreign = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "ordType": "market", "sz": "3", "side": "buy"}
        lab.exchange.place(new_order(foreign))
        lab.hub.flush()
        await asyncio.sleep(LIMIT_S + 10)
        (cause,) = causes(lab).standing()
        assert (cause.name, cause.detail) == ("unprotected", "stops for 0 of 3 contracts")
        assert (lab.held, lab.exchange.protector.algos.history(), stops(lab)) == (300, [], [])
        assert len(lab.exchange.desk.orders.fills) == 1
        await trader.told(Side.SELL, "3", reduce_only=True)
        await asyncio.sleep(3)
        assert (lab.held, causes(lab).standing()) == (0, ())

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


def test_a_position_in_the_other_margin_mode_stops_new_risk_until_it_is_gone(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        foreign = {"instId": "BTC-USDT-SWAP", "tdMode": "cross", "ordType": "market", "sz": "3", "side": "sell"}
        await trader.told(Side.BUY, "2")
        lab.exchange.place(new_order(foreign))
        lab.hub.flush()
        await asyncio.sleep(0.1)

        def stands() -> bool:
            (cause,) = causes(lab).standing()
            detail = "-3 contracts cross held beside the isolated trading of this engine; close them at the venue"
            return (cause.name, cause.detail) == ("foreign_position", detail)

        assert stands()
        assert isinstance(await trader.told(Side.BUY, "1"), OrderReject)
        assert isinstance(await trader.told(Side.SELL, "1", reduce_only=True), OrderAck)
        await lab.crash()
        life = await lab.armed()
        assert stands()
        assert any("foreign_position: -3 contracts are held cross" in text for _, text in life.said)
        assert life.trading.account.contracts == Decimal(1)
        lab.exchange.place(new_order(foreign | {"side": "buy"}))
        lab.hub.flush()
        await asyncio.sleep(0.1)
        assert causes(lab).standing() == ()

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


def test_after_an_order_event_that_cannot_be_a_missing_stop_is_made_all_the_same(tmp_path: Path) -> None:
    """It may stand for hours, until somebody re-arms, and a stop is no new risk."""

    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.faults.arm(Fault(name="protection_never", times=1))
        await trader.told(Side.BUY, "2")
        causes(lab).hold(CauseName.LIFECYCLE_ERROR, True, "a test")
        await asyncio.sleep(LIMIT_S + 1.5)
        assert (lab.held, shown(stops(lab))) == (200, [(None, sl_of(trader))])
        await asyncio.sleep(1)
        assert [cause.name for cause in causes(lab).standing()] == [CauseName.LIFECYCLE_ERROR]

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


def test_while_an_operators_halt_stands_nothing_is_sent_and_afterwards_at_once(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.faults.arm(Fault(name="protection_never", times=1))
        await trader.told(Side.BUY, "2")
        causes(lab).hold(CauseName.OPERATOR_HALT, True, "a test")
        await asyncio.sleep(20)
        assert (lab.held, stops(lab), lab.exchange.protector.algos.history()) == (200, [], [])
        assert causes(lab).stands(CauseName.UNPROTECTED)
        causes(lab).hold(CauseName.OPERATOR_HALT, False)
        await asyncio.sleep(1.5)
        assert shown(stops(lab)) == [(None, sl_of(trader))]
        await asyncio.sleep(1)
        assert not causes(lab).stands(CauseName.UNPROTECTED)

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


def test_while_halted_nothing_is_closed_and_afterwards_at_once(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.faults.arm(Fault(name="protection_never", times=1))
        await trader.told(Side.BUY, "2")
        causes(lab).hold(CauseName.LIFECYCLE_ERROR, True, "a test")
        lab.move(-400)  # past where the stop belongs: the venue refuses it
        await asyncio.sleep(20)
        assert (lab.held, stops(lab)) == (200, [])
        assert causes(lab).stands(CauseName.UNPROTECTED)
        causes(lab).hold(CauseName.LIFECYCLE_ERROR, False)
        await asyncio.sleep(1.5)
        assert lab.held == 0

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)


def test_a_stop_that_triggers_leaves_nothing_behind(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        await trader.told(Side.BUY, "1", sl_pct=0.05)
        await trader.told(Side.BUY, "1", sl_pct=0.1)
        lab.move(-700)
        await asyncio.sleep(5)
        assert (lab.held, stops(lab)) == (0, [])
        await lab.settle()
        assert (lab.differences(), trader.lost()) == ([], [])

    in_laboratory(tmp_path, act)


def test_the_stop_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab, life = trader.lab, trader.lab.life
        assert life is not None
        await trader.told(Side.BUY, "1")
        theirs = {
            "instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "sell", "ordType": "conditional", "sz": "5",
            "reduceOnly": True, "slTriggerPx": "60000", "slOrdPx": "-1", "algoClOrdId": "somebody",
        }  # fmt: skip
        await life.rest.place_algo(theirs)
        await asyncio.sleep(10)
        await trader.told(Side.SELL, "1", reduce_only=True)
        await asyncio.sleep(10)
        assert [algo.legs.algo_cl_ord_id for algo in stops(lab)] == ["somebody"]
        assert Decimal(lab.held) == 0

    in_laboratory(tmp_path, act)


@SIDES
def test_an_order_that_ended_unfilled_says_nothing_about_the_stop_of_the_next_life(tmp_path: Path, side: Side) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.faults.arm(Fault(name="protection_never"))
        await trader.told(side, "2", sl_pct=0.2)
        await trader.told(side, "1", away=3_000, sl_pct=0.2)
        await trader.cancel_last()
        await asyncio.sleep(0.3)
        await lab.crash()
        lab.faults.clear(None)
        await lab.armed()
        await asyncio.sleep(LIMIT_S + 2)
        assert (abs(lab.held), shown(stops(lab))) == (200, [(None, sl_of(trader, 0))])

    in_laboratory(tmp_path, act, safety__protection_timeout_s=LIMIT_S)
