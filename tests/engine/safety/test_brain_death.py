"""What is done with the positions of a dead brain, by each policy."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any, cast

import pytest

from engine.account import Account, Protection
from engine.execution.lifecycle import OrderState
from engine.execution.orders import OrderBookkeeper
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.brain_death import BrainDeath, Policy
from engine.safety.liquidation import Flat, Liquidation
from engine.venue.answers import Algo, VenueUnknown
from engine.venue.frames import OrderData
from engine.venue.rest import Rest
from tests.support.virtual import LoopClock, run_virtually


class Scene:
    """An account with a position; the liquidation takes two steps to close it."""

    def __init__(self, clock: LoopClock, policy: Policy, *, stop: str) -> None:
        self.causes = TradingCauses(clock=clock, on_change=lambda cause, raised: None)
        self.orders = OrderBookkeeper(clock)
        self.account = Account.__new__(Account)
        self.account.contracts, self.account.protection = Decimal(2), Protection()
        self.account._instrument = "I"
        self.stop, self.dead_venue = stop, False
        self.canceled: list[str] = []
        self.steps = 0
        self.said: list[str] = []
        self.death = BrainDeath(
            policy, liquidation=cast(Liquidation, self), rest=cast(Rest, self), instrument="I", account=self.account,
            orders=self.orders, causes=self.causes, log=lambda level, text: self.said.append(text),
        )  # fmt: skip

    def rest_an_order(self, client_order_id: str, *, intent: str, reduce_only: bool = False) -> None:
        data = OrderData(
            instId="I", ordId=f"v{client_order_id}", clOrdId=client_order_id, side="buy", sz="1", state="live",
            reduceOnly=str(reduce_only).lower(),
        )  # fmt: skip
        record = self.orders.on_push(data)
        assert record is not None
        assert record.state is OrderState.LIVE
        record.intent_id = intent

    async def algos(self, instrument: str) -> list[Algo]:
        if self.dead_venue:
            raise VenueUnknown("/algos", "", "no answer")
        return [Algo(algoId="a", instId="I", slTriggerPx=self.stop)] if self.stop else []

    async def cancel(self, instrument: str, order_ids: list[str]) -> list[str]:
        self.canceled += order_ids
        return ["0"]

    async def step(self) -> Flat:
        await asyncio.sleep(0.1)
        self.steps += 1
        if self.steps == 2:
            self.account.contracts = Decimal(0)
        return Flat(held=self.account.contracts, flat=self.steps >= 2, problem="" if self.steps == 2 else "slow")

    async def live(self, seconds: float, *, dead: bool = True) -> None:
        for _ in range(int(seconds / 0.05)):
            self.death.look(dead=dead)
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("policy", "stop", "steps", "canceled"),
    [
        ("all", "60000", 2, ["ve"]),
        ("all", "", 2, ["ve"]),
        ("unprotected", "60000", 0, ["ve"]),
        ("unprotected", "", 2, ["ve"]),
        ("none", "", 0, []),
    ],
)
def test_each_policy_closes_what_it_says_and_cancels_the_entries(
    policy: Policy, stop: str, steps: int, canceled: list[str]
) -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, policy, stop=stop)
        scene.rest_an_order("e", intent="i1")
        scene.rest_an_order("r", intent="i2", reduce_only=True)
        scene.rest_an_order("f", intent="")
        await scene.live(2)
        assert (scene.steps, scene.canceled[:1]) == (steps, canceled)
        assert set(scene.canceled) == set(canceled)

    run_virtually(act)


def test_a_brain_that_lives_costs_nothing_and_a_second_death_is_acted_on_again() -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, "all", stop="1")
        await scene.live(1, dead=False)
        assert (scene.steps, scene.said) == (0, [])
        await scene.live(1)
        assert scene.steps == 2
        scene.account.contracts, scene.steps = Decimal(2), 0
        await scene.live(0.2, dead=False)
        await scene.live(1)
        assert scene.steps == 2

    run_virtually(act)


@pytest.mark.parametrize(("policy", "dead_venue"), [("unprotected", True), ("all", False)])
def test_a_venue_that_does_not_answer_or_tells_late_is_not_asked_at_every_look(
    policy: Policy, dead_venue: bool
) -> None:
    """With the policy "all": it says flat, and the push of that never comes."""

    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, policy, stop="")
        scene.dead_venue, scene.steps = dead_venue, 10
        scene.rest_an_order("e", intent="i1")
        await scene.live(10)
        assert 8 <= len(scene.canceled) <= 11

    run_virtually(act)


def test_what_was_begun_is_finished_when_the_brain_is_back_meanwhile() -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, "all", stop="1")
        await scene.live(0.1)
        await scene.live(1, dead=False)
        assert (scene.steps, scene.account.contracts) == (2, 0)

    run_virtually(act)


def test_a_halt_leaves_the_position_to_whoever_halted() -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, "all", stop="1")
        scene.causes.hold(CauseName.OPERATOR_HALT, True)
        await scene.live(1)
        assert (scene.steps, scene.canceled) == (0, [])

    run_virtually(act)


def test_a_stop_that_goes_missing_while_the_brain_is_dead_is_noticed() -> None:
    async def act(clock: LoopClock) -> None:
        scene = Scene(clock, "unprotected", stop="1")
        await scene.live(1)
        assert scene.steps == 0
        scene.stop = ""
        scene.account.protection = Protection()  # as the guard finds it
        await scene.live(1)
        assert scene.steps == 2

    run_virtually(act)


def test_a_venue_that_does_not_say_whether_there_is_a_stop_is_asked_again() -> None:
    async def act(clock: LoopClock) -> None:
        scene: Any = Scene(clock, "unprotected", stop="")
        scene.dead_venue = True
        await scene.live(1)
        assert scene.steps == 0
        scene.dead_venue = False
        await scene.live(1)
        assert scene.steps == 2

    run_virtually(act)
