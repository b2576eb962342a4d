"""The engine's order path whole, but for its sockets: what asks it and what it asks is here, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import orjson

from engine.candles import CandleStore
from engine.desk import Desk
from engine.execution.journal import Entry, Journal
from engine.execution.router import client_order_id_of
from engine.limits import Limits
from engine.market import Market
from engine.risk.ledger import Ledger
from engine.risk.memory import RiskMemory
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.watches import BrainWatch
from engine.trading import Log, Trading
from engine.venue.frames import OrderData
from engine.venue.rest import Rest
from engine.venue.sign import Credentials
from schemas.channels import Publisher
from schemas.clock import NS_PER_MS, SystemClock
from schemas.messages import DecidedOn, Heartbeat, OrderRequest, Side
from schemas.settings import Settings
from tests.support.orders import INSTRUMENT, TERMS

CREDENTIALS = Credentials(api_key="key", secret="22582BD0CFF14C41EDBF1AB98506286D", passphrase="phrase")
SETTINGS = Settings.model_validate({
    "risk": {
        "max_executions": 100_000, "max_orders_per_s": 500, "price_ttl_ms": 60_000, "order_age_ms": 60_000,
        "feed_silence_ms": 600_000, "max_position_contracts": 100_000, "max_gross_exposure_usdt": 100_000_000,
        "max_leverage": 100,
    },
    "safety": {"brain_timeout_s": 60},
})  # fmt: skip
"""Limits that a long run of orders does not meet: those of pace and age are as wide as they go."""
_LEVELS = 400
_ENDED = 60


class UnsyncedJournal(Journal):
    """Writes each line, and waits for no disk."""

    async def append_durably(self, entry: Entry) -> None:
        self.append(entry)


class _Stream:
    """Takes what the market publishes."""

    next_sequence = 1

    def send(self, payload: bytes | memoryview, timestamp_ns: int, *, record_later: bool = False) -> int:
        self.next_sequence += 1
        return self.next_sequence - 1


class _Publisher:
    def stream(self, topic: str) -> _Stream:
        return _Stream()

    def record_sent(self) -> None:
        """There is no blackbox here."""


class Venue:
    """The transport: notes when the bytes of an order came, and answers at once."""

    def __init__(self) -> None:
        self.placed_ns = 0
        self.count = 0

    async def __call__(self, method: str, target: str, body: str, headers: dict[str, str]) -> tuple[int, bytes]:
        if target == "/api/v5/trade/order":
            self.placed_ns = time.perf_counter_ns()
            self.count += 1
            return 200, b'{"code":"0","msg":"","data":[{"ordId":"%d","sCode":"0","sMsg":""}]}' % self.count
        assert target == "/api/v5/public/time", target
        return 200, b'{"code":"0","msg":"","data":[{"ts":"%d"}]}' % (time.time_ns() // NS_PER_MS)


def trading(
    settings: Settings, rest: Rest, journal: Journal, ledger: Ledger, causes: TradingCauses, *, log: Log
) -> Trading:
    """The engine's side of the venue with nobody around it."""
    return Trading(
        settings=settings, clock=SystemClock(), rest=rest, journal=journal, ledger=ledger, causes=causes, log=log,
        decided_on=lambda: DecidedOn(tick_sequence=0, timestamp_ns=0), before_arming=lambda: None,
        risk=lambda: settings.risk, send=lambda message: False, on_change=lambda: None,
    )  # fmt: skip


class Scene:
    """A desk whose account, market and brain are in order. `arm` before the first order."""

    def __init__(self, directory: Path, *, journal: Callable[[Path], Journal] = Journal) -> None:
        self.clock, self.venue = SystemClock(), Venue()
        self.causes = TradingCauses(clock=self.clock, on_change=lambda cause, raised: None)
        publisher = cast(Publisher, _Publisher())
        self.market = Market(
            instrument=INSTRUMENT, publisher=publisher, clock=self.clock, resubscribe=lambda: None,
            candles=CandleStore(instrument=INSTRUMENT, frames=["5m"], publisher=publisher),
        )  # fmt: skip
        ledger = Ledger(day_starts_utc_hour=0)
        ledger.whole = True
        self.rest = Rest(self.venue, credentials=CREDENTIALS, clock=self.clock)
        self.journal = journal(directory / "orders.log")
        self.trading = trading(SETTINGS, self.rest, self.journal, ledger, self.causes, log=_loud)
        self.limits = Limits(
            settings=SETTINGS, clock=self.clock, memory=RiskMemory(directory / "limits.json"), ledger=ledger,
            causes=self.causes, log=_loud,
        )  # fmt: skip
        self.brain = BrainWatch(60)
        self.desk = Desk(
            wire=cast(Any, None), endpoint="", market=self.market, trading=self.trading, limits=self.limits,
            causes=self.causes, brain=self.brain, clock=self.clock, on_reject=lambda reject: None,
        )  # fmt: skip
        self._number = 0

    async def arm(self) -> None:
        """As after a reconciliation with an account of 100,000 USDT and nothing held."""
        account = self.trading.account
        account.equity = account.available = Decimal(100_000)
        account.contracts, account.leverage = Decimal(0), Decimal(5)
        self.trading.terms = TERMS
        bids = [[f"{64_000 - n / 10:.1f}", "5", "0", "1"] for n in range(1, _LEVELS + 1)]
        asks = [[f"{64_000 + n / 10:.1f}", "5", "0", "1"] for n in range(_LEVELS)]
        self._frame("books", "snapshot", {"bids": bids, "asks": asks, "seqId": 1, "prevSeqId": -1, "checksum": 0})
        self._frame("mark-price", "", {"instId": INSTRUMENT, "markPx": "64000.1"})
        self.tick()
        beat = Heartbeat(process="brain", last_tick_sequence=1, last_decision_sequence=1, created_ns=0)
        self.brain.on_heartbeat(beat, self.clock.monotonic_ns())
        await self.trading.clock_watch.measure()
        self.limits.look(account, mark=Decimal("64000.1"), terms=TERMS)
        self.causes.hold(CauseName.RECONCILING, False)

    def tick(self) -> None:
        """A frame of the venue: the price is of now."""
        best = {"bids": [["63999.9", "5", "0", "1"]], "asks": [["64000.0", "5", "0", "1"]], "seqId": 2}
        self._frame("bbo-tbt", "", best)

    def _frame(self, channel: str, action: str, data: dict[str, Any]) -> None:
        message: dict[str, Any] = {"arg": {"channel": channel, "instId": INSTRUMENT}}
        message |= {"action": action} if action else {}
        message["data"] = [data | {"ts": str(self.clock.wall_ns() // NS_PER_MS)}]
        self.market.on_frame(orjson.dumps(message))
        assert not self.market.counters.last_problem, self.market.counters.last_problem

    def decided_on(self) -> DecidedOn:
        """The present tick."""
        touch = self.market.touch
        return DecidedOn(tick_sequence=touch.sequence, timestamp_ns=touch.received_ns)

    def order(self, **changes: Any) -> OrderRequest:
        """What the brain would send now, under an id of its own."""
        self._number += 1
        fields: dict[str, Any] = {
            "intent_id": f"i{self._number}", "instrument": INSTRUMENT, "side": Side.BUY, "contracts": Decimal("0.5"),
            "tp_pct": 0.6, "sl_pct": 0.4, "decided_on": self.decided_on(), "created_ns": self.clock.wall_ns(),
        }  # fmt: skip
        return OrderRequest(**{**fields, **changes})

    def fill(self, order: OrderRequest) -> None:
        """The venue tells that an order has been filled: it works no longer."""
        record = self.trading.orders.by_client_id(client_order_id_of(order.intent_id))
        assert record is not None
        self.trading.orders.on_push(
            OrderData(
                instId=INSTRUMENT, ordId=record.venue_order_id, clOrdId=record.client_order_id, side="buy",
                state="filled", sz=str(order.contracts), accFillSz=str(order.contracts), avgPx="64000",
            )
        )  # fmt: skip

    def rest_orders(self, count: int) -> None:
        """So many limit orders of 0.01 contracts rest at the venue, and as many have ended as are still shown."""
        for number in range(count + _ENDED):
            self._push(number, "live" if number < count else "canceled")

    def touch_order(self) -> None:
        """The venue speaks of one of them."""
        self._push(0, "live")

    def _push(self, number: int, state: str) -> None:
        self.trading.orders.on_push(
            OrderData(
                instId=INSTRUMENT, ordId=f"r{number}", clOrdId=f"rest{number}", side="buy", sz="0.01", px="60000",
                state=state,
            )
        )  # fmt: skip


def _loud(level: str, text: str) -> None:
    """What the parts log is a surprise here."""
    raise AssertionError(f"{level}: {text}")
