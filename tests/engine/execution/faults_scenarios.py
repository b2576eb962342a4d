"""How each fault of the catalogue is provoked, and what must hold while it strikes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from engine.exchange.faults.catalogue import CATALOGUE
from engine.exchange.faults.switchboard import Fault
from schemas.messages import OrderAck, OrderReject, RejectCode, Side, TradingState
from tests.support.feeds import OLD_S, Feeds
from tests.support.laboratory import Laboratory
from tests.support.trader import Trader

Act = Callable[["Scene"], Awaitable[None]]
_HIDDEN: Final = Fault(name="not_found", times=2, lookups=3)


class Scene:
    """One laboratory, one fault, one seed. `wrong` collects what must not have happened."""

    def __init__(self, lab: Laboratory, seed: int) -> None:
        self.lab, self.seed, self.random = lab, seed, random.Random(seed)
        self.trader = Trader(lab)
        self.side = self.random.choice([Side.BUY, Side.SELL])
        self.other = Side.SELL if self.side is Side.BUY else Side.BUY
        self.wrong: list[str] = []

    def arm(self, name: str, **parameters: object) -> None:
        self.lab.faults.arm(Fault(name=name, **parameters))  # type: ignore[arg-type]

    def demand(self, holds: bool, what: str) -> None:
        if not holds:
            self.wrong.append(what)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def rest(self) -> None:
        """Until the engine has asked the venue about what happened, and the operator has looked at it."""
        life = self.lab.life
        assert life is not None
        await self.lab.until(life.trading.reconciled.is_set, within_s=30)
        life.trading.rearm()
        await self.lab.until(lambda: life.causes.state is TradingState.ACTIVE, within_s=30)


def on_orders(name: str, *more: Fault, **parameters: object) -> Act:
    """It strikes an entry, a part of it closed, one that rests, and the cancel of that one."""

    async def act(scene: Scene) -> None:
        given = dict(parameters)
        if "executed" in CATALOGUE[name].parameters:
            given["executed"] = bool(scene.seed % 2)

        def arm(call: str) -> None:
            scene.arm(name, times=1, call=call, **given)
            scene.lab.faults.arm_all(more)

        arm("POST trade/order")
        await scene.trader.told(scene.side, "2")
        await scene.rest()
        await scene.trader.told(scene.side, "2")
        arm("POST trade/order")
        await scene.trader.told(scene.other, "0.5", reduce_only=True)
        await scene.rest()
        arm("POST trade/order")
        await scene.trader.told(scene.side, away=30)
        await scene.rest()
        await scene.trader.told(scene.side, away=60)
        if name != "fill_before_ack":
            arm("trade/cancel-batch-orders")
        await scene.trader.cancel_last()

    return act


def plain(name: str, **parameters: object) -> Act:
    """It strikes what an entry brings about."""

    async def act(scene: Scene) -> None:
        scene.arm(name, times=1 + scene.seed % 3, **parameters)
        await scene.trader.told(scene.side, "2")
        await scene.wait(scene.random.random())
        await scene.trader.told(scene.other, "0.5", reduce_only=True)
        await scene.trader.told(scene.side, away=30)
        await scene.trader.told(scene.side, "0.7")
        await scene.wait(4)

    return act


async def rate_limited(scene: Scene) -> None:
    """An entry is given up, a reduce-only order is sent again: neither was processed."""
    scene.arm("rate_limited", times=1, call="trade/order")
    said = await scene.trader.told(scene.side)
    scene.demand(isinstance(said, OrderReject) and said.rule == "venue 50011", f"the entry was told {said}")
    await scene.trader.told(scene.side, "2")
    scene.arm("rate_limited", times=2, call="trade/order")
    said = await scene.trader.told(scene.other, reduce_only=True)
    scene.demand(isinstance(said, OrderAck), f"the close was told {said}")


async def not_found(scene: Scene) -> None:
    """Neither answer nor push, and the venue does not find the order at once: it is there all the same."""
    for away in (None, 30):
        scene.lab.faults.arm_all([Fault(name="ack_lost", times=1, call="trade/order"), _HIDDEN])
        scene.arm("push_lost", times=3)
        await scene.trader.told(scene.side, "2", away=away)
        scene.lab.faults.clear("push_lost")
        await scene.rest()


async def partial_fills(scene: Scene) -> None:
    """A market order fills in part and is canceled; a resting one fills in slices."""
    scene.arm("partial_fills", times=1, share=scene.random.choice([0.1, 0.37, 0.9]))
    await scene.trader.told(scene.side, "2")
    await scene.trader.told(scene.side, "3", away=20)
    scene.arm("partial_fills", times=2, share=0.3)
    scene.lab.print_at(scene.lab.centre + (-20 if scene.side is Side.BUY else 20), 250, scene.other.name.lower())
    await scene.wait(3)


async def cancel_fill_race(scene: Scene) -> None:
    """The cancel is acked, or refused, and the order was filled first."""
    await scene.trader.told(scene.side, "2", away=40)
    scene.arm("cancel_fill_race", times=1, ack=bool(scene.seed % 2))
    await scene.trader.cancel_last()
    await scene.wait(1)
    scene.demand(abs(scene.lab.held) == 200, f"{scene.lab.held} lots held: the fill did not win")


async def clock_skew(scene: Scene) -> None:
    """New risk is refused while the clocks differ; what rests can be canceled, and the books are brought up to date."""
    await scene.trader.told(scene.side, "1", away=40)
    scene.arm("clock_skew", offset_ms=scene.random.choice([-9_000, -5_000, 5_000, 9_000]))
    life = scene.lab.life
    assert life is not None
    await scene.lab.until(lambda: abs(life.trading.clock_watch.offset_ns() or 0) > 4e9, within_s=15)
    said = await scene.trader.told(scene.side)
    scene.demand(isinstance(said, OrderReject) and said.code is RejectCode.CLOCK_SKEW, f"an entry was told {said}")
    scene.trader.asked.insert(0, scene.trader.asked.pop())
    scene.demand(await scene.trader.cancel_last() == (True, "cancel sent"), "what rests could not be canceled")
    life.trading.ask_anew()
    await scene.lab.until(life.trading.reconciled.is_set, within_s=10)


async def upgrade_notice(scene: Scene) -> None:
    """All connections are closed under an order; each comes back, and knows what it missed."""
    feeds = Feeds(scene.lab)
    scene.arm("upgrade_notice", times=1, delay_ms=1_000)
    await scene.trader.told(scene.side, "1", away=40)
    await scene.wait(1.05)
    scene.lab.print_at(scene.lab.centre + (-40 if scene.side is Side.BUY else 40), 60_000, scene.other.name.lower())
    await scene.wait(3)
    feeds.note_truth()
    feeds.move(scene.random.choice([-30, 30]))
    await scene.wait(3)
    life = scene.lab.life
    assert life is not None
    scene.demand(life.trading.reconciled.is_set(), "not reconciled after the upgrade")
    scene.demand((feeds.public.connects, feeds.business.connects) == (2, 2), "a public connection did not come back")
    scene.demand(feeds.invalid == 0 or feeds.ticks > feeds.invalid, "no valid tick")
    scene.wrong += feeds.wrong + feeds.differences()
    await feeds.close()


async def key_changed(scene: Scene) -> None:
    """The private connection is closed under an order that is filled before it is back."""
    await scene.trader.told(scene.side, "1", away=40)
    scene.arm("key_changed", times=1)
    await scene.wait(0.1)
    scene.lab.print_at(scene.lab.centre + (-40 if scene.side is Side.BUY else 40), 60_000, scene.other.name.lower())
    await scene.wait(3)
    life = scene.lab.life
    assert life is not None
    scene.demand(life.trading.reconciled.is_set(), "not reconciled after the key was changed")
    scene.demand(abs(scene.lab.held) == 100, f"{scene.lab.held} lots held, 100 filled while nobody listened")


def on_book(name: str, *, breaks: bool = True, old_s: float = OLD_S, **parameters: object) -> Act:
    """The market moves while the channels of the book lie, break, or say nothing.

    `breaks`: the book must have been found out. `old_s`: for how long it may show what it was.
    """

    async def act(scene: Scene) -> None:
        feeds = Feeds(scene.lab, old_s=old_s)
        await scene.wait(1)
        scene.arm(name, times=1, **parameters)
        for _ in range(100):
            feeds.move(scene.random.choice([-20, -3, -1, 1, 3, 20]))
            await scene.wait(scene.random.choice([0.05, 0.1, 0.15]))
        await scene.wait(2)
        scene.demand(breaks == bool(feeds.market.counters.book_errors), f"noticed: {not breaks}")
        scene.wrong += feeds.wrong + feeds.differences()
        await feeds.close()

    return act


def on_candle(name: str, **parameters: object) -> Act:
    """Over three ends of a minute; the history is whole again after the next one at the latest."""

    async def act(scene: Scene) -> None:
        feeds = Feeds(scene.lab)
        await scene.wait(1)
        scene.arm(name, times=1 + scene.seed % 2, **parameters)
        for _ in range(36):
            feeds.move(scene.random.choice([-5, -1, 1, 5]))
            await scene.wait(5)
        scene.lab.faults.clear(name)
        await scene.wait(65)
        scene.wrong += feeds.differences()
        await feeds.close()

    return act


SCENARIOS: Final[dict[str, Act]] = {
    "ack_lost": on_orders("ack_lost"),
    "fill_before_ack": on_orders("fill_before_ack", delay_ms=700),
    "disconnect_mid_order": on_orders("disconnect_mid_order"),
    "rate_limited": rate_limited,
    "unavailable": on_orders("unavailable"),
    "endpoint_timeout": on_orders("endpoint_timeout", _HIDDEN),
    "order_timeout": on_orders("order_timeout", _HIDDEN),
    "unexplained_answer": on_orders("unexplained_answer", _HIDDEN),
    "not_found": not_found,
    "slow_answer": on_orders("slow_answer", delay_ms=2_500),
    "partial_fills": partial_fills,
    "cancel_fill_race": cancel_fill_race,
    "protection_late": plain("protection_late", delay_ms=3_000),
    "protection_never": plain("protection_never"),
    "duplicate_push": plain("duplicate_push"),
    "push_lost": plain("push_lost"),
    "sequence_gap": on_book("sequence_gap"),
    "sequence_reset": on_book("sequence_reset", breaks=False),
    "crossed_book": on_book("crossed_book"),
    "silent_book": on_book("silent_book", old_s=1.5, delay_ms=5_000),
    "final_candle_late": on_candle("final_candle_late", delay_ms=2_000),
    "final_candle_missing": on_candle("final_candle_missing"),
    "upgrade_notice": upgrade_notice,
    "key_changed": key_changed,
    "clock_skew": clock_skew,
}
