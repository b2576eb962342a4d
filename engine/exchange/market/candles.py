"""Candles of every bar size, kept up to date by trades and by time; all are sums of the same minutes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.exchange.instrument import px_text_padded, sz_text
from engine.exchange.market.history import Minute

MINUTE_MS: Final = 60_000
BARS_MS: Final[dict[str, int]] = {
    "1m": MINUTE_MS,
    "3m": 3 * MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "30m": 30 * MINUTE_MS,
    "1H": 60 * MINUTE_MS,
    "4H": 240 * MINUTE_MS,
    "1D": 1440 * MINUTE_MS,
}
_DAY_OFFSET_MS: Final = 8 * 60 * MINUTE_MS  # OKX's plain 1D opens at midnight in Hong Kong


def open_time(bar: str, ts_ms: int) -> int:
    """When the candle that contains `ts_ms` opened; milliseconds since 1970 UTC."""
    size = BARS_MS[bar]
    shift = _DAY_OFFSET_MS if bar == "1D" else 0
    return (ts_ms + shift) // size * size - shift


@dataclass(slots=True)
class Candle:
    """Prices in ticks, volume in lots, turnover in lots x ticks; `ts_ms` is when it opened."""

    ts_ms: int
    open: int
    high: int
    low: int
    close: int
    lots: int
    turnover: int

    def add(self, high: int, low: int, close: int, lots: int, turnover: int) -> None:
        """Takes in what happened later within the same bar."""
        self.high = max(self.high, high)
        self.low = min(self.low, low)
        self.close = close
        self.lots += lots
        self.turnover += turnover

    def row(self, *, final: bool) -> list[str]:
        """As OKX writes it: ts, o, h, l, c, contracts, BTC, USDT, confirm."""
        return [
            str(self.ts_ms),
            px_text_padded(self.open),
            px_text_padded(self.high),
            px_text_padded(self.low),
            px_text_padded(self.close),
            sz_text(self.lots),
            format((Decimal(self.lots).scaleb(-4)).normalize(), "f"),
            format(Decimal(self.turnover).scaleb(-5), "f"),
            "1" if final else "0",
        ]


class CandleStore:
    """All bars, oldest first; the last of each is the forming one."""

    def __init__(self, past: Iterable[Minute], now_ms: int) -> None:
        self._bars: dict[str, list[Candle]] = {bar: [] for bar in BARS_MS}
        minutes = list(past)
        first = open_time("1m", now_ms) - len(minutes) * MINUTE_MS
        for index, row in enumerate(minutes):
            ts = first + index * MINUTE_MS
            self._bars["1m"].append(Candle(ts, row.open, row.high, row.low, row.close, row.lots, row.turnover))
        for bar, source in (("3m", "1m"), ("5m", "1m"), ("15m", "5m"), ("30m", "15m"), ("1H", "30m")):
            self._merge(bar, source)
        self._merge("4H", "1H")
        self._merge("1D", "4H")
        self.roll(now_ms)

    def _merge(self, bar: str, source: str) -> None:
        target = self._bars[bar]
        for part in self._bars[source]:
            opened = open_time(bar, part.ts_ms)
            if target and target[-1].ts_ms == opened:
                target[-1].add(part.high, part.low, part.close, part.lots, part.turnover)
            else:
                target.append(Candle(opened, part.open, part.high, part.low, part.close, part.lots, part.turnover))

    @property
    def last_px(self) -> int:
        """Price (ticks) of the last trade, or the close of the past."""
        return self._bars["1m"][-1].close

    def roll(self, now_ms: int) -> dict[str, list[Candle]]:
        """Opens the bars that time alone has begun (flat, volume 0). Returns what became final, per bar size."""
        ended: dict[str, list[Candle]] = {}
        for bar, candles in self._bars.items():
            last = candles[-1]
            while now_ms >= last.ts_ms + BARS_MS[bar]:
                ended.setdefault(bar, []).append(last)
                px = last.close
                last = Candle(last.ts_ms + BARS_MS[bar], px, px, px, px, 0, 0)
                candles.append(last)
        return ended

    def trade(self, px: int, lots: int) -> None:
        """A public trade, ticks and lots, inside the forming bars (`roll` first)."""
        for candles in self._bars.values():
            candles[-1].add(px, px, px, lots, px * lots)

    def forming(self, bar: str) -> Candle:
        """The bar that is not final yet."""
        return self._bars[bar][-1]

    def page(
        self, bar: str, *, after_ms: int | None, before_ms: int | None, limit: int, newest: int
    ) -> list[list[str]]:
        """Rows newest first. `after_ms`: only older than that; `before_ms`: only newer; the newest `limit` of them.

        `newest` is the reach of the call: how many bars back it can see at all.
        """
        candles = self._bars[bar][-newest:]
        last = candles[-1]
        chosen = [
            c
            for c in candles
            if (after_ms is None or c.ts_ms < after_ms) and (before_ms is None or c.ts_ms > before_ms)
        ]
        chosen = chosen[-limit:]
        return [c.row(final=c is not last) for c in reversed(chosen)]

    def minutes(self, count: int) -> list[Candle]:
        """The last `count` final minutes, oldest first."""
        return self._bars["1m"][-count - 1 : -1]
