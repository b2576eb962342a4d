"""Layer 1 as the live brain holds it, for one time frame: confirmed bars in, a view out."""

from __future__ import annotations

from collections import deque
from math import isfinite
from typing import Final

from brain.price_action.layer import layer_step, new_states, parameters, row_size
from brain.price_action.layout import MARKS_SIZE
from brain.price_action.view import Mark, MarkKind, Moment, PriceActionView, read, read_marks
from schemas.settings.price_action import PriceAction as Settings

NO_BARS: Final = "no bars yet"
RECENT: Final = 50
"""Swings and breaks that are remembered for charts, the newest at the end of `recent`; no signal looks at them."""
_SHOWN: Final = frozenset({MarkKind.SWING, MarkKind.BOS, MarkKind.CHOCH})
_INF: Final = float("inf")


class PriceAction:
    """Takes confirmed bars one after the other, in order and without a hole.

    A bar that is none, or not the next, is refused; from then on the layer is UNKNOWN and refuses every bar, until
    `reset` and a whole history. Otherwise what follows would rest on a bar that nobody knows.
    Confirm lags, warm-ups and sources: in the modules of the signals.
    """

    __slots__ = ("_frame_ns", "_marks", "_now", "_p", "_row", "_settings", "_states", "_view", "recent", "unknown")

    def __init__(self, settings: Settings, *, frame_ns: int, trend_bars: int = 24) -> None:
        """`frame_ns`: length of a bar. `trend_bars`: look-back of the trend score, bars. Raises: ValueError."""
        if frame_ns <= 0:
            raise ValueError(f"frame_ns is {frame_ns}, more than 0 is needed")
        self._settings = settings
        self._frame_ns = frame_ns
        self._p = parameters(settings, trend_bars)
        self.reset()

    def reset(self) -> None:
        """Forget everything: a whole history follows."""
        self._states = new_states(self._p)
        self._marks = [0.0] * MARKS_SIZE
        self._row = [float("nan")] * row_size(self._p)
        self._now = Moment(
            i=-1, open_ns=0, close=0.0, frame_ns=self._frame_ns, nearest=self._settings.nearest,
            pool_bars=self._settings.pool_bars, swing_bars=self._settings.swing_bars,
            session_names=tuple(hours.name for hours in self._settings.hours()),
        )  # fmt: skip
        self._view: PriceActionView | None = None
        self.recent: deque[Mark] = deque(maxlen=RECENT)
        self.unknown = NO_BARS

    def on_bar(
        self, open_ns: int, bar_open: float, high: float, low: float, close: float, volume: float = 0.0
    ) -> str:  # fmt: skip
        """The next confirmed bar: opening time in ns since 1970 UTC, prices in quote currency, volume in contracts.

        Returns "", or why it was refused; `unknown` then says the same.
        """
        if self.unknown and self.unknown is not NO_BARS:
            return self.unknown
        i = self._now.i + 1
        wrong = _wrong(bar_open, high, low, close, volume)
        if not wrong and i and open_ns != self._now.open_ns + self._frame_ns:
            wrong = (
                f"{(open_ns - self._now.open_ns) / 1e9:g} s after the bar before, {self._frame_ns / 1e9:g} s expected"
            )
        self._view = None
        if wrong:
            self.unknown = f"bar {open_ns}: {wrong}; a whole history is needed"
            self._marks[0] = 0.0
            return self.unknown
        self.unknown = ""
        self._now = self._now._replace(i=i, open_ns=open_ns, close=close)
        self._marks[0] = 0.0
        layer_step(self._states, self._p, self._marks, self._row, i, open_ns, bar_open, high, low, close)
        if self._marks[0]:
            self.recent.extend(mark for mark in self.marks if mark.kind in _SHOWN)
        return ""

    @property
    def view(self) -> PriceActionView:
        """What is known after the last bar; made when it is first asked for."""
        if self._view is None:
            if self.unknown:
                self._view = PriceActionView(self.unknown)
            else:
                self._view = read(self._states, self._row, self._now)
        return self._view

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What became known with the last bar."""
        return read_marks(self._marks, self._now)


def _wrong(bar_open: float, high: float, low: float, close: float, volume: float) -> str:
    """What is wrong with the bar; "" if nothing."""
    if 0.0 < low <= bar_open <= high < _INF and low <= close <= high and 0.0 <= volume < _INF:  # NaN compares false
        return ""
    named = {"open": bar_open, "high": high, "low": low, "close": close, "volume": volume}
    for name, value in named.items():
        if not isfinite(value):
            return f"{name} is {value}"
    for name, value in named.items():
        if value < 0.0 or (value == 0.0 and name != "volume"):
            return f"{name} is {value:g}"
    if high < low:
        return f"high {high:g} is below low {low:g}"
    return f"open {bar_open:g} or close {close:g} is outside of [{low:g}, {high:g}]"
