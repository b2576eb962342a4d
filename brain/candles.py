"""The candles of one time frame as the brain holds them: confirmed ones without a hole, then what still forms.

Rows may be missing, late, doubled, out of order or nonsense. What cannot be mended by the next row is a `hole`, and the
history that the engine tells on demand mends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from math import isfinite
from typing import Final, NamedTuple

from schemas.clock import NS_PER_S
from schemas.messages import FRAME_NS, Candle, CandleHistory

_MARGIN: Final = 256
"""Bars held beyond those wanted: they are cut at once, not one at a time."""

_LATE_NS: Final = 60 * NS_PER_S
"""After its beginning: so long, and no longer than itself, a bar's first row may take. A feed that is silent leaves the
trend as it was."""


class Bar(NamedTuple):
    """One candle: start in ns since 1970 UTC, prices in quote currency, volume in contracts."""

    open_ns: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def bar_of(candle: Candle) -> Bar:
    """The numbers of a candle."""
    return Bar(candle.open_ns, candle.open, candle.high, candle.low, candle.close, candle.volume)


def problem_with(bar: Bar, length_ns: int) -> str:
    """Why a bar is no bar; "" when it is one."""
    if bar.open_ns < 0 or bar.open_ns % length_ns:
        return f"it begins at {bar.open_ns} ns, which is no start of a candle"
    if not all(map(isfinite, bar)) or bar.low <= 0 or bar.volume < 0:
        return f"open {bar.open}, high {bar.high}, low {bar.low}, close {bar.close}, volume {bar.volume}"
    if not bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high:
        return f"open {bar.open} and close {bar.close} are not between low {bar.low} and high {bar.high}"
    return ""


class FrameCandles:
    """`hole` says what is missing, "" when nothing is. `confirmed`: oldest first, without a hole.

    `ended`: a bar whose final row has not come, though the next one has begun. `forming`: the newest bar. Whoever
    follows the confirmed bars takes them from `fresh`, after starting anew where `restarted` says so.
    """

    __slots__ = (
        "_keep",
        "_length_ns",
        "confirmed",
        "doubled",
        "ended",
        "forming",
        "frame",
        "fresh",
        "hole",
        "late",
        "refused",
        "restarted",
    )  # fmt: skip

    def __init__(self, frame: str, *, keep: int) -> None:
        self.frame = frame
        self._length_ns = FRAME_NS[frame]
        self._keep = keep
        self.confirmed: list[Bar] = []
        self.ended: Bar | None = None
        self.forming: Bar | None = None
        self.fresh: list[Bar] = []
        self.restarted = False
        self.hole = "no history yet"
        self.late = self.doubled = self.refused = 0

    def on_history(self, history: CandleHistory) -> None:
        """Confirmed candles, oldest first: they begin the memory, mend its holes, or reach further back.

        Of a history that has a hole itself only what comes after it is taken.
        """
        bars = [bar_of(candle) for candle in history.candles]
        wrong = next(((bar, text) for bar in bars if (text := problem_with(bar, self._length_ns))), None)
        if wrong is not None:
            self.refused += 1
            self.hole = self.hole or f"the history has a wrong candle: {wrong[1]}"
            return
        steps = [later.open_ns - earlier.open_ns for earlier, later in pairwise(bars)]
        if not bars or any(step <= 0 for step in steps):
            self.hole = self.hole or "the history is empty, or out of order"
            return
        holes = [number for number, step in enumerate(steps, 1) if step != self._length_ns]
        if holes:  # the venue itself has none there: what follows is whole
            bars = bars[holes[-1] :]
        held = self.confirmed
        if held and not self.hole and held[0].open_ns <= bars[0].open_ns:
            self._append(bar for bar in bars if bar.open_ns > held[-1].open_ns)
        else:
            after = [bar for bar in held if not self.hole and bar.open_ns > bars[-1].open_ns]
            self.confirmed, self.fresh, self.restarted = bars[-self._keep :], bars[-self._keep :], True
            self.hole = ""
            self._append(after)
        self._settle()

    def on_candle(self, candle: Candle) -> None:
        """A live row."""
        bar = bar_of(candle)
        if wrong := problem_with(bar, self._length_ns):
            self.refused += 1
            self.hole = f"a candle is wrong: {wrong}"
            return
        if not self.confirmed:
            self.forming = None if candle.confirmed else bar
            return
        after = (bar.open_ns - self.confirmed[-1].open_ns) // self._length_ns
        if after <= 0:
            self.doubled += bar == self.confirmed[-1]
            self.late += bar != self.confirmed[-1]
        elif after > 2 or (after == 2 and candle.confirmed):
            self.hole = "a candle is missing"
            self.ended, self.forming = None, None if candle.confirmed else bar
        elif candle.confirmed:
            self._append([bar])
        elif after == 2:
            if self.forming is not None and self.forming.open_ns < bar.open_ns:
                self.ended = self.forming
            self.forming = bar
        elif self.forming is not None and self.forming.open_ns > bar.open_ns + self._length_ns:
            self.forming = bar  # what lay farther ahead stood against every history; a true one shows itself again
            self.hole = self.hole or "a candle is missing"
        elif self.forming is not None and self.forming.open_ns > bar.open_ns:
            self.ended, self.late = bar, self.late + 1
        else:
            self.forming = bar
        self._settle()

    def _append(self, bars: Iterable[Bar]) -> None:
        """Bars that follow, each the next one."""
        for bar in bars:
            if bar.open_ns != self.confirmed[-1].open_ns + self._length_ns:
                self.hole = "a candle is missing"
                return
            self.confirmed.append(bar)
            self.fresh.append(bar)
        if len(self.confirmed) > self._keep + _MARGIN:
            del self.confirmed[: -self._keep]

    def _settle(self) -> None:
        """What has been confirmed forms no more; a bar between the two must have shown itself."""
        last_ns = self.confirmed[-1].open_ns
        if self.ended is not None and self.ended.open_ns <= last_ns:
            self.ended = None
        if self.forming is None:
            return
        after = (self.forming.open_ns - last_ns) // self._length_ns
        if after <= 0:
            self.forming = None
        elif after > 2 or (after == 2 and self.ended is None):
            self.hole = "a candle is missing"

    @property
    def until_ns(self) -> int:
        """By when, on the venue's clock, the bar after the newest one must have shown itself; 0 before the first."""
        newest = self.forming or self.ended or (self.confirmed[-1] if self.confirmed else None)
        return 0 if newest is None else newest.open_ns + self._length_ns + min(self._length_ns, _LATE_NS)

    @property
    def held(self) -> int:
        """Bars that `close` reaches."""
        return len(self.confirmed) + sum(bar is not None for bar in (self.forming, self.ended))

    def close(self, back: int) -> float | None:
        """The close `back` bars before the newest, which may still form; None where it is not held.

        Raises: ValueError if back < 0.
        """
        if back < 0:
            raise ValueError(f"back is {back}, a bar that is to come is not known")
        newest = [bar.close for bar in (self.forming, self.ended) if bar is not None]
        if back < len(newest):
            return newest[back]
        place = back - len(newest)
        return self.confirmed[-1 - place].close if place < len(self.confirmed) else None

    def take_fresh(self, most: int) -> list[Bar]:
        """Up to `most` confirmed bars that nobody has taken yet, oldest first."""
        taken, self.fresh = self.fresh[:most], self.fresh[most:]
        return taken
