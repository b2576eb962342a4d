"""The user's money: one USDT balance, and positions, isolated and cross, net or (hedge mode) long and short.

The wallet holds all cash, isolated margin included; it changes only by realised pnl, fees and funding. What OKX calls
`cashBal` is the wallet without the isolated margins (measured on a real balance: eq = cashBal + isoEq).
Every amount is booked on the grid of the bills, so that wallet = opening balance + their sum holds to the last digit.
Margin formulas: FACTS 8, which marks them unconfirmed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Final, Literal

from engine.exchange.bills import on_grid
from engine.exchange.config import Rules
from engine.exchange.instrument import notional
from engine.exchange.matching import Side
from engine.exchange.orders import MarginMode, Order, PosSide, Slot
from engine.exchange.tiers import largest, tier_of

_ZERO = Decimal(0)
_DAY_MS: Final = 86_400_000
_POS_ID_STEP: Final = 2
_CROSS: Final = Slot("cross")
_POS_IDS: Final = {  # far apart: each is counted up
    _CROSS: "307173036051017730",
    Slot("isolated"): "307173036051017731",
    Slot("cross", "long"): "307173036061017730",
    Slot("cross", "short"): "307173036071017730",
    Slot("isolated", "long"): "307173036081017730",
    Slot("isolated", "short"): "307173036091017730",
}


@dataclass(frozen=True, slots=True)
class Booked:
    """What one fill did to the money: USDT; the fee is negative when charged."""

    pnl: Decimal
    fee: Decimal
    fee_rate: Decimal


@dataclass(slots=True)
class Position:
    """Position of one slot. `lots` is signed, a short's too; `cost` is the USDT value at entry, never negative.

    `pnl`, `fee`, `funding` and `penalty` belong to the life of this position: from flat to flat.
    """

    slot: Slot
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
    def mode(self) -> MarginMode:
        """Its margin mode."""
        return self.slot.mode

    @property
    def side(self) -> PosSide:
        """net, long or short."""
        return self.slot.side

    @property
    def shown(self) -> int:
        """Lots as OKX shows them: signed in net mode; in hedge mode posSide is the sign."""
        return self.lots if self.side == "net" else abs(self.lots)

    @property
    def avg_px(self) -> Decimal | None:
        """Average entry price in USDT per BTC; None when flat."""
        return self.cost / Decimal(abs(self.lots)).scaleb(-4) if self.lots else None

    def upl(self, px: int) -> Decimal:
        """Unrealised pnl in USDT at a price in ticks."""
        value = notional(abs(self.lots), px) - self.cost
        return value if self.lots >= 0 else -value


class Account:
    """Balance, positions, leverages. `hedged`: long and short are positions of their own (long_short_mode)."""

    def __init__(self, balance: Decimal, rules: Rules) -> None:
        self.rules = rules
        self.wallet = balance
        self.hedged = False
        self.slots = {slot: Position(slot, pos_id) for slot, pos_id in _POS_IDS.items()}
        self._net = [position for slot, position in self.slots.items() if slot.side == "net"]
        self._hedge = [position for slot, position in self.slots.items() if slot.side != "net"]
        self._levers = dict.fromkeys(_POS_IDS, rules.default_lever)
        self.updated_ms = 0

    @property
    def positions(self) -> Mapping[MarginMode, Position]:
        """The net position of each margin mode; flat in hedge mode."""
        return {"cross": self.slots[Slot("cross")], "isolated": self.slots[Slot("isolated")]}

    def current(self) -> Sequence[Position]:
        """Those of the position mode, flat ones too: cross, then isolated."""
        return self._hedge if self.hedged else self._net

    def open_positions(self) -> list[Position]:
        """Those that are not flat."""
        return [position for position in self.current() if position.lots]

    def opened_by(self, mode: MarginMode, side: Side) -> Slot:
        """The slot that an order of a side opens or adds to; in net mode there is but one."""
        if not self.hedged:
            return Slot(mode)
        return Slot(mode, "long" if side == "buy" else "short")

    def lever(self, slot: Slot) -> Decimal:
        """Leverage: in hedge mode an isolated long and short have their own, cross has one."""
        return self._levers[_CROSS if slot.mode == "cross" else slot]

    def apply(
        self, slot: Slot, side: Side, lots: int, px: int, liquidity: Literal["T", "M"], trade_id: str, now_ms: int
    ) -> Booked:
        """Books a fill: closes first, opens with what remains, charges the fee. Lots and ticks."""
        position = self.slots[slot]
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
            if slot.mode == "isolated":
                position.margin += on_grid(notional(opening, px) / self.lever(slot))
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

    def fund(self, slot: Slot, amount: Decimal, now_ms: int) -> None:
        """Books a funding payment in USDT, negative when paid.

        An isolated position has it from its margin or, by a rule, from cash and what cash lacks from its margin.
        """
        position, cash = self.slots[slot], self.cash()
        self.wallet += amount
        position.funding += amount
        if slot.mode == "isolated":
            from_margin = self.rules.isolated_funding == "margin"
            position.margin += amount if from_margin else min(_ZERO, max(_ZERO, cash) + amount)
        position.updated_ms = self.updated_ms = now_ms

    def cover(self, slot: Slot, amount: Decimal, now_ms: int) -> None:
        """The insurance fund pays in USDT what a liquidation lost beyond what stood behind the position."""
        self.wallet += amount
        self.slots[slot].penalty += amount
        self.updated_ms = now_ms

    def set_lever(self, slot: Slot, lever: Decimal) -> None:
        """New leverage; an isolated position's margin is set anew from its entry value."""
        self._levers[slot] = lever
        position = self.slots[slot]
        if slot.mode == "isolated" and position.lots:
            position.margin = on_grid(position.cost / lever)

    # -- derived --------------------------------------------------------------------------------------------------

    def imr(self, position: Position, mark: int) -> Decimal:
        """Initial margin in USDT at the mark (ticks)."""
        return notional(abs(position.lots), mark) / self.lever(position.slot)

    def mmr(self, position: Position, mark: int) -> Decimal:
        """Maintenance margin in USDT at the mark (ticks)."""
        return notional(abs(position.lots), mark) * tier_of(self.rules.tiers, abs(position.lots)).mmr

    def isolated_margin(self) -> Decimal:
        """USDT in the margins of isolated positions."""
        return sum((position.margin for position in self.current()), _ZERO)

    def cash(self) -> Decimal:
        """USDT outside isolated margins: OKX's cashBal."""
        return self.wallet - self.isolated_margin()

    def equity(self, mark: int) -> Decimal:
        """Wallet plus all unrealised pnl, USDT."""
        return self.wallet + sum((p.upl(mark) for p in self.open_positions()), _ZERO)

    def frozen(self, pending: Iterable[Order]) -> Decimal:
        """USDT that resting orders hold: initial margin of what they could open, per position and side."""
        orders = [o for o in pending if not o.terms.reduce_only and o.px is not None]
        return sum((self._frozen(position, orders) for position in self.current()), _ZERO) if orders else _ZERO

    def _frozen(self, position: Position, pending: list[Order]) -> Decimal:
        held, lever = position.lots, self.lever(position.slot)
        total = _ZERO
        orders = [o for o in pending if o.terms.slot == position.slot]
        for side, opposing in (("buy", max(0, -held)), ("sell", max(0, held))):
            mine = [o for o in orders if o.terms.side == side]
            lots = sum(o.left for o in mine)
            if lots > opposing:
                value = sum((o.value_left for o in mine), _ZERO)
                total += value * (lots - opposing) / lots / lever
        return total

    def available(self, mark: int, pending: Iterable[Order]) -> Decimal:
        """USDT free for new positions: cash and cross pnl, less cross margin and what orders hold. May be < 0."""
        cross = [position for position in self.open_positions() if position.mode == "cross"]
        used = sum((position.upl(mark) - self.imr(position, mark) for position in cross), _ZERO)
        return self.cash() + used - self.frozen(pending)

    def holds(self, position: Position) -> Decimal:
        """USDT that stand behind a position, unrealised pnl aside: its margin, or all cash."""
        return position.margin if position.mode == "isolated" else self.cash()

    def sharing(self, position: Position) -> list[Position]:
        """What is held by the same money: itself, or all cross positions (in hedge mode that may be two)."""
        if position.mode == "isolated" or position.side == "net":
            return [position]
        return [other for other in self.open_positions() if other.mode == "cross"]

    def behind(self, position: Position, mark: int) -> tuple[Decimal, Decimal]:
        """What stands behind a position and those that share its money, pnl included, and what they must have."""
        sharing = self.sharing(position)
        upl = sum((other.upl(mark) for other in sharing), _ZERO)
        return self.holds(position) + upl, sum((self.required(other, mark) for other in sharing), _ZERO)

    def required(self, position: Position, mark: int) -> Decimal:
        """USDT under which the position is liquidated: maintenance margin and the fee of closing, at the mark."""
        return self.mmr(position, mark) + notional(abs(position.lots), mark) * self.rules.taker_fee

    def liquidation_px(self, position: Position) -> Decimal | None:
        """USDT price of the mark that starts a liquidation; None if flat or if no positive price does it."""
        if not position.lots:
            return None
        sharing = self.sharing(position)
        rates = [tier_of(self.rules.tiers, abs(other.lots)).mmr + self.rules.taker_fee for other in sharing]
        margin = self.holds(position)
        px = _exhausted_at(sharing, max(_ZERO, margin) if position.side == "net" else margin, rates)
        return px if px is not None and px > 0 else None

    def bankruptcy_ticks(self, position: Position) -> int:
        """Price at which closing, its fee included, uses up what stands behind: never a tick beyond. At least 1."""
        ticks = (_exhausted_at([position], self.holds(position), [self.rules.taker_fee]) or _ZERO) * 10
        if position.lots > 0:
            return max(1, int(ticks.to_integral_value(ROUND_CEILING)))
        return max(1, int(ticks))

    def room(self, slot: Slot, side: Side, pending: Iterable[Order]) -> int:
        """Lots that orders of a side may still add before the tier of the slot's leverage is full; may be < 0."""
        held = self.slots[slot].lots if side == "buy" else -self.slots[slot].lots
        asked = sum(o.left for o in pending if (o.terms.slot, o.terms.side) == (slot, side))
        return largest(self.rules.tiers, self.lever(slot)) - held - asked


def _exhausted_at(positions: Sequence[Position], margin: Decimal, rates: Sequence[Decimal]) -> Decimal | None:
    """USDT price at which margin and pnl of positions are just their rates of the notional; None if at no price."""
    slope = sum((_btc(p) * (rate - (1 if p.lots > 0 else -1)) for p, rate in zip(positions, rates, strict=True)), _ZERO)
    value = sum((p.cost if p.lots > 0 else -p.cost for p in positions), _ZERO)
    return (margin - value) / slope if slope else None


def _btc(position: Position) -> Decimal:
    return Decimal(abs(position.lots)).scaleb(-4)
