"""The synthetic market, the candles and the recordings."""

from __future__ import annotations

import gzip
from collections import deque
from itertools import groupby, pairwise
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.config import DEFAULT_SEED
from engine.exchange.market.candles import BARS_MS, MINUTE_MS, Candle, CandleStore, open_time
from engine.exchange.market.events import Batch, MarketSource
from engine.exchange.market.history import HISTORY_MINUTES, synthesise
from engine.exchange.market.recording import Recording, RecordingError
from engine.exchange.market.synthetic import START_PX, STEP_NS, SyntheticMarket
from tests.support.recordings import recording

S = 1_000_000_000
NOW_MS = 1_721_347_020_000


class Mirror:
    """Keeps the book and the last 30 s of trades of a market source."""

    def __init__(self, source: MarketSource) -> None:
        bids, asks = source.opening()
        self.bids = {level.px: level.lots for level in bids}
        self.asks = {level.px: level.lots for level in asks}
        self.trades: deque[tuple[int, str, int]] = deque()

    def apply(self, batch: Batch) -> None:
        for printed in batch.prints:
            self.trades.append((batch.at_ns, printed.side, printed.lots))
        for change in batch.changes:
            side = self.bids if change.side == "buy" else self.asks
            if change.lots:
                side[change.px] = change.lots
            else:
                side.pop(change.px, None)

    def shares(self, now_ns: int) -> tuple[float, float]:
        bids = sum(self.bids[px] for px in sorted(self.bids, reverse=True)[:5])
        asks = sum(self.asks[px] for px in sorted(self.asks)[:5])
        while self.trades and self.trades[0][0] <= now_ns - 30 * S:
            self.trades.popleft()
        volume = sum(lots for _, _, lots in self.trades) or 1
        bought = sum(lots for _, side, lots in self.trades if side == "buy")
        return bids / (bids + asks), bought / volume


def vote(value: float, above: float, below: float) -> int:
    return (value > above) - (value < below)


def test_the_default_seed_gives_a_clear_direction_several_times_in_the_first_minute() -> None:
    past = synthesise(DEFAULT_SEED, START_PX)
    trends = set()
    for minute in range(0, 60, 7):  # whatever the wall time is when it starts
        store = CandleStore(past, NOW_MS + minute * MINUTE_MS)
        for bar in ("5m", "15m"):
            closes = [c.close for c in store._bars[bar]]
            trends.add(vote(closes[-1] / closes[-25] - 1, 0.01, -0.01))
    assert trends == {1}

    market = SyntheticMarket(DEFAULT_SEED)
    mirror, votes, prices = Mirror(market), [], []
    for tenth in range(1, 1200):
        for batch in market.due(tenth * S // 10):
            mirror.apply(batch)
        book, pressure = mirror.shares(tenth * S // 10)
        total = 1 + vote(book, 0.6, 0.4) + vote(pressure, 0.6, 0.4)
        votes.append(1 if total >= 2 else -1 if total <= -2 else 0)
        prices.append(max(mirror.bids))
    runs = [len(list(run)) for sign, run in groupby(votes[:600]) if sign == 1]
    assert sum(run >= 20 for run in runs) >= 3  # at least 2 s long, three times
    assert -1 not in votes[:600]
    for start in (0, 599):
        assert 2 < (prices[start + 599] / prices[start] - 1) * 1e4 < 12  # bps in a minute


@pytest.mark.parametrize("seed", [0, 1, DEFAULT_SEED])
def test_the_market_is_a_function_of_seed_and_step_however_it_is_asked(seed: int) -> None:
    at_once = list(SyntheticMarket(seed).due(20 * S))
    in_pieces = SyntheticMarket(seed)
    assert [b for t in range(0, 20 * S + 1, 37 * STEP_NS) for b in in_pieces.due(t)] == [
        b for b in at_once if b.at_ns <= 20 * S // (37 * STEP_NS) * 37 * STEP_NS
    ]
    assert at_once != list(SyntheticMarket(seed + 1).due(20 * S))


@settings(deadline=None, max_examples=8)
@given(st.integers(0, 2**32))
def test_any_seed_makes_a_plausible_market(seed: int) -> None:
    market = SyntheticMarket(seed)
    mirror, prints, tight, looks = Mirror(market), 0, 0, 0
    for batch in market.due(30 * S):
        for printed in batch.prints:
            assert printed.lots > 0
            prints += 1
        mirror.apply(batch)
        bid, ask = max(mirror.bids), min(mirror.asks)
        assert bid < ask
        tight, looks = tight + (ask - bid == 1), looks + 1
    assert len(mirror.bids) >= 400 <= len(mirror.asks)
    assert tight > 0.8 * looks
    assert 0.5 < prints / 30 < 60


def test_the_past_is_continuous_and_ends_at_the_live_price() -> None:
    past = synthesise(3, START_PX)
    assert len(past) == HISTORY_MINUTES
    assert past[-1].close == START_PX
    assert all(a.close == b.open for a, b in pairwise(past))
    assert all(m.low <= min(m.open, m.close) <= max(m.open, m.close) <= m.high and m.lots > 0 for m in past)


trades = st.lists(st.tuples(st.integers(0, 400_000), st.integers(639_000, 641_000), st.integers(1, 999)), max_size=40)


@settings(deadline=None, max_examples=20)
@given(trades, st.integers(0, 1440))
def test_every_bar_is_the_sum_of_its_minutes(events: list[tuple[int, int, int]], start_minute: int) -> None:
    now = NOW_MS + start_minute * MINUTE_MS
    store = CandleStore(synthesise(5, START_PX, 3000), now)
    for wait_ms, px, lots in events:
        now += wait_ms
        store.roll(now)
        store.trade(px, lots)
    minutes = store._bars["1m"]
    for bar, candles in store._bars.items():
        members: dict[int, list[Candle]] = {}
        for minute in minutes:
            members.setdefault(open_time(bar, minute.ts_ms), []).append(minute)
        for candle in candles:
            parts = members[candle.ts_ms]
            assert (candle.open, candle.close) == (parts[0].open, parts[-1].close)
            assert (candle.high, candle.low) == (max(m.high for m in parts), min(m.low for m in parts))
            assert (candle.lots, candle.turnover) == (sum(m.lots for m in parts), sum(m.turnover for m in parts))
        opened = [candle.ts_ms for candle in candles]
        assert opened == list(range(opened[0], opened[-1] + 1, BARS_MS[bar]))


def test_pages_come_newest_first_after_is_older_and_only_the_last_row_is_not_final() -> None:
    store = CandleStore(synthesise(5, START_PX, 600), NOW_MS)
    rows = store.page("5m", after_ms=None, before_ms=None, limit=3, newest=1440)
    stamps = [int(row[0]) for row in rows]
    assert stamps == [open_time("5m", NOW_MS) - i * BARS_MS["5m"] for i in range(3)]
    assert [row[8] for row in rows] == ["0", "1", "1"]
    older = store.page("5m", after_ms=stamps[2], before_ms=None, limit=1, newest=1440)
    assert int(older[0][0]) == stamps[2] - BARS_MS["5m"]
    newer = store.page("5m", after_ms=None, before_ms=stamps[1], limit=100, newest=1440)
    assert [row[0] for row in newer] == [rows[0][0]]


def test_there_are_1500_five_minute_candles_at_the_start() -> None:
    assert len(CandleStore(synthesise(DEFAULT_SEED, START_PX), NOW_MS)._bars["5m"]) > 1500


def _recording(tmp_path: Path, *messages: dict[str, object]) -> Path:
    path = tmp_path / "made.gz"
    lines = [b"%d %s" % (1_680_652_700_000_000 + i * 1000, orjson.dumps(m)) for i, m in enumerate(messages)]
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    return path


def _diff(first: int, last: int, previous: int, bids: list[list[str]]) -> dict[str, object]:
    return {"data": {"e": "depthUpdate", "U": first, "u": last, "pu": previous, "b": bids, "a": []}}


SNAPSHOT: dict[str, object] = {"lastUpdateId": 10, "bids": [["100.00", "1.000"]], "asks": [["100.10", "2.000"]]}


def test_a_recording_joins_its_snapshot_and_tells_its_end_once(tmp_path: Path) -> None:
    told: list[str] = []
    path = _recording(
        tmp_path,
        _diff(1, 8, 0, [["99.00", "9.000"]]),
        _diff(9, 11, 8, [["100.00", "0.005"]]),
        SNAPSHOT,
        _diff(12, 15, 11, [["99.90", "0.000"]]),
    )
    source = Recording((path,), 1.0, told.append)
    assert source.opening() == ([(1000, 10_000, 1)], [(1001, 20_000, 1)])
    batches = list(source.due(S))
    assert [batch.changes for batch in batches] == [(("buy", 1000, 50, 1),), (("buy", 999, 0, 0),)]
    assert list(source.due(2 * S)) == []
    assert len(told) == 1


@pytest.mark.parametrize(
    ("messages", "word"),
    [
        ([_diff(1, 2, 0, [])], "snapshot"),
        ([SNAPSHOT, _diff(12, 13, 11, [])], "after the snapshot"),
    ],
)
def test_a_recording_that_does_not_hold_together_is_refused(
    tmp_path: Path, messages: list[dict[str, object]], word: str
) -> None:
    with pytest.raises(RecordingError, match=word):
        Recording((_recording(tmp_path, *messages),), 1.0, lambda _: None)


def test_a_gap_inside_a_recording_ends_the_feed_and_is_named(tmp_path: Path) -> None:
    told: list[str] = []
    path = _recording(tmp_path, SNAPSHOT, _diff(9, 11, 8, [["99.00", "1.000"]]), _diff(13, 14, 12, [["98.00", "1.0"]]))
    assert len(list(Recording((path,), None, told.append).due(0))) == 1
    assert told == ["gap: the diff after 11 says that it follows 12"]


def test_the_real_recording_plays_without_a_gap_or_a_crossed_book() -> None:
    path = recording("book-trade-streams/binance_usdm_btcusdt_20240718.gz")
    told: list[str] = []
    source = Recording((path,), 1.0, told.append)
    mirror, prints = Mirror(source), 0
    for batch in source.due(10_000 * S):
        mirror.apply(batch)
        prints += len(batch.prints)
        assert not batch.changes or max(mirror.bids) < min(mirror.asks)
    assert told == ["the recording has ended"]
    assert prints > 100
