"""The engine's trading side and the simulated exchange on one virtual clock, without a socket between them.

What is real: the exchange (matching, accounts, algo orders, faults, REST with its signatures, the websocket's protocol)
and the engine's critical path (desk, gate, journal, router, guard, dead-man's switch, reconciliation). What stands in:
the wires, and a market feed that always tells the truth.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections import deque
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar, cast

import msgspec

from engine.desk import Desk
from engine.exchange.config import Credentials as VenueCredentials
from engine.exchange.config import Rules
from engine.exchange.door import Door
from engine.exchange.exchange import Exchange
from engine.exchange.faults.switchboard import Switchboard
from engine.exchange.hub import Hub
from engine.exchange.market.events import Batch, Change, Print
from engine.exchange.market.history import synthesise
from engine.exchange.ratelimit import RateLimiter
from engine.exchange.rest import Rest as VenueRest
from engine.exchange.routes import all_routes
from engine.exchange.trade_api import TradeApi
from engine.exchange.ws import Session
from engine.execution.journal import Entry, Journal
from engine.execution.lifecycle import OrderState
from engine.limits import Limits
from engine.risk.ledger import Ledger
from engine.risk.memory import RiskMemory
from engine.risk.trading_state import TradingCauses
from engine.safety.watches import BrainWatch
from engine.touch import Touch
from engine.trading import Trading
from engine.venue.http import NoAnswer
from engine.venue.rest import Rest
from engine.venue.sign import Credentials, login_args
from schemas.clock import NS_PER_S
from schemas.messages import Cause, DecidedOn, Heartbeat, OrderAck, OrderReject, OrderRequest, Side
from schemas.settings import Settings
from tests.engine.exchange.support import Script
from tests.support.virtual import LoopClock

_T = TypeVar("_T")
INSTRUMENT = "BTC-USDT-SWAP"
SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
MID = 640_000
TICK_S = 0.05
HOP_S = 0.001
RECONNECT_S = 0.2


class FakeMarket:
    """The engine's market without its feed: what the exchange knows is known here at once."""

    instrument = INSTRUMENT

    def __init__(self, exchange: Exchange, clock: LoopClock) -> None:
        self._exchange, self._clock = exchange, clock
        self._sequence = 0
        self.book = self

    @property
    def touch(self) -> Touch:
        matcher = self._exchange.market.matcher
        bid, ask = matcher.best("buy"), matcher.best("sell")
        self._sequence += 1
        return Touch(
            bid=(bid or 0) / 10, ask=(ask or 0) / 10, mark=self._exchange.market.mark / 10, sequence=self._sequence,
            received_ns=self._clock.wall_ns(), mono_ns=self._clock.monotonic_ns(),
            book_valid=bid is not None and ask is not None,
        )  # fmt: skip

    def tick_mono_ns(self, sequence: int) -> int | None:
        return self._clock.monotonic_ns()

    def at_the_latest_ns(self, sequence: int) -> int:
        return self._clock.monotonic_ns()

    def average_price(self, *, buy: bool, contracts: float) -> float | None:
        best = self._exchange.market.matcher.best("sell" if buy else "buy")
        return None if best is None else best / 10


class LabJournal(Journal):
    """Knows how much of its file is durable: a power cut may take the rest."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path
        self.durable = path.stat().st_size

    async def append_durably(self, entry: Entry) -> None:
        self.append(entry)
        self.durable = self.path.stat().st_size
        await asyncio.sleep(0)


class Line:
    """The private websocket: a session of the exchange, one way each with a small delay, and back after a drop."""

    def __init__(self, lab: Laboratory, life: Life) -> None:
        self._lab, self._life = lab, life
        self._session: Session | None = None
        self._on_its_way: deque[tuple[Session | None, bytes]] = deque()

    def connect(self) -> None:
        if self._life.dead or self._session is not None:
            return
        session = Session(
            "private", "c", hub=self._lab.hub, trade=self._lab.trade_api, credentials=self._lab.venue_credentials,
            send=self._receive, answer=self._receive, close=lambda code, reason: self._gone(), drop=self._gone,
        )  # fmt: skip
        self._session = session
        wall_ns = self._lab.clock.wall_ns() + self._life.rest.skew_ns
        args = [
            {"channel": "orders", "instType": "SWAP", "instId": INSTRUMENT},
            {"channel": "positions", "instType": "SWAP", "instId": INSTRUMENT},
            {"channel": "account"},
        ]
        login = {"op": "login", "args": [login_args(self._lab.credentials, wall_ns=wall_ns)]}
        session.receive(msgspec.json.encode(login).decode())
        if self._session is None:
            return  # refused
        session.receive(msgspec.json.encode({"op": "subscribe", "args": args}).decode())
        self._life.trading.on_private_link(True, "connected")

    def _receive(self, message: bytes) -> None:
        self._on_its_way.append((self._session, message))
        self._lab.loop.call_later(HOP_S, self._deliver)

    def _deliver(self) -> None:
        session, message = self._on_its_way.popleft()  # timers of the same instant come in any order, frames do not
        if session is self._session and not self._life.dead:
            self._life.trading.on_private_frame(message)

    def send(self, message: dict[str, object]) -> bool:
        """A request of the engine; it arrives a hop later, if the line still stands then."""
        if self._session is None:
            return False
        self._lab.loop.call_later(HOP_S, self._arrive, self._session, message)
        return True

    def _arrive(self, session: Session, message: dict[str, object]) -> None:
        if session is self._session:
            session.receive(msgspec.json.encode(message).decode())

    def _gone(self) -> None:
        self.hang_up()
        if not self._life.dead:
            self._life.trading.on_private_link(False, "dropped")
            self._lab.loop.call_later(RECONNECT_S, self.connect)

    def hang_up(self) -> None:
        if self._session is not None:
            session, self._session = self._session, None
            self._lab.hub.lines.leave(session)
            session.closed()


class Life:
    """One run of the engine's trading side, from its start to its kill."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab, self.dead = lab, False
        clock, settings = lab.clock, lab.settings
        self.said: list[tuple[str, str]] = []
        self.causes = TradingCauses(clock=clock, on_change=self._on_cause)
        self.rest = Rest(
            self._transport, credentials=lab.credentials, clock=clock,
            on_unexplained=self._unexplained,
        )  # fmt: skip
        self.journal = LabJournal(lab.directory / "orders.log")
        ledger = Ledger(day_starts_utc_hour=0)
        self.limits = Limits(
            settings=settings, clock=clock, memory=RiskMemory(lab.directory / "limits.json"), ledger=ledger,
            causes=self.causes, log=self.log,
        )  # fmt: skip
        self.trading = Trading(
            settings=settings, clock=clock, rest=self.rest, journal=self.journal, ledger=ledger, causes=self.causes,
            risk=lambda: self.limits.risk, send=self._send, decided_on=self.decided_on,
            before_arming=self.look, log=self.log, on_change=lambda: None,
        )  # fmt: skip
        self.brain = BrainWatch(3)
        self.desk = Desk(
            wire=cast(Any, None), endpoint="", market=cast(Any, lab.market), trading=self.trading, limits=self.limits,
            causes=self.causes, brain=self.brain, clock=clock, on_reject=lambda reject: None,
        )  # fmt: skip
        self.trading.guard.place_own = self.desk.operate
        self.line = Line(lab, self)
        self._tasks = [asyncio.ensure_future(work) for work in (self.trading.run(), self._beat())]
        self.line.connect()

    def _send(self, message: dict[str, object]) -> bool:
        return self.line.send(message)

    def _unexplained(self, call: str, said: str) -> None:
        self.trading.unexplained(call, said)

    def log(self, level: str, text: str) -> None:
        self.said.append((f"{self.lab.loop.time():.3f} {level}", text))

    def _on_cause(self, cause: Cause, raised: bool) -> None:
        self.log("cause", f"{'+' if raised else '-'}{cause.name}: {cause.detail}")

    def decided_on(self) -> DecidedOn:
        touch = self.lab.market.touch
        return DecidedOn(tick_sequence=touch.sequence, timestamp_ns=touch.received_ns)

    def look(self) -> None:
        self.limits.look(
            self.trading.account, mark=Decimal(self.lab.exchange.market.mark) / 10, terms=self.trading.terms
        )  # fmt: skip

    async def _beat(self) -> None:
        while True:
            beat = Heartbeat(process="brain", last_tick_sequence=0, last_decision_sequence=0, created_ns=0)
            self.brain.on_heartbeat(beat, self.lab.clock.monotonic_ns())
            self.look()
            await asyncio.sleep(0.5)

    async def _transport(self, method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        await asyncio.sleep(HOP_S)
        try:
            async with asyncio.timeout(self.lab.settings.venue.request_timeout_ms / 1_000):
                response = await self.lab.door.request(method, target, headers, body)
        except TimeoutError:
            raise NoAnswer("time-out") from None
        await asyncio.sleep(HOP_S)
        if response is None:
            raise NoAnswer("connection lost")
        return response.status, response.body

    def failed(self) -> BaseException | None:
        """What ended one of its tasks, which nothing may."""
        for task in self._tasks:
            if task.done() and not task.cancelled():
                return task.exception() or AssertionError("a task returned")
        return None

    async def kill(self) -> None:
        """No goodbye: nothing is heard, nothing is said from here on."""
        self.dead = True
        self.line.hang_up()
        for task in (*self._tasks, *self.desk.tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, *self.desk.tasks, return_exceptions=True)
        self.journal.close()


class Laboratory:
    """The exchange, and one engine life after the other."""

    def __init__(
        self, directory: Path, clock: LoopClock, *, seed: int = 0, rules: Rules | None = None, **settings: Any
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.directory, self.clock = directory, clock
        self.settings = _settings(settings)
        self.credentials = Credentials(api_key="key", secret=SECRET, passphrase="phrase")
        self.venue_credentials = VenueCredentials(api_key="key", secret=SECRET, passphrase="phrase")
        self.random = random.Random(seed)
        self.faults = Switchboard(seed, clock)
        self.centre = MID
        self.script = Script(*_levels(MID))
        self.exchange = Exchange(
            clock=clock, source=self.script, past=synthesise(1, MID, 60), balance=Decimal(100_000),
            rules=rules or Rules(), faults=self.faults,
        )  # fmt: skip
        self.hub = Hub(self.exchange)
        limiter = RateLimiter()
        self.trade_api = TradeApi(self.exchange, limiter)
        routes = all_routes(self.exchange, self.trade_api, self.hub.feed.book_was_read)
        self.door = Door(VenueRest(self.hub, self.venue_credentials, limiter, routes), self.hub)
        self.market = FakeMarket(self.exchange, clock)
        self.life: Life | None = None
        self.bare_s = 0.0
        self.longest_bare_s = 0.0
        self._number = 0
        self._ticking = asyncio.ensure_future(self._tick())

    # the venue

    async def _tick(self) -> None:
        while True:
            self.hub.tick()
            self._watch_protection()
            await asyncio.sleep(TICK_S)

    def _watch_protection(self) -> None:
        """For how long the venue has held a position without a stop while the engine could have helped it."""
        life = self.life
        helpless = (
            life is None or life.dead or not life.trading.reconciled.is_set() or bool(self.faults.armed())
            or any(record.state is OrderState.UNKNOWN for record in life.trading.orders.working())
        )  # fmt: skip
        self.bare_s = 0.0 if helpless or self.uncovered() == 0 else self.bare_s + TICK_S
        self.longest_bare_s = max(self.longest_bare_s, self.bare_s)

    def uncovered(self) -> int:
        """Lots of the position that no stop at the venue covers."""
        held = self.held
        stops = [
            algo for algo in self.exchange.protector.algos.live()
            if algo.legs.sl_trigger is not None and (algo.side == "sell") == (held > 0)
        ]  # fmt: skip
        if not held or any(algo.lots is None for algo in stops):
            return 0
        return max(0, abs(held) - sum(algo.lots or 0 for algo in stops))

    @property
    def held(self) -> int:
        """The position at the venue, lots."""
        return self.exchange.account.positions["isolated"].lots

    def move(self, ticks: int) -> None:
        """The whole book moves, and a trade prints at the new price."""
        old, self.centre = self.centre, self.centre + ticks
        gone = [Change("buy", px, 0, 0) for px, _ in _levels(old)[0]] + [
            Change("sell", px, 0, 0) for px, _ in _levels(old)[1]
        ]
        bids, asks = _levels(self.centre)
        new = [Change("buy", px, lots, 1) for px, lots in bids] + [Change("sell", px, lots, 1) for px, lots in asks]
        side = "buy" if ticks > 0 else "sell"
        self._say((), (*gone, *new))
        self._say((Print(cast(Any, side), self.centre, 1, 1),), ())

    def print_at(self, px: int, lots: int, taker: str) -> None:
        """A public trade: resting orders of ours at or before this price are served."""
        self._say((Print(cast(Any, taker), px, lots, 1),), ())

    def _say(self, prints: tuple[Print, ...], changes: tuple[Change, ...]) -> None:
        self.script._waiting.append(Batch(0, prints, changes))
        self.exchange.advance()
        self.hub.flush()

    # the engine

    async def start(self) -> Life:
        """A new life; the one before must be dead."""
        self.life = Life(self)
        return self.life

    async def armed(self, *, within_s: float = 60.0) -> Life:
        """Start if there is no life, and wait until it has reconciled."""
        life = self.life if self.life is not None and not self.life.dead else await self.start()
        await self.until(life.trading.reconciled.is_set, within_s=within_s)
        return life

    async def crash(self, *, power_cut: bool = False) -> None:
        """Kill the engine; a power cut also takes what the journal had not made durable, at any byte."""
        assert self.life is not None
        life = self.life
        await life.kill()
        size = life.journal.path.stat().st_size
        if power_cut and size > life.journal.durable:
            os.truncate(life.journal.path, self.random.randint(life.journal.durable, size))

    def order(
        self, side: Side, contracts: str, *, limit: int | None = None, reduce_only: bool = False, sl_pct: float = 0.05
    ) -> OrderRequest:
        """A request as the brain would make it now."""
        self._number += 1
        life = self.life
        assert life is not None
        return OrderRequest(
            intent_id=f"i{self._number}", instrument=INSTRUMENT, side=side, contracts=Decimal(contracts),
            reduce_only=reduce_only, tp_pct=None if reduce_only else 2 * sl_pct, sl_pct=None if reduce_only else sl_pct,
            decided_on=life.decided_on(), created_ns=self.clock.wall_ns(),
            limit_price=None if limit is None else Decimal(limit) / 10,
        )  # fmt: skip

    def send(self, request: OrderRequest) -> asyncio.Task[OrderAck | OrderReject]:
        """Through the gate, as everything goes; the answer comes when it comes."""
        assert self.life is not None
        return self.run(self.life.desk.operate(request))

    def run(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """As a task of this life: it dies with it."""
        assert self.life is not None
        task = self.loop.create_task(work)
        self.life.desk.tasks.add(cast(Any, task))
        task.add_done_callback(cast(Any, self.life.desk.tasks.discard))
        return task

    async def until(self, condition: Callable[[], Any], *, within_s: float) -> None:
        """Let the virtual time pass until it is so."""
        end_ns = self.clock.monotonic_ns() + int(within_s * NS_PER_S)
        while not condition():
            assert self.life is None or self.life.failed() is None, self.life.failed()
            if self.clock.monotonic_ns() >= end_ns:
                said = self.life.said[-25:] if self.life else []
                raise AssertionError(f"not within {within_s} s: {said}")
            await asyncio.sleep(TICK_S / 2)

    async def settle(self) -> None:
        """Faults are over; engine and venue come to rest."""
        self.faults.clear(None)
        life = await self.armed(within_s=120)
        if life.trading.rearm():
            await self.armed(within_s=120)
        await asyncio.sleep(20)
        await self.armed(within_s=60)
        await asyncio.sleep(6)  # the venue's regular pushes of the account

    def differences(self) -> list[str]:
        """In what engine and venue disagree; settled ones must not."""
        life, exchange = self.life, self.exchange
        assert life is not None
        trading, found = life.trading, []
        if (failure := life.failed()) is not None:
            found.append(f"a task of the engine ended: {failure!r}")
        ours = trading.account.contracts
        if ours is None or ours * 100 != self.held:
            found.append(f"position: engine {ours}, venue {Decimal(self.held) / 100}")
        rest = {order.ord_id for order in exchange.desk.orders.pending()}
        working = {record.venue_order_id for record in trading.orders.working()}
        if rest != working:
            found.append(f"orders: engine {sorted(working)}, venue {sorted(rest)}")
        equity = Decimal(str(exchange.account_view()["totalEq"]))
        if trading.account.equity != equity:
            found.append(f"equity: engine {trading.account.equity}, venue {equity}")
        realised = sum((fill.pnl for fill in exchange.desk.orders.fills), Decimal(0))
        fees = sum((fill.fee for fill in exchange.desk.orders.fills), Decimal(0))
        today = trading.ledger.today(self.clock.wall_ns())
        if today is None or _close(today[0], realised) or _close(today[1], fees):
            found.append(f"ledger: engine {today}, venue {(realised, fees)}")
        if self.uncovered():
            found.append(f"{self.uncovered()} lots without a stop")
        if not self.held and exchange.protector.algos.live():
            found.append(f"{len(exchange.protector.algos.live())} TP/SL orders without a position")
        return found + self.doubled()

    def doubled(self) -> list[str]:
        """Client ids of ours that the venue took more than once."""
        ids = [order.terms.cl_ord_id for order in exchange_orders(self.exchange) if order.terms.cl_ord_id]
        return [f"order {one} was placed {ids.count(one)} times" for one in sorted(set(ids)) if ids.count(one) > 1]

    async def close(self) -> None:
        """End everything."""
        if self.life is not None and not self.life.dead:
            await self.life.kill()
        self._ticking.cancel()
        await asyncio.gather(self._ticking, return_exceptions=True)


def exchange_orders(exchange: Exchange) -> list[Any]:
    """Every order that the exchange ever took."""
    return list(exchange.desk.orders._by_id.values())


def _close(ours: Decimal, venues: Decimal) -> bool:
    """Differ by more than the venue's own rounding of what it writes (12 digits a fill)."""
    return abs(ours - venues) > Decimal("1e-9")


def _levels(centre: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """100 contracts on the best levels, and 500 one tick behind."""
    return [(centre - 1, 10_000), (centre - 2, 50_000)], [(centre, 10_000), (centre + 1, 50_000)]


def _settings(changes: dict[str, Any]) -> Settings:
    sections: dict[str, dict[str, Any]] = {
        "risk": {"max_executions": 100_000, "max_orders_per_s": 500, "max_consecutive_losses": 1_000,
                 "max_daily_loss_pct": 100, "max_drawdown_pct": 100},
        "safety": {"protection_timeout_s": 1.0},
        "venue": {"request_timeout_ms": 1_000},
    }  # fmt: skip
    for name, value in changes.items():
        section, _, key = name.partition("__")
        sections.setdefault(section, {})[key] = value
    return Settings.model_validate(sections)
