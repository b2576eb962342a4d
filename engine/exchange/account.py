"""The user's money: one USDT balance, and net positions, isolated and cross, each with its leverage.

The wallet holds all cash, isolated margin included; it changes only by realised pnl, fees and funding. What OKX calls
`cashBal` is the wallet without the isolated margins (measured on a real balance: eq = cashBal + isoEq).
Every amount is booked on the grid of the bills, so that wallet = opening balance + their sum holds to the last digit.
Margin formulas: FACTS 8, which marks them unconfirmed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Final, Literal

from engine.exchange.bills import on_grid
from engine.exchange.config import Rules
from engine.exchange.instrument import notional
from engine.exchange.matching import Side
from engine.exchange.orders import MarginMode, Order
from engine.exchange.tiers import largest, tier_of

_ZERO = Decimal(0)
_DAY_MS: Final = 86_400_000
_POS_ID_STEP: Final = 2


@dataclass(frozen=True, slots=True)
class Booked:
    """What one fill did to the money: USDT; the fee is negative when charged."""

    pnl: Decimal
    fee: Decimal
    fee_rate: Decimal


@dataclass(slots=True)
class Position:
    """Net position of one margin mode. `lots` is signed; `cost` is the USDT value at entry, never negative.

    `pnl`, `fee`, `funding` and `penalty` belong to the life of this position: from flat to flat.
    """

    mode: MarginMode
    pos_id: str
    lots: int = 0
    cost: Decimal = _ZERO
    margin: Decimal = _ZERO
    pnl: Decimal = _ZERO
    fee: Decimal = _ZERO
    funding: Decimal = _ZERO
    penalty: Decimal = _ZERO
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
        fee = self._fee(notional(lots, px) * rate)
        pnl = _ZERO
        closing = min(lots, abs(position.lots)) if position.lots * signed < 0 else 0
        if closing:
            held = abs(position.lots)
            cost = on_grid(position.cost * closing / held)
            value = notional(closing, px)
            pnl = value - cost if position.lots > 0 else cost - value
            position.cost -= cost
            position.margin -= on_grid(position.margin * closing / held)
            position.lots += closing if signed > 0 else -closing
            if position.lots == 0:
                position.cost = position.margin = _ZERO
        position.pnl += pnl
        position.fee += fee
        opening = lots - closing
        if opening:
            if position.lots == 0:  # a new life; the fee of a flip is counted to the position that it opened
                self._reissue(position, now_ms)
                position.created_ms, position.pnl, position.fee = now_ms, _ZERO, fee
                position.funding = position.penalty = _ZERO
            position.lots += opening if signed > 0 else -opening
            position.cost += notional(opening, px)
            if mode == "isolated":
                position.margin += on_grid(notional(opening, px) / self.levers[mode])
        position.trade_id = trade_id
        position.updated_ms = self.updated_ms = now_ms
        self.wallet += pnl + fee
        return Booked(pnl, fee, -rate)

    def _fee(self, exact: Decimal) -> Decimal:
        digits = self.rules.fee_digits
        return -(on_grid(exact) if digits is None else exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP))

    def _reissue(self, position: Position, now_ms: int) -> None:
        """A posId is kept for some days after closing (FACTS 5, unconfirmed); then the next life gets a new one."""
        never = position.created_ms == 0
        if not never and now_ms - position.updated_ms >= self.rules.pos_id_days * _DAY_MS:
            position.pos_id = str(int(position.pos_id) + _POS_ID_STEP)

    def fund(self, mode: MarginMode, amount: Decimal, now_ms: int) -> None:
        """Books a funding payment in USDT, negative when paid; where to is a rule (isolated: its margin, or cash)."""
        position = self.positions[mode]
        self.wallet += amount
        position.funding += amount
        if mode == "isolated" and self.rules.isolated_funding == "margin":
            position.margin += amount
        position.updated_ms = self.updated_ms = now_ms

    def cover(self, mode: MarginMode, amount: Decimal, now_ms: int) -> None:
        """The insurance fund pays in USDT what a liquidation lost beyond what stood behind the position."""
        self.wallet += amount
        self.positions[mode].penalty += amount
        self.updated_ms = now_ms

    def set_lever(self, mode: MarginMode, lever: Decimal) -> None:
        """New leverage; an isolated position's margin is set anew from its entry value."""
        self.levers[mode] = lever
        position = self.positions[mode]
        if mode == "isolated" and position.lots:
            position.margin = on_grid(position.cost / lever)

    # -- derived --------------------------------------------------------------------------------------------------

    def imr(self, position: Position, mark: int) -> Decimal:
        """Initial margin in USDT at the mark (ticks)."""
        return notional(abs(position.lots), mark) / self.levers[position.mode]

    def mmr(self, position: Position, mark: int) -> Decimal:
        """Maintenance margin in USDT at the mark (ticks)."""
        return notional(abs(position.lots), mark) * tier_of(self.rules.tiers, abs(position.lots)).mmr

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

    def holds(self, position: Position) -> Decimal:
        """USDT that stand behind a position, its own unrealised pnl aside: its margin, or all cash."""
        return position.margin if position.mode == "isolated" else self.cash()

    def required(self, position: Position, mark: int) -> Decimal:
        """USDT under which the position is liquidated: maintenance margin and the fee of closing, at the mark."""
        return self.mmr(position, mark) + notional(abs(position.lots), mark) * self.rules.taker_fee

    def liquidation_px(self, position: Position) -> Decimal | None:
        """USDT price of the mark that starts a liquidation; None if flat or if no positive price does it."""
        if not position.lots:
            return None
        rate = tier_of(self.rules.tiers, abs(position.lots)).mmr + self.rules.taker_fee
        px = self._exhausted_at(position, max(_ZERO, self.holds(position)), rate)
        return px if px > 0 else None

    def bankruptcy_ticks(self, position: Position) -> int:
        """Price at which closing, its fee included, uses up what stands behind: never a tick beyond. At least 1."""
        ticks = self._exhausted_at(position, self.holds(position), self.rules.taker_fee) * 10
        if position.lots > 0:
            return max(1, int(ticks.to_integral_value(ROUND_CEILING)))
        return max(1, int(ticks))

    @staticmethod
    def _exhausted_at(position: Position, margin: Decimal, rate: Decimal) -> Decimal:
        btc = Decimal(abs(position.lots)).scaleb(-4)
        if position.lots > 0:
            return (margin - position.cost) / (btc * (rate - 1))
        return (margin + position.cost) / (btc * (rate + 1))

    def room(self, mode: MarginMode, side: Side, pending: Iterable[Order]) -> int:
        """Lots that orders of a side may still add before the tier of the mode's leverage is full; may be < 0."""
        held = self.positions[mode].lots if side == "buy" else -self.positions[mode].lots
        asked = sum(o.left for o in pending if (o.terms.td_mode, o.terms.side) == (mode, side))
        return largest(self.rules.tiers, self.levers[mode]) - held - asked
