"""The venue's dead-man's switch: who is saved by it, and who is left alone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.exchange.faults.switchboard import Fault
from engine.exchange.intake import new_order
from engine.venue.rest import TAG
from schemas.messages import Side
from tests.support.laboratory import MID, Laboratory
from tests.support.trader import Trader, in_laboratory

SECONDS = 10
CALL = "trade/cancel-all-after"
FOREIGN = {
    "instId": "BTC-USDT-SWAP", "tdMode": "isolated", "ordType": "limit", "sz": "3", "side": "buy",
    "px": f"{(MID - 500) / 10}", "clOrdId": "theirs",
}  # fmt: skip


def deadlines(lab: Laboratory) -> dict[str, float]:
    """Seconds left of each tag's countdown at the venue."""
    now_ns = lab.clock.monotonic_ns()
    return {tag: (due - now_ns) / 1e9 for tag, due in lab.exchange.dead_man._deadlines.items()}


def pending(lab: Laboratory) -> list[str]:
    """Client ids of what rests, ours shortened to "so"."""
    ids = [order.terms.cl_ord_id for order in lab.exchange.desk.orders.pending()]
    return sorted("so" if len(each) > 20 else each for each in ids)


def test_it_is_armed_while_an_order_rests_kept_armed_and_disarmed_afterwards(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        assert deadlines(lab) == {}
        await trader.told(Side.BUY, away=50)
        await asyncio.sleep(2)
        lowest = SECONDS * 1.0
        for _ in range(200):
            await asyncio.sleep(0.2)
            left = deadlines(lab)
            assert set(left) == {TAG}
            lowest = min(lowest, left[TAG])
        assert lowest > SECONDS / 2
        assert pending(lab) == ["so"]
        await trader.cancel_last()
        await asyncio.sleep(2)
        assert deadlines(lab) == {}

    in_laboratory(tmp_path, act, safety__dead_man_s=SECONDS)


def test_an_order_that_trades_at_once_does_not_arm_it(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab, armed = trader.lab, []
        await trader.told(Side.BUY)
        for _ in range(40):
            await asyncio.sleep(0.1)
            armed.append(bool(deadlines(lab)))
        assert not any(armed)

    in_laboratory(tmp_path, act, safety__dead_man_s=SECONDS)


def test_an_engine_that_dies_leaves_it_armed_and_the_venue_cancels_what_is_ours_alone(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.exchange.place(new_order(FOREIGN))
        lab.hub.flush()
        await trader.told(Side.BUY, away=50)
        await trader.told(Side.BUY, "2")
        await asyncio.sleep(2)
        await lab.crash()
        assert pending(lab) == ["so", "theirs"]
        await asyncio.sleep(SECONDS + 1)
        assert pending(lab) == ["theirs"]
        assert (lab.held, lab.uncovered()) == (200, 0)  # it takes no stop away
        await lab.armed()
        await lab.settle()
        assert (lab.differences(), trader.lost()) == ([], [])
        assert deadlines(lab) == {}

    in_laboratory(tmp_path, act, safety__dead_man_s=SECONDS)


def test_after_a_crash_it_is_armed_anew_before_it_fires(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        await trader.told(Side.BUY, away=50)
        await asyncio.sleep(3)
        await lab.crash(power_cut=True)
        await asyncio.sleep(SECONDS / 2)
        await lab.armed()
        await asyncio.sleep(3 * SECONDS)
        assert pending(lab) == ["so"]
        assert deadlines(lab)[TAG] > 0

    in_laboratory(tmp_path, act, safety__dead_man_s=SECONDS)


def test_an_engine_that_comes_back_and_cannot_learn_what_rests_does_not_disarm_it(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        await trader.told(Side.BUY, away=50)
        await asyncio.sleep(3)
        await lab.crash()
        lab.faults.arm(Fault(name="unavailable", call="account/leverage-info"))
        await lab.start()
        await asyncio.sleep(SECONDS + 1)
        assert (pending(lab), deadlines(lab)) == ([], {})
        await lab.settle()
        assert (lab.differences(), trader.lost()) == ([], [])

    in_laboratory(tmp_path, act, safety__dead_man_s=SECONDS)


def test_an_order_that_begins_to_rest_just_after_the_switch_was_disarmed_arms_it_at_once(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        for _ in range(3):
            await trader.told(Side.BUY, away=50)
            await asyncio.sleep(2)
            assert set(deadlines(lab)) == {TAG}
            await trader.cancel_last()
            await asyncio.sleep(1.5)
            assert deadlines(lab) == {}

    in_laboratory(tmp_path, act, safety__dead_man_s=120)


def test_an_error_of_the_venue_is_said_once_and_tried_again(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab, life = trader.lab, trader.lab.life
        assert life is not None
        lab.faults.arm_all(
            [
                Fault(name="unavailable", times=3, call=CALL),
                Fault(name="slow_answer", times=1, delay_ms=3_000, call=CALL),
            ]
        )
        await trader.told(Side.BUY, away=50)
        await asyncio.sleep(5)
        assert set(deadlines(lab)) == {TAG}
        said = [text for _, text in life.said if "cancel-all-after" in text]
        assert len(said) == len(set(said))
        assert any("50001" in text for text in said)
        await trader.cancel_last()
        lab.faults.arm(Fault(name="unavailable", times=2, call=CALL))
        await asyncio.sleep(5)
        assert (deadlines(lab), lab.faults.armed()) == ({}, [])

    in_laboratory(tmp_path, act, safety__dead_man_s=SECONDS)


def test_an_order_of_somebody_else_does_not_arm_it(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        lab.exchange.place(new_order(FOREIGN))
        lab.hub.flush()
        await asyncio.sleep(5)
        assert (deadlines(lab), pending(lab)) == ({}, ["theirs"])

    in_laboratory(tmp_path, act, safety__dead_man_s=SECONDS)
