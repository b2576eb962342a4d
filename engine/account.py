"""Position, balance and results, as the venue tells them. None until it has."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from engine.execution.orders import number
from engine.risk.ledger import Ledger, Trade, trade_wall_ns
from engine.venue.answers import Algo, Fill
from engine.venue.frames import AccountData, OrderData, PositionData
from schemas.clock import Clock
from schemas.messages import AccountState, PositionsState, PositionView


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """What the venue holds for a position."""

    tp_price: Decimal | None = None
    sl_price: Decimal | None = None


class Account:
    """The engine's knowledge of the account. Every method may raise decimal.InvalidOperation on a bad number.

    `version` counts what the venue pushed: a REST answer that was under way meanwhile may be the older news.
    `elsewhere`: contracts of the instrument in a margin mode that is not ours, by mode; nobody here trades them.
    `moved_ns`: when the position last changed, monotonic, while nobody has read the fills since; else None.
    """

    def __init__(self, *, instrument: str, margin_mode: str, currency: str, clock: Clock, ledger: Ledger) -> None:
        self._instrument = instrument
        self._margin_mode = margin_mode
        self._currency = currency
        self._clock = clock
        self._ledger = ledger
        self._position: PositionData | None = None
        self.version = 0
        self.moved_ns: int | None = None
        self.contracts: Decimal | None = None
        self.elsewhere: dict[str, Decimal] = {}
        self.equity: Decimal | None = None
        self.available: Decimal | None = None
        self.leverage: Decimal | None = None
        self.protection = Protection()

    def on_positions(self, rows: list[PositionData], *, whole: bool = False) -> None:
        """Positions of a push or, `whole`, of a REST answer, in which an absent one is flat."""
        if whole:
            self._position, self.contracts, self.elsewhere = None, Decimal(0), {}
        else:
            self.version += 1
        for row in rows:
            if row.instId != self._instrument:
                continue
            held = number(row.pos) or Decimal(0)
            if row.mgnMode not in {"", self._margin_mode}:
                self.elsewhere = {mode: lots for mode, lots in self.elsewhere.items() if mode != row.mgnMode}
                if held:
                    self.elsewhere[row.mgnMode] = held
            else:
                if held != self.contracts:
                    self.moved_ns = self._clock.monotonic_ns()
                self.contracts = held
                self._position = row if self.contracts else None
        if not self.contracts:
            self.protection = Protection()

    def on_account(self, data: AccountData) -> None:
        """Balance of the settlement currency."""
        for detail in data.details:
            if detail.ccy == self._currency:
                self.equity = number(detail.eq)
                free = number(detail.availEq)
                self.available = number(detail.availBal) if free is None else free

    def on_fills(self, fills: list[Fill], *, whole: bool = False) -> None:
        """Fills that REST told; `whole`: all of the day."""
        for fill in fills:
            self._add(fill.instId, fill.tradeId, fill.ordId, fill.fillPnl, fill.fee, fill.ts)
        self._ledger.whole = self._ledger.whole or whole

    def on_order_push(self, data: OrderData) -> None:
        """The fill in an order push; the same one may come twice."""
        self.version += 1
        if data.tradeId:
            self._add(data.instId, data.tradeId, data.ordId, data.fillPnl, data.fillFee, data.fillTime)

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

    @property
    def liquidation_price(self) -> Decimal | None:
        """Where the venue would liquidate; None: flat, or it does not say."""
        return number(self._position.liqPx) if self._position is not None else None

    def unrealised(self, *, mark: Decimal | None, contract_value: Decimal | None) -> Decimal | None:
        """Result of closing at the mark, without fees, USDT; None while something of it is unknown."""
        if self.contracts is None:
            return None
        if not self.contracts or self._position is None:
            return Decimal(0)
        average = number(self._position.avgPx)
        if average is None or mark is None or contract_value is None:
            return number(self._position.upl)
        return self.contracts * contract_value * (mark - average)

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
        now = self._clock.wall_ns()
        realised, fees = self._ledger.today(now) or (None, None)
        return AccountState(
            timestamp_ns=now, currency=self._currency, equity=self.equity, available=self.available,
            realised_today=realised, fees_today=fees,
        )  # fmt: skip

    def _add(self, instrument: str, trade_id: str, order_id: str, pnl: str, fee: str, milliseconds: str) -> None:
        if instrument != self._instrument:
            return
        wall_ns = trade_wall_ns(milliseconds) if milliseconds else self._clock.wall_ns()
        self._ledger.add(
            Trade(
                instrument=instrument, trade_id=trade_id, order_id=order_id, pnl=number(pnl) or Decimal(0),
                fee=number(fee) or Decimal(0), wall_ns=wall_ns,
            )
        )  # fmt: skip
