"""The user's money: one USDT balance, and net positions, isolated and cross, each with its leverage.

The wallet holds all cash, isolated margin included; it changes only by realised pnl and fees. What OKX calls
`cashBal` is the wallet without the isolated margins (measured on a real balance: eq = cashBal + isoEq).
Margin formulas: FACTS 8, which marks them unconfirmed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from engine.exchange.config import Rules
from engine.exchange.instrument import notional
from engine.exchange.matching import Side
from engine.exchange.orders import MarginMode, Order

_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Booked:
    """What one fill did to the money: USDT; the fee is negative when charged."""

    pnl: Decimal
    fee: Decimal
    fee_rate: Decimal


@dataclass(slots=True)
class Position:
    """Net position of one margin mode. `lots` is signed; `cost` is the USDT value at entry, never negative.

    `pnl` and `fee` belong to the life of this position: from flat to flat.
    """

    mode: MarginMode
    pos_id: str
    lots: int = 0
    cost: Decimal = _ZERO
    margin: Decimal = _ZERO
    pnl: Decimal = _ZERO
    fee: Decimal = _ZERO
    trade_id: str = ""
    created_ms: int = 0
    updated_ms: int = 0

    @property
    def avg_px(self) -> Decimal | None:
        """Average entry price in USDT per BTC; None when flat."""
        return self.cost / Decimal(abs(self.lots)).scaleb(-4) if self.lots else None

    def upl(self, px: int) -> Decimal:
        """Unrealised pnl in USDT at a price in ticks."""
        value = notional(abs(self.lots), px) - self.cost
        return value if self.lots >= 0 else -value


class Account:
    """Balance, positions, leverages."""

    def __init__(self, balance: Decimal, rules: Rules) -> None:
        self.rules = rules
        self.wallet = balance
        self.levers: dict[MarginMode, Decimal] = {"cross": rules.default_lever, "isolated": rules.default_lever}
        self.positions: dict[MarginMode, Position] = {
            "cross": Position("cross", "307173036051017730"),
            "isolated": Position("isolated", "307173036051017731"),
        }
        self.updated_ms = 0

    def open_positions(self) -> list[Position]:
        """Those that are not flat."""
        return [position for position in self.positions.values() if position.lots]

    def apply(
        self, mode: MarginMode, side: Side, lots: int, px: int, liquidity: Literal["T", "M"], trade_id: str, now_ms: int
    ) -> Booked:
        """Books a fill: closes first, opens with what remains, charges the fee. Lots and ticks."""
        position = self.positions[mode]
        signed = lots if side == "buy" else -lots
        rate = self.rules.taker_fee if liquidity == "T" else self.rules.maker_fee
        fee = -notional(lots, px) * rate
        pnl = _ZERO
        closing = min(lots, abs(position.lots)) if position.lots * signed < 0 else 0
        if closing:
            held = abs(position.lots)
            cost = position.cost * closing / held
            value = notional(closing, px)
            pnl = value - cost if position.lots > 0 else cost - value
            position.cost -= cost
            position.margin -= position.margin * closing / held
            position.lots += closing if signed > 0 else -closing
            if position.lots == 0:
                position.cost = position.margin = _ZERO
        position.pnl += pnl
        position.fee += fee
        opening = lots - closing
        if opening:
            if position.lots == 0:  # a new life; the fee of a flip is counted to the position that it opened
                position.created_ms, position.pnl, position.fee = now_ms, _ZERO, fee
            position.lots += opening if signed > 0 else -opening
            position.cost += notional(opening, px)
            if mode == "isolated":
                position.margin += notional(opening, px) / self.levers[mode]
        position.trade_id = trade_id
        position.updated_ms = self.updated_ms = now_ms
        self.wallet += pnl + fee
        return Booked(pnl, fee, -rate)

    def set_lever(self, mode: MarginMode, lever: Decimal) -> None:
        """New leverage; an isolated position's margin is set anew from its entry value."""
        self.levers[mode] = lever
        position = self.positions[mode]
        if mode == "isolated" and position.lots:
            position.margin = position.cost / lever

    # -- derived --------------------------------------------------------------------------------------------------

    def imr(self, position: Position, mark: int) -> Decimal:
        """Initial margin in USDT at the mark (ticks)."""
        return notional(abs(position.lots), mark) / self.levers[position.mode]

    def mmr(self, position: Position, mark: int) -> Decimal:
        """Maintenance margin in USDT at the mark (ticks)."""
        return notional(abs(position.lots), mark) * self.rules.mmr

    def cash(self) -> Decimal:
        """USDT outside isolated margins: OKX's cashBal."""
        return self.wallet - self.positions["isolated"].margin

    def equity(self, mark: int) -> Decimal:
        """Wallet plus all unrealised pnl, USDT."""
        return self.wallet + sum((p.upl(mark) for p in self.open_positions()), _ZERO)

    def frozen(self, mode: MarginMode, pending: Iterable[Order]) -> Decimal:
        """USDT that resting orders of a mode hold: initial margin of what they could open, per side."""
        held = self.positions[mode].lots
        total = _ZERO
        orders = [o for o in pending if o.terms.td_mode == mode and not o.terms.reduce_only and o.px is not None]
        for side, opposing in (("buy", max(0, -held)), ("sell", max(0, held))):
            mine = [o for o in orders if o.terms.side == side]
            lots = sum(o.left for o in mine)
            if lots > opposing:
                value = sum((o.value_left for o in mine), _ZERO)
                total += value * (lots - opposing) / lots / self.levers[mode]
        return total

    def available(self, mark: int, pending: Iterable[Order]) -> Decimal:
        """USDT free for new positions: cash and cross pnl, less cross margin and what orders hold. May be < 0."""
        orders = list(pending)
        cross = self.positions["cross"]
        frozen = self.frozen("cross", orders) + self.frozen("isolated", orders)
        return self.cash() + cross.upl(mark) - self.imr(cross, mark) - frozen

    def liquidation_px(self, position: Position, mark: int) -> Decimal | None:
        """USDT price at which the margin is used up; None if flat or if no positive price does it."""
        if not position.lots:
            return None
        if position.mode == "isolated":
            margin = position.margin
        else:
            margin = max(_ZERO, self.equity(mark) - position.upl(mark) - self.positions["isolated"].margin)
        btc = Decimal(abs(position.lots)).scaleb(-4)
        rate = self.rules.mmr + self.rules.taker_fee
        if position.lots > 0:
            px = (margin - position.cost) / (btc * (rate - 1))
        else:
            px = (margin + position.cost) / (btc * (rate + 1))
        return px if px > 0 else None
