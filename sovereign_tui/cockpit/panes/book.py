"""The order book: levels from the touch, cumulative depth as a bar behind the numbers, imbalance."""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import inf, isfinite
from typing import Final

from schemas.messages import MarketTick
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.text import Row, Span, bounded, fit, number, right, row, size, width_of

_LEVELS: Final = 5
"""Levels a side of the imbalance shown; SPEC.md 7."""

_COLUMN: Final = 8
_ASKED: Final = (1, 10, 100, 1_000, 10_000)
"""Contracts of the market orders whose cost is shown below the levels."""
_ROWS_FOR_COST: Final = 4
_CONTRACTS: Final = 7
_ROOM_FOR_COST: Final = 2 * (_CONTRACTS + 16)
"""Columns, of both sides."""
_WITH_CUMULATIVE: Final = 50
"""Columns from which on the cumulative sizes stand beside the sizes; below, only their bars are left."""


def imbalance(tick: MarketTick, levels: int = _LEVELS) -> float | None:
    """Bid share of the resting size over the top levels; None if nothing rests."""
    bids, asks = sum(tick.bid_sizes[:levels]), sum(tick.ask_sizes[:levels])
    return bids / (bids + asks) if 0 < bids + asks < inf and bids >= 0 <= asks else None


def draw(paint: Paint, width: int, height: int) -> Body:
    """The book of the last tick."""
    tick = paint.view.tick.value
    age_ms = paint.view.tick.age_ms(paint.now_ns)
    if tick is None:
        return Body(rows=nothing_heard("the engine", f"tick.{paint.instrument}"), age_ms=age_ms)
    share = imbalance(tick)
    extra = row(Span("imb ", "label"), _share(share))
    if not tick.book_valid:
        extra = row(Span(" BOOK INVALID ", "alarm"))
        if not tick.bid_prices and not tick.ask_prices:
            distrust = row(Span("  the engine does not trust its book: no levels", "warn"))
            return Body(rows=(_last(tick, width), (), distrust), age_ms=age_ms, extra=extra)
    ladder = _ladder(tick, width, height - 3)
    rows = (_balance(share, width), _last(tick, width), _heads(width), *ladder)
    rows = (*rows, *market_cost(tick, width, height - len(rows)))
    return Body(rows=rows, age_ms=age_ms, extra=extra)


def _share(share: float | None) -> Span:
    if share is None:
        return Span("?", "unknown")
    return Span(f"{share:.2f}", "up" if share > 0.6 else "down" if share < 0.4 else "text")


def _balance(share: float | None, width: int) -> Row:
    """The imbalance as one bar: bids from the left, asks the rest, the middle marked."""
    if share is None:
        return row(Span(" imbalance ?", "unknown"))
    bid_pct, ask_pct = f"{share * 100:3.0f}%", f"{(1 - share) * 100:3.0f}%"
    room = max(0, width - len(" bid ask ") - len(bid_pct) - len(ask_pct))
    bids = round(share * room)
    return row(
        Span(" bid", "bid"), Span(bid_pct, "bid"), Span("█" * bids, "bid"), Span("▒" * (room - bids), "ask"),
        Span(ask_pct, "ask"), Span(" ask ", "ask"),
    )  # fmt: skip


def _last(tick: MarketTick, width: int) -> Row:
    gap = tick.ask_price - tick.bid_price
    side = {1: Span("▲ buy ", "up"), 2: Span("▼ sell", "down")}.get(int(tick.last_side), Span("- none", "dim"))
    last = row(
        Span(" last ", "label"), Span(number(tick.last_price, 1), "strong"), " ", side, " ", size(tick.last_size)
    )
    tail = row(Span("spread ", "label"), Span(number(gap, 1)), " ")
    room = width - width_of(last) - width_of(tail)
    return row(*last, Span(" " * room), *tail) if room > 0 else last


def _heads(width: int) -> Row:
    half = width // 2
    left = f"{'cum':>8}" if width >= _WITH_CUMULATIVE else ""
    heads = f"{left}{'size':>8}{'bid':>{max(3, half - 9 - len(left))}} "
    asks = f" {'ask':<{max(3, width - half - 9 - len(left))}}{'size':>8}{'cum' if left else '':>{len(left)}}"
    return row(Span(heads, "dim"), Span(asks, "dim"))


def _ladder(tick: MarketTick, width: int, rows: int) -> list[Row]:
    half = width // 2
    depth = max(0, min(rows, max(len(tick.bid_prices), len(tick.ask_prices))))
    bids = _side(tick.bid_prices, tick.bid_sizes, depth)
    asks = _side(tick.ask_prices, tick.ask_sizes, depth)
    most = max((level[2] for level in (*bids, *asks) if isfinite(level[2])), default=1.0)
    out = []
    for index in range(depth):
        left = _bid_cells(bids[index] if index < len(bids) else None, half, most)
        right_side = _ask_cells(asks[index] if index < len(asks) else None, width - half, most)
        out.append((*left, *right_side))
    return out


def market_cost(tick: MarketTick, width: int, room: int) -> list[Row]:
    """What a market order would pay on average, and how far that is from the touch, where rows are left for it."""
    if room < _ROWS_FOR_COST or width < _ROOM_FOR_COST:
        return []
    half = width // 2
    heads = f"{'sell':>{_CONTRACTS}}{'average':>10}{'bp':>6}"
    rows: list[Row] = [(), (*fit((Span(heads, "dim"),), half), Span(heads.replace("sell", " buy"), "dim"))]
    for contracts in _ASKED[: room - 2]:
        sold = _cost(tick.bid_prices, tick.bid_sizes, contracts, "bid")
        bought = _cost(tick.ask_prices, tick.ask_sizes, contracts, "ask")
        rows.append((*fit(sold, half), *bought))
    return rows


def average_price(prices: tuple[float, ...], sizes: tuple[float, ...], contracts: float) -> float | None:
    """What so many contracts cost each, taken from the touch outward; None if the levels do not hold them."""
    left, paid = contracts, 0.0
    for price, amount in zip(prices, sizes, strict=False):
        taken = min(left, amount)
        paid += taken * price
        left -= taken
        if left <= 0:
            return paid / contracts
    return None


def _cost(prices: tuple[float, ...], sizes: tuple[float, ...], contracts: int, side: str) -> Row:
    mean = average_price(prices, sizes, contracts)
    label = Span(f"{contracts:>{_CONTRACTS},}", "label")
    if mean is None:
        return row(label, Span(f"{'beyond levels':>16}", "dim"))
    away = abs(mean / prices[0] - 1) * 10_000 if prices[0] > 0 else None
    return row(label, right(Span(number(mean, 1), side), 10), right(number(away, 2), 6))


def _side(prices: tuple[float, ...], sizes: tuple[float, ...], depth: int) -> list[tuple[float, float, float]]:
    cumulative = accumulate(sizes[:depth])
    return list(zip(prices[:depth], sizes[:depth], cumulative, strict=False))


def depth_text(contracts: float) -> str:
    """At most 7 characters, so that two columns of 8 never touch: the larger the number, the fewer its decimals."""
    million = f"{contracts / 1e6:.2f}M"
    texts = (number(contracts, 2), number(contracts, 1), number(contracts, 0), million)
    return next((text for text in texts if len(text) < _COLUMN), f"{contracts:.1e}")


def _bid_cells(level: tuple[float, float, float] | None, width: int, most: float) -> Row:
    if level is None or width < 18:
        return (Span(" " * width),)
    price, amount, cumulative = level
    whole = f"{depth_text(cumulative):>{_COLUMN}}" if 2 * width >= _WITH_CUMULATIVE else ""
    text = f"{whole}{depth_text(amount):>{_COLUMN}}{number(price, 1):>{width - 9 - len(whole)}} "
    return _heat(text, _filled(width, cumulative, most), width - 1 - len(number(price, 1)), "bid", from_right=True)


def _ask_cells(level: tuple[float, float, float] | None, width: int, most: float) -> Row:
    if level is None or width < 18:
        return (Span(" " * width),)
    price, amount, cumulative = level
    whole = f"{depth_text(cumulative):>{_COLUMN}}" if 2 * width >= _WITH_CUMULATIVE else ""
    text = f" {number(price, 1):<{width - 9 - len(whole)}}{depth_text(amount):>{_COLUMN}}{whole}"
    return _heat(text, _filled(width, cumulative, most), 1 + len(number(price, 1)), "ask", from_right=False)


def _filled(width: int, cumulative: float, most: float) -> int:
    """The cells of a bar; none for what is no size."""
    return round(width * bounded(cumulative / most)) if most > 0 else 0


def _heat(text: str, filled: int, price_edge: int, side: str, *, from_right: bool) -> Row:
    """Text over a bar of `filled` cells that grows from the touch outward; the price has the colour of its side."""
    edge = len(text) - filled if from_right else filled
    cuts = sorted({0, len(text), max(0, min(len(text), edge)), max(0, min(len(text), price_edge))})
    out = []
    for start, end in pairwise(cuts):
        lit = start >= edge if from_right else end <= edge
        priced = start >= price_edge if from_right else end <= price_edge
        role = (f"{side}.lit" if priced else f"{side}.heat") if lit else (side if priced else "text")
        out.append(Span(text[start:end], role))
    return tuple(out)
