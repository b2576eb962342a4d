"""The model test: whatever happens, in whatever order, engine and venue agree in the end.

Orders, cancels, fills, lost answers, doubled and lost pushes, drops, crashes and power cuts are drawn at random against
the simulated exchange on a virtual clock. Never: an order that the venue took twice, a position that the engine does
not know, a position without a stop for longer than the set time, a balance that differs in the last digit.

`MODEL_STEPS` sets how many steps are drawn in all (`make soak` draws many more).
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from math import ceil
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from engine.exchange.config import Rules
from engine.exchange.faults.switchboard import Fault
from schemas.messages import Side
from tests.support.laboratory import Laboratory, exchange_orders
from tests.support.virtual import LoopClock, VirtualLoop

_T = TypeVar("_T")
STEPS_EACH = 50
TOTALS: Counter[str] = Counter()
STEPS = int(os.environ.get("MODEL_STEPS", "10000"))
SOAK = "MODEL_STEPS" in os.environ
"""Other steps at each run; without it always the same ones."""
LIMIT_S = 1.0
SLACK_S = 2.5
"""The look that notices, the OCO's way to the venue, and the venue's answer."""

RACE, RACE_ACKED = Fault(name="cancel_fill_race", times=1), Fault(name="cancel_fill_race", times=1, ack=True)
HIDDEN = Fault(name="not_found", times=2, lookups=3)
FAULTS: list[tuple[Fault, ...]] = [
    (Fault(name="ack_lost", times=1),), (Fault(name="ack_lost", times=1, call="trade/order"), HIDDEN),
    (Fault(name="fill_before_ack", times=1, delay_ms=700),), (Fault(name="duplicate_push", times=4),),
    (Fault(name="partial_fills", times=1, share=0.4),), (RACE,), (RACE_ACKED,),
    (Fault(name="protection_late", times=1, delay_ms=3_000),), (Fault(name="protection_never", times=1),),
    (Fault(name="rate_limited", times=1),), (Fault(name="rate_limited", times=3),),
    (Fault(name="unavailable", times=2),), (Fault(name="endpoint_timeout", times=1, executed=True), HIDDEN),
    (Fault(name="endpoint_timeout", times=1, executed=False),), (Fault(name="clock_skew", offset_ms=700),),
    (Fault(name="order_timeout", times=1, executed=True), HIDDEN), (Fault(name="clock_skew", offset_ms=-700),),
    (Fault(name="order_timeout", times=1, executed=False),), (Fault(name="slow_answer", times=1, delay_ms=800),),
    (Fault(name="slow_answer", times=1, delay_ms=2_500), HIDDEN), (Fault(name="disconnect_mid_order", times=1),),
    (Fault(name="push_lost", times=1),), (Fault(name="push_lost", times=2), Fault(name="ack_lost", times=1)),
    (Fault(name="unexplained_answer", times=1, executed=True), HIDDEN),
    (Fault(name="unexplained_answer", times=1, executed=False),),
    (Fault(name="upgrade_notice", times=1, delay_ms=1_000),),
]  # fmt: skip
MUST_HAPPEN = [
    "orders", "fills", "crashes", "stops triggered", "OCO over all", "closed by the guard",
    *sorted({f"fault {fault.name}" for faults in FAULTS for fault in faults}),
]  # fmt: skip
RULES = st.builds(
    Rules, attached_born=st.sampled_from(["ended", "filled", "first_fill"]), caa_cancels_algos=st.booleans(),
    fee_digits=st.sampled_from([None, 8]), too_many_status=st.sampled_from([429, 200]),
)  # fmt: skip
"""What nobody could confirm of OKX, either way."""
SIDES = st.sampled_from([Side.BUY, Side.SELL])


class Trading(RuleBasedStateMachine):
    """Steps of the operator, the market, the venue and misfortune."""

    theme: tuple[Fault, ...] = ()
    """What each run of this machine begins with."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.directory = Path(tempfile.mkdtemp(prefix="sv-model-"))
        self.lab: Laboratory

    def go(self, work: Coroutine[Any, Any, _T]) -> _T:
        return self.loop.run_until_complete(work)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        life = self.lab.life
        assert life is None or life.failed() is None, life.failed()
        assert self.lab.doubled() == []
        assert self.lab.longest_bare_s <= LIMIT_S + SLACK_S, life.said[-30:] if life else []

    def send(self, side: Side, lots: int, *, limit: int | None = None, reduce_only: bool = False) -> None:
        async def ask() -> None:
            self.lab.send(self.lab.order(side, f"{lots / 100:.2f}", limit=limit, reduce_only=reduce_only))
            await self.wait(0.1)

        self.go(ask())

    def move(self, ticks: int) -> None:
        async def happen() -> None:
            self.lab.move(ticks)
            await self.wait(0.1)

        self.go(happen())

    @initialize(seed=st.integers(0, 1_000), rules=RULES, entry=st.sampled_from(["websocket", "rest"]), side=SIDES)
    def begin(self, seed: int, rules: Rules, entry: str, side: Side) -> None:
        async def make() -> Laboratory:
            clock = LoopClock(self.loop)
            lab = Laboratory(
                self.directory, clock, seed=seed, rules=rules, safety__protection_timeout_s=LIMIT_S,
                venue__order_entry=entry,
            )  # fmt: skip
            await lab.armed()
            return lab

        self.lab = self.go(make())
        self.lab.faults.arm_all(self.theme)
        self.send(side, 100)
        self.rest_and_cancel(side, ())

    @property
    def alive(self) -> bool:
        return self.lab.life is not None and not self.lab.life.dead

    @precondition(lambda self: self.alive)
    @rule(side=SIDES, lots=st.integers(1, 900))
    def market_order(self, side: Side, lots: int) -> None:
        self.send(side, lots)

    @precondition(lambda self: self.alive)
    @rule(side=SIDES, lots=st.integers(1, 900), away=st.integers(1, 300))
    def limit_order(self, side: Side, lots: int, away: int) -> None:
        limit = self.lab.centre - away if side is Side.BUY else self.lab.centre + away
        self.send(side, lots, limit=limit)

    @precondition(lambda self: self.alive and self.lab.held != 0)
    @rule(share=st.sampled_from([0.3, 0.5, 1.0]))
    def reduce(self, share: float) -> None:
        held = self.lab.held
        side = Side.SELL if held > 0 else Side.BUY
        self.send(side, max(1, int(abs(held) * share)), reduce_only=True)

    @precondition(lambda self: self.alive)
    @rule(which=st.integers(0, 5))
    def cancel(self, which: int) -> None:
        async def ask() -> None:
            assert self.lab.life is not None
            ours = [record for record in self.lab.life.trading.orders.working() if record.intent_id]
            if ours:
                self.lab.run(self.lab.life.trading.cancel(ours[which % len(ours)].intent_id))
            await self.wait(0.1)

        self.go(ask())

    @rule(ticks=st.integers(-200, 200) | st.sampled_from([-700, -350, 350, 700]))
    def market_moves(self, ticks: int) -> None:
        self.move(ticks)

    @rule(lots=st.integers(1, 300), away=st.integers(-200, 200))
    def somebody_trades(self, lots: int, away: int) -> None:
        async def happen() -> None:
            self.lab.print_at(self.lab.centre + away, lots, "buy" if away > 0 else "sell")
            await self.wait(0.1)

        self.go(happen())

    @rule(faults=st.sampled_from(FAULTS), then=st.sampled_from(["market", "limit", "gap", "nothing"]), side=SIDES)
    def misfortune(self, faults: tuple[Fault, ...], then: str, side: Side) -> None:
        self.lab.faults.arm_all(faults)
        if then == "market" and self.alive:
            self.send(side, 100)
        elif then == "gap" and self.alive:  # past where the stop belongs, before it is there
            self.lab.faults.arm(Fault(name="protection_never", times=1))
            self.send(side, 100)
            self.move(-400 if side is Side.BUY else 400)
        elif then == "limit" and self.alive:
            self.send(side, 100, limit=self.lab.centre + (-30 if side is Side.BUY else 30))

    @precondition(lambda self: self.alive)
    @rule(side=SIDES, after_s=st.sampled_from([0.0, 0.0005, 0.0015, 0.003]))
    def the_line_is_cut_under_an_order(self, side: Side, after_s: float) -> None:
        async def cut() -> None:
            self.lab.send(self.lab.order(side, "1.5"))
            await asyncio.sleep(after_s)
            self.lab.hub.lines.drop_private()
            await self.wait(0.1)

        self.go(cut())

    @precondition(lambda self: self.alive)
    @rule(side=SIDES, race=st.sampled_from([(), (RACE,), (RACE_ACKED,)]))
    def rest_and_cancel(self, side: Side, race: tuple[Fault, ...]) -> None:
        async def both() -> None:
            order = self.lab.order(side, "1", limit=self.lab.centre + (-50 if side is Side.BUY else 50))
            self.lab.send(order)
            await self.wait(0.3)
            self.lab.faults.arm_all(race)
            assert self.lab.life is not None
            self.lab.run(self.lab.life.trading.cancel(order.intent_id))
            await self.wait(0.2)

        self.go(both())

    @rule()
    def the_venue_recovers(self) -> None:
        self.lab.faults.clear(None)

    @precondition(lambda self: self.alive)
    @rule(power_cut=st.booleans())
    def crash(self, power_cut: bool) -> None:
        TOTALS["crashes"] += 1
        self.go(self.lab.crash(power_cut=power_cut))

    @precondition(lambda self: not self.alive)
    @rule()
    def restart(self) -> None:
        async def again() -> None:
            await self.lab.start()
            await self.wait(0.2)

        self.go(again())

    @rule(seconds=st.sampled_from([0.3, 1.0, 5.0, 12.0]))
    def time_passes(self, seconds: float) -> None:
        self.go(self.wait(seconds))

    def count(self) -> None:
        """What this run was made of."""
        exchange = self.lab.exchange
        TOTALS.update({f"fault {name}": times for name, times in exchange.faults.injected().items()})
        orders = exchange_orders(exchange)
        TOTALS["orders"] += sum(order.terms.cl_ord_id.startswith("so") for order in orders)
        TOTALS["closed by the guard"] += sum(entry.startswith("close") for entry in self.intents())
        TOTALS["fills"] += len(exchange.desk.orders.fills)
        TOTALS["stops triggered"] += sum(algo.state == "effective" for algo in exchange.protector.algos.history())
        TOTALS["OCO over all"] += sum(algo.lots is None for algo in exchange.protector.algos.history())

    def intents(self) -> set[str]:
        return self.lab.life.trading.journal.recalled.intents if self.lab.life else set()

    def teardown(self) -> None:
        try:
            if hasattr(self, "lab"):
                self.go(self.lab.settle())
                self.count()
                differences = self.lab.differences()
                said = self.lab.life.said[-40:] if self.lab.life else []
                assert differences == [], "\n".join(map(str, said))
                assert self.lab.longest_bare_s <= LIMIT_S + SLACK_S, "\n".join(map(str, said))
        finally:
            if hasattr(self, "lab"):
                self.go(self.lab.close())
            self.loop.close()
            shutil.rmtree(self.directory, ignore_errors=True)


@pytest.mark.timeout(3_600)
def test_engine_and_venue_agree_whatever_happens() -> None:
    machine = settings(
        max_examples=ceil(STEPS / STEPS_EACH / len(FAULTS)), stateful_step_count=STEPS_EACH,
        deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True,
        derandomize=not SOAK, phases=[Phase.generate] if SOAK else list(Phase),
    )  # fmt: skip
    TOTALS.clear()
    for number, faults in enumerate(FAULTS):  # the name seeds the draws: each theme has its own
        themed = type(f"TradingUnderFault{number}", (Trading,), {"theme": faults})
        run_state_machine_as_test(themed, settings=machine)
    print(dict(sorted(TOTALS.items())))
    never = [name for name in MUST_HAPPEN if not TOTALS[name]]
    assert never == [] or STEPS < 10_000, f"the model never does {never}: {TOTALS}"
