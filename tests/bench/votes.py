"""How often each vote fires, at the default settings, on markets as they were: a threshold that never does nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from brain.algorithms.votes import combine, share_vote, trend_vote
from brain.order_flow.imbalance import book_imbalance
from brain.order_flow.pressure import TradeWindow
from brain.price_action.trend import trend_score
from schemas.clock import NS_PER_S
from schemas.messages import Candle, Side, Trade
from schemas.settings import Settings
from tests.bench.figures import NotMeasured
from tests.support.recordings import recording
from tests.support.replayed import BTC_2023, BTC_2024, candles, joined, market

TAPES = {"BTC 2023-04, 8 min": BTC_2023, "BTC 2024-07, 8 min": BTC_2024}
SERIES = {
    "BTC 5m, Jan 2023": ("btc-usdt_5m_part1.csv.gz", "5m", "5m"),
    "BTC 15m, Jan 2023": ("btc-usdt_5m_part1.csv.gz", "5m", "15m"),
    "BTC 5m, Jan 2022": ("btc-perp_1m_part1.csv.gz", "1m", "5m"),
    "BTC 15m, Jan 2022": ("btc-perp_1m_part1.csv.gz", "1m", "15m"),
    "BTC 1H, 2018 to 2020": ("btc-usd_1h_part1.csv.gz", "1H", "1H"),
}


def _recording(name: str) -> Path:
    try:
        return recording(name)
    except pytest.skip.Exception as missing:
        raise NotMeasured(str(missing)) from None


def shares(votes: Iterable[int]) -> dict[str, float]:
    """Of the time: up, down, and nothing."""
    count = Counter(votes)
    total = count.total()
    return {name: count[vote] / total for name, vote in (("up", 1), ("down", -1), ("none", 0))}


def tape_votes(paths: tuple[Path, ...], settings: Settings) -> dict[str, dict[str, float]]:
    """Votes of book and flow at each tick of a recorded market, and where both agree."""
    brain = settings.brain
    window = TradeWindow(int(brain.flow_window_s * NS_PER_S))
    book: list[int] = []
    flow: list[int] = []
    for said in market(paths, levels=brain.book_levels):
        if isinstance(said, Trade):
            window.add(said.exchange_ns, said.size, bought=said.side is Side.BUY)
            continue
        window.advance(said.exchange_ns)
        imbalance = book_imbalance(said.bid_sizes, said.ask_sizes, brain.book_levels)
        book.append(share_vote(imbalance, brain.book_threshold))
        flow.append(share_vote(window.pressure(), brain.flow_threshold))
    both = [combine(pair, 2) for pair in zip(book, flow, strict=True)]
    return {"book": shares(book), "flow": shares(flow), "book and flow": shares(both)}


def trend_votes(bars: Sequence[Candle], settings: Settings) -> dict[str, float]:
    """Votes of the trend at the end of each candle."""
    brain = settings.brain
    closes = [bar.close for bar in bars]
    look = brain.trend_lookback_bars
    scores = (trend_score(closes[end - look - 1 : end], look) for end in range(look + 1, len(closes) + 1))
    return shares(trend_vote(score, brain.trend_threshold_pct) for score in scores)


def votes() -> dict[str, Any]:
    """Measure and print it, in percent of the time."""
    found = all_votes(Settings())
    print(f"\nvotes at the default thresholds, percent of the time\n  {'':<44}{'up':>8}{'down':>8}{'none':>8}")
    for name, each in found.items():
        print(f"  {name:<44}" + "".join(f"{100 * each[side]:>8.1f}" for side in ("up", "down", "none")))
    return found


def all_votes(settings: Settings) -> dict[str, dict[str, float]]:
    """Of every recording. Raises: NotMeasured where one is not there."""
    found: dict[str, dict[str, float]] = {}
    for name, files in TAPES.items():
        paths = tuple(_recording(f"book-trade-streams/{file}") for file in files)
        found |= {f"{what}: {name}": votes for what, votes in tape_votes(paths, settings).items()}
    for name, (file, recorded, frame) in SERIES.items():
        bars = candles(_recording(f"ohlcv/{file}"), recorded)
        found[f"trend: {name}"] = trend_votes(bars if frame == recorded else joined(bars, frame), settings)
    return found
