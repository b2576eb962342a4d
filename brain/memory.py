"""What the brain remembers: candles and layer 1 by frame, layer 2, the newest tick, and how the engine stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from brain.algorithms.votes import trend_vote
from brain.candles import FrameCandles
from brain.order_flow.live import OrderFlow
from brain.order_flow.screen import AHEAD_NS
from brain.price_action.live import NO_BARS, PriceAction
from brain.price_action.trend import rate_of_change
from brain.price_action.view import PriceActionView
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
    Trade,
    TradeHistory,
)
from schemas.settings import Settings

_BARS_A_TURN: Final = 64
"""Confirmed bars that layer 1 reads in one turn: two weeks of them at once would keep a tick waiting for 0.2 s."""


class FrameMemory:
    """Candles of one frame and what layer 1 makes of them. `hole` says why that is not known; "" when it is.

    `trend` (percent, None: unknown) and its `vote` follow from the candles, the one that still forms included; `view`
    from the confirmed ones.
    """

    __slots__ = ("_lookback", "_threshold_pct", "candles", "hole", "layer", "trend", "view", "vote")

    def __init__(self, frame: str, settings: Settings) -> None:
        brain = settings.brain
        self._lookback, self._threshold_pct = brain.trend_lookback_bars, brain.trend_threshold_pct
        self.candles = FrameCandles(frame, keep=brain.history_bars)
        self.layer = PriceAction(
            settings.price_action, frame_ns=FRAME_NS[frame], trend_bars=brain.trend_lookback_bars
        )  # fmt: skip
        self.view: PriceActionView = self.layer.view
        self.hole = self.candles.hole
        self.trend: float | None = None
        self.vote = 0

    @property
    def behind(self) -> bool:
        """Are there bars that layer 1 has not read?"""
        return bool(self.candles.fresh) or self.candles.restarted

    def read(self, most: int) -> None:
        """Layer 1 reads up to `most` of the bars that it has not read."""
        candles, layer = self.candles, self.layer
        if candles.restarted:
            candles.restarted = False
            layer.reset()
        for bar in candles.take_fresh(most):
            layer.on_bar(*bar)
        if layer.unknown and layer.unknown is not NO_BARS:
            candles.hole = candles.hole or layer.unknown
        self.view = layer.view
        self.score()

    def score(self) -> None:
        """The trend, and what is not known."""
        candles = self.candles
        now, then = candles.close(0), candles.close(self._lookback)
        self.hole = candles.hole
        if not self.hole and candles.fresh:
            self.hole = f"{len(candles.fresh)} candles are still to be read"
        self.trend = None
        if not candles.hole and now is not None and then is not None:
            self.trend = rate_of_change(now, then)
        if self.trend is None and not self.hole:
            self.hole = f"the trend over {self._lookback} candles is not known, {candles.held} are held"
        self.vote = trend_vote(self.trend, self._threshold_pct)


class Scores(NamedTuple):
    """What the frames say, side by side, in the order of the settings. Never changed: a new one takes its place.

    `trends` in percent, None where unknown; `hole` says which frame has not all of its candles, "" if none.
    `until_ns`: the venue's time at which a candle of `next_due` will be missing that nobody has told.
    """

    frames: tuple[str, ...]
    trends: tuple[float | None, ...]
    votes: tuple[int, ...]
    views: tuple[PriceActionView, ...]
    hole: str
    until_ns: int
    next_due: str

    def overdue(self, exchange_ns: int) -> str:
        """Which frame's next candle has not come, and for how long, at this time of the venue."""
        return f"{self.next_due}: a candle is overdue since {(exchange_ns - self.until_ns) / NS_PER_S:.0f} s"


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
    flow: OrderFlow
    scores: Scores
    heard: Heard = field(default_factory=Heard)
    tick: MarketTick | None = None
    behind: bool = False
    """Has layer 1 something to read? `catch_up` is to be called."""
    _asked: tuple[int, int] = (0, 0)
    """Counts of trades that were begun anew, and the id after which the last list of trades was whole."""

    @classmethod
    def of(cls, settings: Settings) -> Memory:
        """An empty memory. Raises: brain.order_flow.providers.ProviderUnknown."""
        frames = {frame: FrameMemory(frame, settings) for frame in settings.brain.frames}
        flow = OrderFlow(
            settings.venue.instrument, settings.order_flow, book_levels=settings.brain.book_levels,
            window_ns=int(settings.brain.flow_window_s * NS_PER_S),
        )  # fmt: skip
        return cls(frames=frames, flow=flow, scores=_scores(frames))

    def on_tick(self, tick: MarketTick) -> None:
        """The newest tick. One whose time cannot be moves no window: a decision says so, and is made all the same."""
        self.tick = tick
        if tick.exchange_ns - tick.received_ns <= AHEAD_NS:
            self.flow.on_tick(tick)

    def on_trade(self, trade: Trade) -> None:
        """One public trade."""
        self.flow.on_trade(trade, trade.count)

    def on_trades(self, history: TradeHistory) -> None:
        """The latest trades, whole: those that are known already are dropped, and none is missing among the rest."""
        for trade in history.trades:
            self.flow.on_trade(trade, trade.count)
        first = max(1, history.since_id + 1)
        if history.trades and history.trades[-1].trade_id >= first:
            self.flow.filled(first, history.trades[-1].trade_id)
            self._asked = (self.flow.screen.chain.restarts, history.since_id)

    @property
    def trades_wanted(self) -> bool:
        """Is there a hole that the latest trades could fill? What the engine itself does not know is not asked for
        again: a list takes milliseconds to read, and the holes before it stay for as long as anybody remembers them.
        """
        holes = self.flow.holes
        restarts, since_id = self._asked
        return bool(holes) and (holes[-1].to_id > since_id or restarts != self.flow.screen.chain.restarts)

    def on_history(self, history: CandleHistory) -> None:
        """A whole history of one frame; frames that nobody asked for are ignored."""
        frame = self.frames.get(history.frame)
        if frame is not None:
            frame.candles.on_history(history)
            self._changed(frame)

    def on_candle(self, candle: Candle) -> None:
        """A live row of one frame."""
        frame = self.frames.get(candle.frame)
        if frame is not None:
            frame.candles.on_candle(candle)
            self._changed(frame)

    def _changed(self, frame: FrameMemory) -> None:
        if frame.behind:
            self.behind = True
        frame.score()
        self.scores = _scores(self.frames)

    def catch_up(self, most: int = _BARS_A_TURN) -> None:
        """Layer 1 reads confirmed bars, of each frame up to `most`."""
        for frame in self.frames.values():
            if frame.behind:
                frame.read(most)
        self.behind = any(frame.behind for frame in self.frames.values())
        self.scores = _scores(self.frames)


def _scores(frames: dict[str, FrameMemory]) -> Scores:
    each = frames.values()
    holes = [f"{name}: {frame.hole}" for name, frame in frames.items() if frame.hole]
    until_ns, next_due = min((frame.candles.until_ns, name) for name, frame in frames.items())
    return Scores(
        tuple(frames), tuple(frame.trend for frame in each), tuple(frame.vote for frame in each),
        tuple(frame.view for frame in each), holes[0] if holes else "", until_ns, next_due,
    )  # fmt: skip
