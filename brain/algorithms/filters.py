"""Context filters: what layer 1 says about the place and the time of an entry. Each is a switch, and off by default.

A filter is a pure function (direction, context) -> FilterResult. What the context does not know passes no filter.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import NamedTuple

from brain.reasons import Reason, WhyNot
from schemas.settings.algorithms import Filters


class Context(NamedTuple):
    """Layer 1 as the filters need it, at one instant. Prices in quote currency; None, or NaN: not known.

    `structure`: direction of the last BOS or CHoCH, 0 before the first. `premium_discount`: place of the price in the
    range, 0 at its low, 1 at its high; outside of them beyond it. Blocks: the nearest order block of a side that is
    not mitigated, its low and high edge. `support`, `resistance`: the nearest level below and above the price;
    -inf, +inf: it is known that there is none. `sessions`: those that are open now. `divergence`: +1 bullish (price
    lower, CVD higher), -1 bearish, 0 none.
    """

    price: float | None = None
    structure: int | None = None
    premium_discount: float | None = None
    bullish_block: tuple[float, float] | None = None
    bearish_block: tuple[float, float] | None = None
    support: float | None = None
    resistance: float | None = None
    sessions: tuple[str, ...] | None = None
    divergence: int | None = None


class FilterResult(NamedTuple):
    """What one filter said of a direction; `text` has the numbers, or begins with UNKNOWN."""

    name: str
    passed: bool
    text: str


Filter = Callable[[int, Context], FilterResult]
_SIDE = {1: "long", -1: "short"}
_SIGN = {1: "bullish", 0: "neutral", -1: "bearish"}


def filters_of(settings: Filters) -> tuple[Filter, ...]:
    """Those that are switched on, in the order of the settings."""
    made: list[Filter] = []
    if settings.structure:
        made.append(structure)
    if settings.premium_discount:
        edge = settings.premium_discount_edge
        made.append(lambda direction, context: premium_discount(direction, context, edge))
    if settings.order_block_pct:
        block_pct = settings.order_block_pct
        made.append(lambda direction, context: order_block(direction, context, block_pct))
    if settings.room_pct:
        room_pct = settings.room_pct
        made.append(lambda direction, context: room(direction, context, room_pct))
    if settings.sessions:
        names = settings.sessions
        made.append(lambda direction, context: session(context, names))
    if settings.divergence:
        made.append(divergence)
    return tuple(made)


def judge(filters: tuple[Filter, ...], direction: int, context: Context) -> tuple[FilterResult, ...]:
    """What each says of `direction`; nothing, where there is none."""
    return tuple(each(direction, context) for each in filters) if direction else ()


def why_not(results: tuple[FilterResult, ...]) -> WhyNot | None:
    """The first that did not let it pass."""
    for result in results:
        if not result.passed:
            return WhyNot(Reason.FILTERED, f"{result.name}: {result.text}")
    return None


def structure(direction: int, context: Context) -> FilterResult:
    """The last BOS or CHoCH does not point the other way."""
    if context.structure is None:
        return _unknown("structure", "the last break of structure")
    text = f"the last break is {_SIGN[context.structure]}, the entry {_SIDE[direction]}"
    return FilterResult("structure", context.structure != -direction, text)


def premium_discount(direction: int, context: Context, edge: float) -> FilterResult:
    """A long at `edge` of the range or below, a short at its mirror image or above."""
    place = context.premium_discount
    if place is None or isnan(place):
        return _unknown("premium_discount", "the place in the range")
    limit = edge if direction > 0 else 1.0 - edge
    passed = place <= limit if direction > 0 else place >= limit
    word = "below" if direction > 0 else "above"
    return FilterResult("premium_discount", passed, f"at {place:.3f} of the range, a {_SIDE[direction]} needs {word} "
                        f"{limit:.3f}")  # fmt: skip


def order_block(direction: int, context: Context, limit_pct: float) -> FilterResult:
    """The price is in the nearest open block of the direction, or no farther from it than `limit_pct` of the price."""
    price, block = context.price, context.bullish_block if direction > 0 else context.bearish_block
    side = _SIGN[direction]
    if not _is_price(price) or block is None or isnan(block[0]) or isnan(block[1]):
        return _unknown("order_block", f"the price, or an open {side} block")
    assert price is not None
    low, high = block
    away_pct = max(low - price, price - high, 0.0) / price * 100
    text = f"{away_pct:.3f} % from the {side} block {low:g} to {high:g}, allowed {limit_pct:g} %"
    return FilterResult("order_block", away_pct <= limit_pct, text)


def room(direction: int, context: Context, least_pct: float) -> FilterResult:
    """The next level against the trade (resistance for a long) is at least `least_pct` of the price away."""
    price, level = context.price, context.resistance if direction > 0 else context.support
    name = "resistance" if direction > 0 else "support"
    if not _is_price(price) or level is None or isnan(level):
        return _unknown("room", f"the price, or the next {name}")
    assert price is not None
    away_pct = (level - price) * direction / price * 100
    text = f"{away_pct:.3f} % to the {name} {level:g}, needed {least_pct:g} %"
    return FilterResult("room", away_pct >= least_pct, text)


def session(context: Context, names: tuple[str, ...]) -> FilterResult:
    """One of the named sessions is open."""
    if context.sessions is None:
        return _unknown("sessions", "which session is open")
    text = f"open: {', '.join(context.sessions) or 'none'}; needed: {' or '.join(names)}"
    return FilterResult("sessions", not set(names).isdisjoint(context.sessions), text)


def divergence(direction: int, context: Context) -> FilterResult:
    """No divergence of CVD and price points the other way."""
    if context.divergence is None:
        return _unknown("divergence", "whether CVD and price diverge")
    text = f"the divergence is {_SIGN[context.divergence]}, the entry {_SIDE[direction]}"
    return FilterResult("divergence", context.divergence != -direction, text)


def _is_price(price: float | None) -> bool:
    return price is not None and price > 0  # NaN compares false


def _unknown(name: str, what: str) -> FilterResult:
    return FilterResult(name, False, f"UNKNOWN: {what}")
