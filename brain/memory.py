"""What the brain remembers: candles by frame, the trades of the window, the newest tick, and how the engine stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from brain.algorithms.votes import trend_vote
from brain.order_flow.pressure import TradeWindow
from brain.price_action.trend import trend_score
from schemas.clock import NS_PER_S
from schemas.messages import (
    FRAME_NS,
    AccountState,
    Candle,
    CandleHistory,
    EngineState,
    MarketTick,
    OrdersState,
    PositionsState,
    Side,
    Trade,
)
from schemas.settings.tree import Brain

KEEP = 600
"""Candles kept a frame."""


class FrameMemory:
    """Candles of one frame, oldest first, the last one perhaps still forming. `hole` says what is missing.

    `trend` (percent, None: unknown) and its `vote` follow from the candles, and are computed when one changes.
    """

    __slots__ = ("_length_ns", "_lookback", "_opens", "_threshold_pct", "closes", "hole", "trend", "vote")

    def __init__(self, frame: str, *, lookback: int, threshold_pct: float) -> None:
        self._length_ns = FRAME_NS[frame]
        self._lookback = lookback
        self._threshold_pct = threshold_pct
        self._opens: list[int] = []
        self.closes: list[float] = []
        self.hole = "no history yet"
        self.trend: float | None = None
        self.vote = 0

    def on_history(self, history: CandleHistory) -> None:
        """The confirmed candles, whole: they replace what is held, but for a newer one that still forms."""
        forming = (self._opens[-1], self.closes[-1]) if self._opens else None
        self._opens = [candle.open_ns for candle in history.candles]
        self.closes = [candle.close for candle in history.candles]
        steps = {later - earlier for earlier, later in pairwise(self._opens)}
        self.hole = "" if steps <= {self._length_ns} else "the history has a hole"
        if forming is not None and self._opens and forming[0] == self._opens[-1] + self._length_ns:
            self._opens.append(forming[0])
            self.closes.append(forming[1])
        self._score()

    def on_candle(self, candle: Candle) -> None:
        """A live row: the newest is replaced or followed; older ones are the history's affair."""
        if not self._opens or candle.open_ns < self._opens[-1]:
            return
        if candle.open_ns == self._opens[-1]:
            self.closes[-1] = candle.close
        else:
            if candle.open_ns != self._opens[-1] + self._length_ns:
                self.hole = "a candle is missing"
            self._opens.append(candle.open_ns)
            self.closes.append(candle.close)
            del self._opens[:-KEEP], self.closes[:-KEEP]
        self._score()

    def _score(self) -> None:
        self.trend = None if self.hole else trend_score(self.closes, self._lookback)
        self.vote = trend_vote(self.trend, self._threshold_pct)


class Scores(NamedTuple):
    """What the frames say, side by side, in the order of the settings. Never changed: a new one takes its place.

    `trends` in percent, None where unknown; `hole` says which frame has not all of its candles, "" if none.
    """

    frames: tuple[str, ...]
    trends: tuple[float | None, ...]
    votes: tuple[int, ...]
    hole: str


@dataclass(slots=True)
class Heard:
    """The engine's last words, and when they were heard (monotonic ns)."""

    engine: EngineState | None = None
    engine_ns: int = 0
    orders: OrdersState | None = None
    orders_ns: int = 0
    positions: PositionsState | None = None
    positions_ns: int = 0
    account: AccountState | None = None
    account_ns: int = 0

    def unknown(self, now_ns: int, limit_ns: int) -> str:
        """Which state is missing or too old; "" when all are known."""
        oldest_ns = min(self.engine_ns, self.orders_ns, self.positions_ns, self.account_ns)
        if oldest_ns and now_ns - oldest_ns <= limit_ns:  # the plain case, on the hot path
            return ""
        for name in ("engine", "orders", "positions", "account"):
            heard_ns = getattr(self, f"{name}_ns")
            if not heard_ns:
                return f"state.{name} not heard yet"
            if now_ns - heard_ns > limit_ns:
                return f"state.{name} is {(now_ns - heard_ns) / NS_PER_S:.1f} s old"
        return ""


@dataclass(slots=True)
class Memory:
    """All of it. Methods take what came in; nothing here decides."""

    frames: dict[str, FrameMemory]
    trades: TradeWindow
    scores: Scores
    heard: Heard = field(default_factory=Heard)
    tick: MarketTick | None = None

    @classmethod
    def of(cls, settings: Brain) -> Memory:
        """An empty memory."""
        window_ns = int(settings.flow_window_s * NS_PER_S)
        lookback, threshold_pct = settings.trend_lookback_bars, settings.trend_threshold_pct
        frames = {
            frame: FrameMemory(frame, lookback=lookback, threshold_pct=threshold_pct) for frame in settings.frames
        }
        return cls(frames=frames, trades=TradeWindow(window_ns), scores=_scores(frames))

    def on_tick(self, tick: MarketTick) -> None:
        """The newest tick."""
        self.tick = tick
        self.trades.advance(tick.exchange_ns)

    def on_trade(self, trade: Trade) -> None:
        """One public trade."""
        if trade.side is not Side.NONE:
            self.trades.add(trade.exchange_ns, trade.size, bought=trade.side is Side.BUY)

    def on_history(self, history: CandleHistory) -> None:
        """A whole history of one frame; frames that nobody asked for are ignored."""
        if history.frame in self.frames:
            self.frames[history.frame].on_history(history)
            self.scores = _scores(self.frames)

    def on_candle(self, candle: Candle) -> None:
        """A live row of one frame."""
        if candle.frame in self.frames:
            self.frames[candle.frame].on_candle(candle)
            self.scores = _scores(self.frames)


def _scores(frames: dict[str, FrameMemory]) -> Scores:
    each = frames.values()
    holes = [f"{name}: {frame.hole}" for name, frame in frames.items() if frame.hole]
    return Scores(
        tuple(frames), tuple(frame.trend for frame in each), tuple(frame.vote for frame in each),
        holes[0] if holes else "",
    )  # fmt: skip
