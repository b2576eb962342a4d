"""What an order must pass before it is accepted: price band, position, margin, tier. Changes nothing. Pure."""

from __future__ import annotations

from engine.exchange.account import Account
from engine.exchange.instrument import notional, px_text
from engine.exchange.intake import Refused, check_trigger_sides
from engine.exchange.market.state import MarketState
from engine.exchange.matching import Side, opposite
from engine.exchange.orders import NewOrder, Order, OrderBookkeeper, Slot


class Checks:
    """Against the account, its other orders and the market. Every method raises Refused, or lets it pass."""

    def __init__(self, market: MarketState, account: Account, orders: OrderBookkeeper) -> None:
        self._market = market
        self._account = account
        self._orders = orders

    def new(self, terms: NewOrder) -> None:
        """A new order."""
        self._position(terms, terms.lots)
        if terms.px is not None:
            self._band(terms.side, terms.px)
        self._attached(terms)
        self._margin(terms, terms.lots, terms.px)

    def amended(self, order: Order, left: int, px: int | None, *, moved: bool) -> None:
        """An order that is to have so many lots left, at a price (ticks); `moved`: the price is a new one."""
        if moved and px is not None:
            self._band(order.terms.side, px)
        self._position(order.terms, left, instead_of=order)
        if left > 0:
            self._margin(order.terms, left, px, instead_of=order)

    def _position(self, terms: NewOrder, lots: int, instead_of: Order | None = None) -> None:
        """Net mode: reduceOnly may not open. Hedge mode: what closes, with all that close already, may not exceed."""
        held = self._account.slots[terms.slot].lots
        if terms.reduce_only:
            _check_reduce(terms.side, lots, held)
        elif terms.closes:
            if not held:
                raise Refused("51169", "Order failed because there is no position in this direction to close.")
            if lots > abs(held) - locked(self._orders, terms.slot, instead_of):
                raise Refused("51112", "Close order size exceeds the available size for the position.")

    def _band(self, side: Side, px: int) -> None:
        highest, lowest = self._market.price_limits(self._account.rules.price_band)
        if (px > highest) if side == "buy" else (px < lowest):
            raise Refused(
                "51006",
                "Order price is not within the price limit "
                f"(max buy price: {px_text(highest)}, min sell price: {px_text(lowest)})",
            )

    def _attached(self, terms: NewOrder) -> None:
        closing = opposite(terms.side)
        if terms.px is not None:
            reference, codes = terms.px, ("51046", "51047", "51048", "51049")
        else:
            touch = self._market.matcher.best(closing)
            reference, codes = touch or self._market.last_px, ("51050", "51051", "51052", "51053")
        for legs in terms.attached:
            check_trigger_sides(legs, closing=closing, reference=reference, codes=codes)

    def _margin(self, terms: NewOrder, lots: int, px: int | None, instead_of: Order | None = None) -> None:
        if terms.reduce_only:
            return
        account, market = self._account, self._market
        held = account.slots[terms.slot].lots
        opening = max(0, lots - max(0, -held if terms.side == "buy" else held))
        if not opening:
            return
        pending = [order for order in self._orders.pending() if order is not instead_of]
        if lots > account.room(terms.slot, terms.side, pending):
            raise Refused("51004", "Order failed. The position limit of the current tier and leverage is exceeded.")
        at = px if px is not None else market.matcher.best(opposite(terms.side)) or market.last_px
        need = notional(opening, at) * (1 / account.lever(terms.slot) + account.rules.taker_fee)
        if need > account.available(market.mark, pending):
            raise Refused("51008", "Order failed. Insufficient USDT margin in account")


def locked(orders: OrderBookkeeper, slot: Slot, instead_of: Order | None = None) -> int:
    """Lots of a position that resting orders close already (hedge mode)."""
    if slot.side == "net":
        return 0
    closing = (o for o in orders.pending() if o.terms.slot == slot and o.terms.closes and o is not instead_of)
    return sum(order.left for order in closing)


def _check_reduce(side: Side, lots: int, held: int) -> None:
    closes = held if side == "sell" else -held
    if closes < 0:
        raise Refused("51170", "Failed to place order. A reduce-only order can't open in the position's direction.")
    if lots > closes:
        raise Refused("51169", "Order failed because the position in this direction is smaller than the order.")
