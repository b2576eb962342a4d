"""How much the account may still order: the same checks that an order meets, turned round. Pure."""

from __future__ import annotations

from decimal import Decimal

from engine.exchange.desk import Desk
from engine.exchange.instrument import MAX_LIMIT_LOTS, MAX_MARKET_LOTS, notional
from engine.exchange.matching import Side, opposite
from engine.exchange.orders import MarginMode
from engine.exchange.tiers import largest


def available(desk: Desk) -> Decimal:
    """USDT free for new positions, never negative."""
    return max(Decimal(0), desk.account.available(desk.market.mark, desk.orders.pending()))


def largest_order(desk: Desk, mode: MarginMode, side: Side, px: int | None, lever: Decimal | None) -> int:
    """Lots of the largest order that would be accepted: what it closes, and what margin and tier let it open.

    Leverage None: that of the position. In hedge mode the order opens, it never closes.
    """
    account, market = desk.account, desk.market
    at = px if px is not None else market.matcher.best(opposite(side)) or market.last_px
    slot = account.opened_by(mode, side)
    lever = account.lever(slot) if lever is None else lever
    held = account.slots[slot].lots if side == "buy" else -account.slots[slot].lots
    closes = max(0, -held)
    opens = int(available(desk) / (notional(1, at) * (1 / lever + account.rules.taker_fee)))
    taken = largest(account.rules.tiers, account.lever(slot)) - account.room(slot, side, desk.orders.pending())
    room = largest(account.rules.tiers, lever) - taken
    return max(0, min(closes + opens, max(closes, room), MAX_MARKET_LOTS if px is None else MAX_LIMIT_LOTS))


def available_to(desk: Desk, mode: MarginMode, side: Side, reduce_only: bool) -> Decimal:
    """USDT for a side; reduce-only: the initial margin of the position that the side would close, at the mark."""
    position = desk.account.slots[desk.account.opened_by(mode, opposite(side))]
    if not reduce_only:
        return available(desk)
    closes = position.lots < 0 if side == "buy" else position.lots > 0
    return desk.account.imr(position, desk.market.mark) if closes else Decimal(0)
