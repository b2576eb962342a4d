"""A disk that takes its time: what was judged before it must still be so when the order is sent."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.execution.journal import Entry
from engine.risk.trading_state import CauseName
from schemas.messages import OrderAck, OrderReject, RejectCode, Side
from tests.support.laboratory import Life, exchange_orders
from tests.support.trader import Trader, in_laboratory


def slow_disk(life: Life, seconds: float) -> None:
    """From now on a line of the journal is on disk so much later."""
    truth = life.journal.append_durably

    async def append_durably(entry: Entry) -> None:
        await truth(entry)
        await asyncio.sleep(seconds)

    life.journal.append_durably = append_durably  # type: ignore[method-assign]


@pytest.mark.parametrize("slow_s", [0.0, 1.9, 2.1, 10.0])
def test_an_entry_is_not_sent_once_it_is_older_than_the_venue_may_take_it(tmp_path: Path, slow_s: float) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        assert lab.life is not None
        slow_disk(lab.life, slow_s)
        said = await trader.told(Side.BUY, "2")
        taken = len(exchange_orders(lab.exchange))
        if slow_s < 2:
            assert (type(said), taken) == (OrderAck, 1)
        else:
            assert isinstance(said, OrderReject)
            assert (said.code, said.rule, said.limit, taken) == (RejectCode.TTL_EXPIRED, "order_ttl", "2000 ms", 0)
        await lab.settle()
        assert (lab.differences(), trader.lost()) == ([], [])

    in_laboratory(tmp_path, act)


def test_what_reduces_is_sent_however_long_the_disk_took(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        assert lab.life is not None
        await trader.told(Side.BUY, "2")
        slow_disk(lab.life, 10)
        assert isinstance(await trader.told(Side.SELL, "2", reduce_only=True), OrderAck)
        assert lab.held == 0

    in_laboratory(tmp_path, act)


@pytest.mark.parametrize("held", ["", "1", "5"])
@pytest.mark.parametrize("reduce_only", [False, True])
def test_new_risk_is_not_sent_when_meanwhile_only_reducing_is_allowed(
    tmp_path: Path, held: str, reduce_only: bool
) -> None:
    """A sell of 2: it shrinks a position of 5, turns one of 1, and opens one where nothing is held."""
    if reduce_only and held != "5":
        return

    async def act(trader: Trader) -> None:
        lab = trader.lab
        life = lab.life
        assert life is not None
        if held:
            await trader.told(Side.BUY, held)
        await asyncio.sleep(1)
        slow_disk(life, 0.5)
        task = trader.send(Side.SELL, "2", reduce_only=reduce_only)
        await asyncio.sleep(0.1)
        life.causes.hold(CauseName.FEED_STALE, True, "no frame for 3 s")
        await lab.until(task.done, within_s=30)
        said = task.result()
        if held == "5":
            assert isinstance(said, OrderAck)
        else:
            assert isinstance(said, OrderReject)
            assert (said.code, said.text) == (RejectCode.TRADING_STATE, "only reducing meanwhile: feed_stale")

    in_laboratory(tmp_path, act)
