"""When the next frame may be painted: after the terminal's answer to the last one. Pure: time is handed in.

Each frame that wrote something ends with a question to the terminal. No further frame is written before the answer, so
that at most one is on its way, and what is on the screen is never older than that. An answer that does not come is
counted, and waited for no longer than `PATIENCE_NS`. How long the answers take decides how much is sent. A terminal
that has never answered is asked no more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from schemas.clock import NS_PER_MS, NS_PER_S

PATIENCE_NS: Final = 2 * NS_PER_S
SLOW_FPS: Final = 2.5
SLOW_BYTES_PER_S: Final = 15_000
"""A little less than the 16 kB/s that a slow link is to carry: keys cause frames, too."""
_TOO_LATE_MS: Final = 400.0
_SOON_MS: Final = 250.0
_TOO_NARROW: Final = 6_000.0
_WIDE: Final = 14_000.0
_SAMPLES: Final = 9
_ENOUGH: Final = 5
_GAUGE_NS: Final = 2 * NS_PER_S


class Level(StrEnum):
    """How much the link carries."""

    FAST = "fast"
    SLOW = "slow"


class LinkMode(StrEnum):
    """What the operator chose."""

    AUTO = "auto"
    FAST = "fast"
    SLOW = "slow"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """The link to the terminal. `rtt_ms` None: it answers nothing. `dropped`: answers that did not come in time."""

    rtt_ms: float | None
    level: Level
    fps: float
    bytes_per_s: float
    dropped: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame that was answered."""

    rtt_ms: float
    size: int


def judge(level: Level, samples: Iterable[Sample], base_ms: float) -> Level:
    """The level that the last frames speak for; between the thresholds it stays as it is.

    `base_ms`: what an answer takes at the least; the rest is the time that the bytes took.
    """
    known = tuple(samples)
    if len(known) < _ENOUGH:
        return level
    late = median(sample.rtt_ms for sample in known)
    spent_ms = sum(max(0.0, sample.rtt_ms - base_ms) for sample in known)
    width = sum(sample.size for sample in known) * 1_000 / spent_ms if spent_ms > 0 else float("inf")
    if late > _TOO_LATE_MS or width < _TOO_NARROW:
        return Level.SLOW
    if late < _SOON_MS and width > _WIDE:
        return Level.FAST
    return level


class Pacer:
    """The frames of one screen. `fps`: the most that are painted a second. All times are monotonic ns."""

    def __init__(self, *, fps: float, mode: LinkMode = LinkMode.AUTO) -> None:
        self._mode = mode
        self._fps = fps
        self._level = Level.SLOW if mode is LinkMode.SLOW else Level.FAST
        self._heard = False
        self._deaf = False
        self._asked_ns: int | None = None
        self._asked_bytes = 0
        self._last_ns: int | None = None
        self._free_ns = 0
        self._frames: deque[tuple[int, int]] = deque()
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)
        self._recent_ms: deque[float] = deque(maxlen=64)
        self._dropped = 0

    @property
    def waits(self) -> bool:
        """Whether an answer is outstanding."""
        return self._asked_ns is not None

    @property
    def level(self) -> Level:
        """How much is sent now."""
        return self._level

    def is_clear(self, now_ns: int, backlog: int = 0) -> bool:
        """Whether nothing is on its way. `backlog`: bytes that the terminal has not taken yet."""
        if backlog:
            return False
        if self._asked_ns is not None and now_ns - self._asked_ns >= PATIENCE_NS:
            self._asked_ns = None
            self._deaf = not self._heard  # it never answered anything: only what it takes paces the frames
            self._dropped += self._heard
        return self._asked_ns is None

    def may_paint(self, now_ns: int, backlog: int = 0) -> bool:
        """Whether the next frame is due."""
        if not self.is_clear(now_ns, backlog):
            return False
        if self._last_ns is None:
            return True
        slow = self._level is Level.SLOW
        interval_ns = NS_PER_S / (min(self._fps, SLOW_FPS) if slow else self._fps)
        slack_ns = NS_PER_S / self._fps / 2  # the timer ticks a little early at times: that is not a frame too many
        return now_ns - self._last_ns >= interval_ns - slack_ns and (not slow or now_ns >= self._free_ns)

    def wrote(self, now_ns: int, size: int) -> None:
        """A frame of so many bytes is on its way."""
        self._last_ns = now_ns
        self._free_ns = max(self._free_ns, now_ns) + size * NS_PER_S // SLOW_BYTES_PER_S
        self._frames.append((now_ns, size))
        self._forget(now_ns)
        if not self._deaf:
            self._asked_ns, self._asked_bytes = now_ns, size

    def answered(self, now_ns: int) -> float | None:
        """The terminal has answered; how long that took, ms. None: nothing was asked, or it came too late to tell."""
        self._heard, self._deaf = True, False
        if self._asked_ns is None:
            return None
        rtt_ms = max(0, now_ns - self._asked_ns) / NS_PER_MS
        self._asked_ns = None
        self._samples.append(Sample(rtt_ms, self._asked_bytes))
        self._recent_ms.append(rtt_ms)
        if self._mode is LinkMode.AUTO:
            self._level = judge(self._level, self._samples, min(self._recent_ms))
        return rtt_ms

    def begin_anew(self) -> None:
        """After a pause: nothing is on its way."""
        self._asked_ns = None
        self._free_ns = 0

    def state(self, now_ns: int) -> LinkState:
        """For the gauge: the median of the last answers, and the frames and bytes of the last two seconds."""
        self._forget(now_ns)
        seconds = _GAUGE_NS / NS_PER_S
        return LinkState(
            rtt_ms=median(sample.rtt_ms for sample in self._samples) if self._samples else None,
            level=self._level,
            fps=len(self._frames) / seconds,
            bytes_per_s=sum(size for _, size in self._frames) / seconds,
            dropped=self._dropped,
        )

    def _forget(self, now_ns: int) -> None:
        while self._frames and now_ns - self._frames[0][0] > _GAUGE_NS:
            self._frames.popleft()
