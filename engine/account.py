"""Position, balance and the day's result, as the venue tells them. None until it has."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.execution.orders import number
from engine.venue.frames import AccountData, OrderData, PositionData
from engine.venue.rest import Algo, Fill
from schemas.clock import NS_PER_S, Clock
from schemas.messages import AccountState, PositionsState, PositionView

_DAY_NS = 86_400 * NS_PER_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What the venue holds for a position."""

    tp_price: Decimal | None = None
    sl_price: Decimal | None = None


class Account:
    """The engine's knowledge of the account. Every method may raise decimal.InvalidOperation on a bad number."""

    def __init__(self, *, instrument: str, currency: str, clock: Clock) -> None:
        self._instrument = instrument
        self._currency = currency
        self._clock = clock
        self._position: PositionData | None = None
        self._seen_trades: set[str] = set()
        self._day = clock.wall_ns() // _DAY_NS
        self.contracts: Decimal | None = None
        self.equity: Decimal | None = None
        self.available: Decimal | None = None
        self.realised_today: Decimal | None = None
        self.fees_today: Decimal | None = None
        self.protection = Protection()

    def on_positions(self, rows: list[PositionData], *, whole: bool = False) -> None:
        """Positions of a push or, `whole`, of a REST answer, in which an absent one is flat."""
        if whole:
            self._position, self.contracts = None, Decimal(0)
        for row in rows:
            if row.instId == self._instrument:
                self.contracts = number(row.pos) or Decimal(0)
                self._position = row if self.contracts else None
        if not self.contracts:
            self.protection = Protection()

    def on_account(self, data: AccountData) -> None:
        """Balance of the settlement currency."""
        for detail in data.details:
            if detail.ccy == self._currency:
                self.equity = number(detail.eq)
                self.available = number(detail.availEq) or number(detail.availBal)

    def on_fills(self, fills: list[Fill]) -> None:
        """The fills that REST knows: the day begins with them."""
        self._roll_day()
        self.realised_today = self.realised_today or Decimal(0)
        self.fees_today = self.fees_today or Decimal(0)
        for fill in fills:
            if int(fill.ts or 0) * 1_000_000 // _DAY_NS == self._day:
                self._add(fill.tradeId, number(fill.fillPnl), number(fill.fee))

    def on_order_push(self, data: OrderData) -> None:
        """The fill in an order push; the same one may come twice."""
        if data.tradeId and data.instId == self._instrument:
            self._roll_day()
            self._add(data.tradeId, number(data.fillPnl), number(data.fillFee))

    def on_algos(self, algos: list[Algo]) -> None:
        """What protects the position: of several, the nearest is not known, so the last one shown is taken."""
        protection = Protection()
        for algo in algos:
            if algo.instId == self._instrument:
                protection = Protection(
                    tp_price=number(algo.tpTriggerPx) or protection.tp_price,
                    sl_price=number(algo.slTriggerPx) or protection.sl_price,
                )
        self.protection = protection

    def positions(self) -> PositionsState:
        """The position as a message."""
        now, row = self._clock.wall_ns(), self._position
        if row is None or not self.contracts:
            return PositionsState(timestamp_ns=now, positions=())
        view = PositionView(
            instrument=row.instId, contracts=self.contracts, average_price=number(row.avgPx),
            mark_price=number(row.markPx), unrealised=number(row.upl), liquidation_price=number(row.liqPx),
            tp_price=self.protection.tp_price, sl_price=self.protection.sl_price, leverage=number(row.lever),
            margin=number(row.margin), updated_ns=now,
        )  # fmt: skip
        return PositionsState(timestamp_ns=now, positions=(view,))

    def state(self) -> AccountState:
        """The balance as a message."""
        self._roll_day()
        return AccountState(
            timestamp_ns=self._clock.wall_ns(), currency=self._currency, equity=self.equity,
            available=self.available, realised_today=self.realised_today, fees_today=self.fees_today,
        )  # fmt: skip

    def _add(self, trade_id: str, pnl: Decimal | None, fee: Decimal | None) -> None:
        if trade_id in self._seen_trades:
            return
        self._seen_trades.add(trade_id)
        self.realised_today = (self.realised_today or Decimal(0)) + (pnl or Decimal(0))
        self.fees_today = (self.fees_today or Decimal(0)) + (fee or Decimal(0))

    def _roll_day(self) -> None:
        day = self._clock.wall_ns() // _DAY_NS
        if day != self._day:
            self._day = day
            self._seen_trades.clear()
            if self.realised_today is not None:
                self.realised_today, self.fees_today = Decimal(0), Decimal(0)
