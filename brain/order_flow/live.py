"""Layer 2 of the live brain, for one instrument: ticks and trades in, scores and a view out.

Deterministic in what it is told: no clock, no order of hashing. The same ticks and trades in the same order give the
same scores, to the bit; snapshots for the screen have no part in them.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Any, NamedTuple

from brain.order_flow.absorption import Absorption, Absorptions
from brain.order_flow.cvd import SETTLE_NS
from brain.order_flow.footprint import FootprintBar, FormingFootprint, footprint_bars
from brain.order_flow.imbalance import book_imbalance, weighted_imbalance, why_unknown
from brain.order_flow.large import EwmaYardstick, LargeTrade, LargeTrades, QuantileYardstick
from brain.order_flow.pressure import TradeWindow, VolumeWindow
from brain.order_flow.providers import CvdSnapshot, Guard, HeatmapSnapshot, load
from brain.order_flow.screen import TradeScreen
from brain.order_flow.trade_chain import Hole
from brain.order_flow.units import units_of
from schemas.messages import FRAME_NS, MarketTick, Side, Trade
from schemas.settings.order_flow import OrderFlow as OrderFlowSettings

Unknown = tuple[tuple[str, str], ...]
"""Part and reason, as in messages.UnknownLayer."""
IMBALANCE, PRESSURE = "order_flow.imbalance", "order_flow.pressure"
CVD, HEATMAP = "order_flow.cvd", "order_flow.heatmap"


class FlowScores(NamedTuple):
    """What layer 2 votes with. `imbalance`: bid share of resting size; `pressure`: buy share of traded volume; both in
    [0, 1], None where unknown. `unknown` says why of these two, () in the good case."""

    imbalance: float | None
    pressure: float | None
    unknown: Unknown
    fault: str = ""
    """What is wrong with the input, "" if nothing: a market without trades is unknown, and no fault."""


class FlowView(NamedTuple):
    """For the screen and for filters; nothing votes with it. `cvd` is None where it is unknown or switched off.

    `footprint`: the running bar. `counters`: trades that were refused or came too late. `unknown`: parts and reasons.
    """

    cvd: CvdSnapshot | None
    large: LargeTrade | None
    absorption: Absorption | None
    footprint: FootprintBar | None
    counters: dict[str, int]
    unknown: Unknown


class OrderFlow:
    """Layer 2. on_tick(), on_trade(), advance() and filled() take what comes in; the rest only reads."""

    def __init__(self, instrument: str, settings: OrderFlowSettings, *, book_levels: int, window_ns: int) -> None:
        """`book_levels` and `window_ns` from the settings of the brain.

        Raises: ProviderUnknown, if a provider is named that is not installed; ValueError for levels or a window < 1.
        """
        if book_levels < 1:
            raise ValueError(f"book_levels is {book_levels}, at least 1 is needed")
        self.instrument, self.settings = instrument, settings
        self.screen = TradeScreen()
        self._levels = book_levels
        self._scale_bps = settings.book_scale_bps if settings.book_weighting == "distance" else None
        self._window: TradeWindow | VolumeWindow = (
            TradeWindow(window_ns) if settings.flow_window == "time" else VolumeWindow(settings.flow_window_contracts)
        )
        frame_ns = FRAME_NS[settings.frame]
        self._footprints = footprint_bars(
            frame_ns, settle_ns=SETTLE_NS, bucket_bps=settings.bucket_bps, bucket_price=settings.bucket_price
        )
        self._final: deque[FormingFootprint] = deque(maxlen=settings.keep_bars)
        self._large = LargeTrades(
            EwmaYardstick(settings.large_multiple, settings.large_trades)
            if settings.large_by == "multiple"
            else QuantileYardstick(settings.large_quantile, settings.large_trades)
        )
        self._absorptions = Absorptions(
            multiple=settings.absorption_multiple, span=settings.absorption_bars, through=settings.absorption_through,
            frame_ns=frame_ns,
        )  # fmt: skip
        self.cvd: Guard[CvdSnapshot] = load("cvd", settings, instrument)
        self.heatmap: Guard[HeatmapSnapshot] = load("heatmap", settings, instrument)
        self._scored: MarketTick | None = None
        self._scores = FlowScores(None, None, ())

    # what comes in

    def on_tick(self, tick: MarketTick) -> None:
        """The newest tick."""
        self.cvd.on_tick(tick)
        self.heatmap.on_tick(tick)
        self.advance(tick.exchange_ns)

    def on_trade(self, trade: Trade, count: int = 0) -> bool:
        """One public trade; `count`: fills that it stands for, the last of them `trade.trade_id`, 0: not said.

        False: it is no trade, or was counted before; `screen` says why.
        """
        if not self.screen.admit(trade, count):
            return False
        when, price, trade_id = trade.exchange_ns, trade.price, trade.trade_id
        units, bought = units_of(trade.size), trade.side is Side.BUY
        self._scored = None
        self._window.put(when, units, bought, trade_id)
        self._large.add(trade_id, when, trade.side, price, trade.size)
        self._footprints.add(when, price, units, bought, trade_id)
        if done := self._footprints.advance(when):
            self._close(done)
        self.cvd.on_trade(trade)
        self.heatmap.on_trade(trade)
        return True

    def advance(self, exchange_ns: int) -> None:
        """The venue's clock is at least here."""
        self._scored = None
        self._window.advance(exchange_ns)
        if done := self._footprints.advance(exchange_ns):
            self._close(done)

    def filled(self, from_id: int, to_id: int) -> None:
        """The venue was asked for these trades, both included, and has no more of them than on_trade() was given.

        Raises: ValueError if the span is empty.
        """
        self._scored = None
        self.screen.chain.filled(from_id, to_id)

    def _close(self, bars: tuple[FormingFootprint, ...]) -> None:
        for bar in bars:
            self._final.append(bar)
            self._absorptions.close(bar)

    # what is known

    @property
    def holes(self) -> tuple[Hole, ...]:
        """Trades that are missing, oldest first."""
        return self.screen.chain.holes

    def scores(self, tick: MarketTick) -> FlowScores:
        """Of this book, and of the trades so far."""
        if self._scored is tick:
            return self._scores
        imbalance, pressure = self._imbalance(tick), self._window.pressure()
        hole = self.screen.chain.hole_after(self._window.begins_ns) if self.screen.chain.holes else None
        if hole is not None:
            pressure = None
        unknown: Unknown = ()
        fault = ""
        if imbalance is None:
            fault = self._why_no_imbalance(tick)
            unknown += ((IMBALANCE, fault),)
        if hole is not None:
            fault = fault or _missing(hole)
            unknown += ((PRESSURE, _missing(hole)),)
        elif pressure is None:
            unknown += ((PRESSURE, self._window.why_unknown()),)
        self._scored, self._scores = tick, FlowScores(imbalance, pressure, unknown, fault)
        return self._scores

    def _imbalance(self, tick: MarketTick) -> float | None:
        if not tick.book_valid or not 0 < tick.bid_price < tick.ask_price < inf:  # NaN compares false
            return None
        if self._scale_bps is None:
            return book_imbalance(tick.bid_sizes, tick.ask_sizes, self._levels)
        return weighted_imbalance(
            tick.bid_prices, tick.bid_sizes, tick.ask_prices, tick.ask_sizes, levels=self._levels,
            scale_bps=self._scale_bps,
        )  # fmt: skip

    def _why_no_imbalance(self, tick: MarketTick) -> str:
        if not tick.book_valid:
            return "the engine does not trust its book"
        if tick.bid_price >= tick.ask_price:
            return f"the book is crossed: bid {tick.bid_price:g}, ask {tick.ask_price:g}"
        if tick.bid_sizes and tick.ask_sizes and not 0 < tick.bid_price < tick.ask_price < inf:
            return f"the touch is no price: bid {tick.bid_price:g}, ask {tick.ask_price:g}"
        prices: tuple[Any, Any] = ((), ()) if self._scale_bps is None else (tick.bid_prices, tick.ask_prices)
        return why_unknown(tick.bid_sizes, tick.ask_sizes, self._levels, *prices)

    def view(self, now_ns: int) -> FlowView:
        """For the screen; `now_ns`: the venue's time. Tens of microseconds: not for each tick."""
        cvd, why_no_cvd = self._known_cvd(now_ns)
        unknown: Unknown = ((CVD, why_no_cvd),) if why_no_cvd else ()
        if self.heatmap.failed:
            unknown += ((HEATMAP, self.heatmap.why_off),)
        counters = {f"refused_{why}": count for why, count in self.screen.refused.items()}
        counters |= {"late_pressure": self._window.dropped, "late_footprint": self._footprints.late}
        return FlowView(
            cvd, self._large.last, self._absorptions.last, self._footprint(), counters, unknown
        )  # fmt: skip

    def _footprint(self) -> FootprintBar | None:
        bar = self._footprints.running
        return None if bar is None else bar.frozen()

    def footprints(self) -> tuple[FootprintBar, ...]:
        """The last final bars, oldest first."""
        return tuple(bar.frozen() for bar in self._final)

    def complaints(self) -> tuple[str, ...]:
        """What is to be logged of providers, each once."""
        return tuple(text for guard in (self.cvd, self.heatmap) if (text := guard.complaint()))

    def _known_cvd(self, now_ns: int) -> tuple[CvdSnapshot | None, str]:
        snapshot = self.cvd.snapshot(now_ns)
        if snapshot is None:
            if self.cvd.failed:
                return None, self.cvd.why_off
            return None, "" if self.cvd.why_off else "no trade in this session yet"
        hole = self.screen.chain.hole_after(snapshot.session_ns)
        return (snapshot, "") if hole is None else (None, _missing(hole))


def _missing(hole: Hole) -> str:
    which = f"trade {hole.to_id} is" if hole.from_id == hole.to_id else f"trades {hole.from_id} to {hole.to_id} are"
    return f"{which} missing"
