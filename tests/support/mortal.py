"""The engine's trading side as a process that dies: over real sockets, with the real journal, by a real SIGKILL.

A life is one forked child. It trades one order and is killed at a set point of it, or it comes after one that was
killed, finds out what happened, and tells what it knows. What stands in is the market alone: it stands still.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import aiohttp

from engine.desk import Desk
from engine.execution.journal import Journal
from engine.execution.lifecycle import ENDED
from engine.limits import Limits
from engine.market import Touch
from engine.risk.ledger import Ledger
from engine.risk.memory import RiskMemory
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.watches import BrainWatch
from engine.trading import Trading
from engine.venue.http import HttpTransport
from engine.venue.link import Link, LinkPlan
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from schemas.clock import SystemClock
from schemas.messages import DecidedOn, Heartbeat, OrderReject, OrderRequest, Side
from schemas.settings import Settings
from tests.support.dying import Calls, Death, Kind, Place, Teller, die, tear
from tests.support.orders import DeepBook

INSTRUMENT = "BTC-USDT-SWAP"
BID, ASK = Decimal("63999.9"), Decimal("64000.0")
AWAY = Decimal(10)
PROTECTED_WITHIN_S = 0.3
_STEP_S = 0.005
_PATIENCE_S = 20.0


class StillMarket:
    """Always the same price, always fresh."""

    instrument = INSTRUMENT
    book = DeepBook()

    def __init__(self, clock: SystemClock) -> None:
        self._clock, self._sequence = clock, 0

    @property
    def touch(self) -> Touch:
        self._sequence += 1
        return Touch(
            bid=float(BID), ask=float(ASK), mark=float(ASK), sequence=self._sequence,
            received_ns=self._clock.wall_ns(), mono_ns=self._clock.monotonic_ns(), book_valid=True,
        )  # fmt: skip

    def tick_mono_ns(self, sequence: int) -> int:
        return self._clock.monotonic_ns()

    def at_the_latest_ns(self, sequence: int) -> int:
        return self._clock.monotonic_ns()


class Life:
    """The trading side, from its start to its end."""

    def __init__(self, place: Place, session: aiohttp.ClientSession) -> None:
        self.clock, self.settings, self.said = SystemClock(), _settings(), list[str]()
        said = place.venue
        credentials = Credentials(api_key=said["apiKey"], secret=said["secret"], passphrase=said["password"])
        self.causes = TradingCauses(clock=self.clock, on_change=lambda cause, raised: None)
        transport = HttpTransport(
            session, base_url=said["rest"], timeout_ms=self.settings.venue.request_timeout_ms
        )  # fmt: skip
        self.rest = Rest(transport, credentials=credentials, clock=self.clock, on_unexplained=self._on_unexplained)
        self.journal = Journal(place.directory / "orders.log")
        ledger = Ledger(day_starts_utc_hour=0)
        self.limits = Limits(
            settings=self.settings, clock=self.clock, memory=RiskMemory(place.directory / "limits.json"),
            ledger=ledger, causes=self.causes, log=self.log,
        )  # fmt: skip
        self.market = StillMarket(self.clock)
        self.trading = Trading(
            settings=self.settings, clock=self.clock, rest=self.rest, journal=self.journal, ledger=ledger,
            risk=lambda: self.limits.risk, send=self._send, causes=self.causes, decided_on=self.decided_on,
            before_arming=self.look, log=self.log,
            on_change=lambda: None,
        )  # fmt: skip
        self.brain = BrainWatch(600)
        beat = Heartbeat(process="brain", last_tick_sequence=0, last_decision_sequence=0, created_ns=0)
        self.brain.on_heartbeat(beat, self.clock.monotonic_ns())
        self.desk = Desk(
            wire=cast(Any, None), endpoint="", market=cast(Any, self.market), trading=self.trading,
            limits=self.limits, causes=self.causes, brain=self.brain, clock=self.clock,
            on_reject=lambda reject: None,
        )  # fmt: skip
        self.trading.guard.place_own = self.desk.operate
        channels = [
            {"channel": "orders", "instType": "SWAP", "instId": INSTRUMENT},
            {"channel": "positions", "instType": "SWAP", "instId": INSTRUMENT},
            {"channel": "account"},
        ]
        plan = LinkPlan(
            name="private", url=f"{said['ws']}/private", subscriptions=channels, credentials=credentials
        )  # fmt: skip
        self.link = Link(
            plan, on_frame=self.trading.on_private_frame, on_state=self.trading.on_private_link, clock=self.clock,
            venue_wall_ns=lambda: self.clock.wall_ns() + self.rest.skew_ns,
        )  # fmt: skip
        self._tasks = [asyncio.ensure_future(work) for work in (self.trading.run(), self.link.run())]

    def _send(self, message: dict[str, object]) -> bool:
        return self.link.send(message)

    def _on_unexplained(self, call: str, said: str) -> None:
        self.trading.unexplained(call, said)

    def log(self, level: str, text: str) -> None:
        self.said.append(f"{level}: {text}")

    def decided_on(self) -> DecidedOn:
        touch = self.market.touch
        return DecidedOn(tick_sequence=touch.sequence, timestamp_ns=touch.received_ns)

    def look(self) -> None:
        self.limits.look(self.trading.account, mark=ASK, terms=self.trading.terms)

    async def until(self, what: str, condition: Callable[[], Any]) -> None:
        """Until it is so; an end of one of the tasks, which nothing may bring, is raised here."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            for task in self._tasks:
                if task.done():
                    raise AssertionError(f"a task of the engine ended: {task.exception()!r}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{what}: not within {_PATIENCE_S:g} s; {self.said[-8:]}")
            await asyncio.sleep(_STEP_S)

    async def ready(self) -> None:
        """Reconciled, and sure of the venue's clock."""
        trading = self.trading
        await self.until("reconciled", lambda: not self.causes.stands(CauseName.RECONCILING))
        await self.until("the clock is known", lambda: trading.clock_watch.offset_ns() is not None)

    def calm(self) -> bool:
        """Nothing is on its way, and what is held has been seen to be protected."""
        account, trading = self.trading.account, self.trading
        protected = not account.contracts or account.protection.sl_price is not None
        return not trading.router.in_flight and account.contracts is not None and protected

    async def send(
        self, intent: str, kind: Kind, side: Side, contracts: Decimal, *, reduce_only: bool
    ) -> OrderReject | None:
        """An order through the gate; the refusal, if it was one."""
        limit: Decimal | None = None
        if kind.limit:
            away = AWAY if kind.limit == "rests" else Decimal(0)
            limit = ASK - away if side is Side.BUY else BID + away
        said = await self.desk.operate(
            OrderRequest(
                intent_id=intent, instrument=INSTRUMENT, side=side, contracts=contracts, reduce_only=reduce_only,
                tp_pct=None if reduce_only else 2.0, sl_pct=None if reduce_only else 1.0,
                decided_on=self.decided_on(), created_ns=self.clock.wall_ns(), limit_price=limit,
            )
        )  # fmt: skip
        return said if isinstance(said, OrderReject) else None

    async def open_first(self, name: str, side: Side, contracts: Decimal) -> None:
        """A protected position. The venue may refuse an order that came too late: then another one."""
        number = 0
        while await self.send(f"{name}first{number}", Kind(name="first"), side, contracts, reduce_only=False):
            number += 1
        await self.until("a protected position", lambda: self.trading.account.contracts and self.calm())

    def over(self, intent: str, kind: Kind) -> bool:
        """There is nothing more to the order's life than waiting."""
        record = self.trading.orders.find(intent)
        if record is None or (record.state in ENDED and not record.venue_order_id):
            return self.calm()  # refused, or kept by the disk for longer than it lives
        if record.state not in ENDED:
            return kind.limit == "rests" and bool(record.venue_order_id)
        return bool(self.trading.account.contracts) is not kind.closes and self.calm()

    def view(self) -> dict[str, Any]:
        """What this life knows, exact."""
        account, orders = self.trading.account, self.trading.orders
        return {
            "contracts": _text(account.contracts),
            "equity": _text(account.equity),
            "working": {record.venue_order_id: record.client_order_id for record in orders.working()},
            "states": {record.client_order_id: record.state.value for record in orders.working()},
            "causes": [cause.name for cause in self.causes.standing()],
            "said": self.said[-8:],
        }


async def trade(place: Place, kind: Kind, side: Side, contracts: Decimal, death: Death, teller: Teller) -> None:
    """One order's life, up to its death. Says how many calls it had, if it gets that far."""
    async with aiohttp.ClientSession(skip_auto_headers=("User-Agent",)) as session:
        life = Life(place, session)
        await life.ready()
        if kind.closes:
            await life.open_first(place.name, Side.SELL if side is Side.BUY else Side.BUY, contracts)
        tear(life.journal, death)
        calls = Calls(death.call)
        calls.begin()
        refusal = await life.send(f"{place.name}order", kind, side, contracts, reduce_only=kind.closes)
        answered = calls.count
        await life.until("the order's life is over", lambda: life.over(f"{place.name}order", kind))
        text = None if refusal is None else refusal.text
        teller.say({"answered": answered, "calls": calls.count, "refused": text})
        die()


async def recover(place: Place, death: Death, teller: Teller) -> None:
    """A life after one that was killed. Says when it has reconciled and when it is calm; then answers what is asked."""
    calls = Calls(death.call)
    calls.begin()
    async with aiohttp.ClientSession(skip_auto_headers=("User-Agent",)) as session:
        life = Life(place, session)
        await life.ready()
        sys.setprofile(None)
        began = time.monotonic()
        await life.until("calm", life.calm)
        took_s, problems = time.monotonic() - began, life.journal.recalled.problems
        teller.say({"calls": calls.count, "calm_s": took_s, "problems": problems})
        while True:
            await teller.asked()
            teller.say(life.view())


def _text(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")


def _settings() -> Settings:
    sections = {
        "risk": {"order_ttl_ms": 300, "max_executions": 100_000, "max_orders_per_s": 500,
                 "max_consecutive_losses": 1_000, "max_daily_loss_pct": 100, "max_drawdown_pct": 100},
        "safety": {"protection_timeout_s": PROTECTED_WITHIN_S, "dead_man_s": 120},
        "venue": {"request_timeout_ms": 1_000},
    }  # fmt: skip
    return Settings.model_validate(sections)
