"""A venue on a held clock, a hand-made market, and what a client of it must do."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from engine.exchange.book import Level
from engine.exchange.config import Credentials, Rules
from engine.exchange.exchange import Exchange
from engine.exchange.intake import new_order
from engine.exchange.market.events import Batch, Change, Print
from engine.exchange.market.history import synthesise
from engine.exchange.orders import Order
from tests.support.clock import ManualClock

CREDENTIALS = Credentials(api_key="key", secret="22582BD0CFF14C41EDBF1AB98506286D", passphrase="phrase")


class Script:
    """A market source that says what a test tells it to."""

    def __init__(self, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> None:
        self._opening = [Level(px, lots, 1) for px, lots in bids], [Level(px, lots, 1) for px, lots in asks]
        self._waiting: list[Batch] = []

    def opening(self) -> tuple[list[Level], list[Level]]:
        return self._opening

    def due(self, elapsed_ns: int) -> Iterator[Batch]:
        while self._waiting:
            yield self._waiting.pop(0)._replace(at_ns=elapsed_ns)

    def say(self, *events: Print | Change) -> None:
        prints = tuple(e for e in events if isinstance(e, Print))
        self._waiting.append(Batch(0, prints, tuple(e for e in events if isinstance(e, Change))))


class Venue:
    """An exchange around 64,000.0: 100 contracts on the best levels, and 500 one tick behind."""

    def __init__(self, **rules: Any) -> None:
        self.clock = ManualClock()
        self.script = Script([(639_999, 10_000), (639_998, 50_000)], [(640_000, 10_000), (640_001, 50_000)])
        self.exchange = Exchange(
            clock=self.clock,
            source=self.script,
            past=synthesise(1, 640_000, 60),
            balance=Decimal(100_000),
            rules=Rules(**rules),
        )

    def market(self, *events: Print | Change) -> None:
        self.script.say(*events)
        self.exchange.advance()

    def place(self, **fields: Any) -> Order:
        raw = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "ordType": "market", "sz": "1", "side": "buy"}
        return self.exchange.place(new_order({**raw, **fields}, hedged=self.exchange.account.hedged))

    @property
    def held(self) -> int:
        return self.exchange.account.positions["isolated"].lots
