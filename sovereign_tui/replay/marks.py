"""Where in the files what is: sparse, so that an hour of a thousand ticks a second takes some hundred kilobytes."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from pathlib import Path
from typing import Final

from schemas.clock import NS_PER_S
from sovereign_tui.replay.kinds import Kind
from sovereign_tui.replay.walk import Walker

KEYFRAME_NS: Final = 5 * NS_PER_S
"""Between two keyframes: so much is read again after a jump, at most."""
MARK_NS: Final = NS_PER_S
_OFFSET_BITS: Final = 40


def place(file: int, offset: int) -> int:
    """A record of a session in one number."""
    return file << _OFFSET_BITS | offset


def placed(where: int) -> tuple[int, int]:
    """The number of the file, and the offset in it."""
    return where >> _OFFSET_BITS, where & (1 << _OFFSET_BITS) - 1


class Track:
    """Times and places of the records of one key, by time: of `put` the last of each keyframe, of `add` all."""

    __slots__ = ("_slot", "kind", "places", "times")

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.times, self.places = array("q"), array("q")
        self._slot = -1

    def put(self, time_ns: int, where: int) -> None:
        """A record that makes those before it void."""
        slot = time_ns // KEYFRAME_NS
        if slot == self._slot:
            self.times[-1], self.places[-1] = time_ns, where
        else:
            self.add(time_ns, where)
            self._slot = slot

    def add(self, time_ns: int, where: int) -> None:
        """A record that counts beside those before it."""
        self.times.append(time_ns)
        self.places.append(where)

    def before(self, time_ns: int, most: int = 1, since_ns: int = 0) -> list[tuple[int, int]]:
        """Time and place of the last `most` records of [since_ns, time_ns), by time."""
        end = bisect_left(self.times, time_ns)
        start = max(end - most, bisect_left(self.times, since_ns, 0, end))
        return list(zip(self.times[start:end], self.places[start:end], strict=True))


class RunMarks:
    """What the files of one run of a process have in common."""

    __slots__ = ("first_view_ns", "live")

    def __init__(self, *, live: bool) -> None:
        self.live = live
        self.first_view_ns: int | None = None
        """When its first tick for screens was sent: from then on the full stream is not shown."""


class FileMarks:
    """One file: how far it is read, and the offset of the first record of each second."""

    def __init__(self, path: Path, run: RunMarks, walker: Walker) -> None:
        self.path, self.run, self.walker = path, run, walker
        self.finished = False
        """Nothing more will come of it."""
        self.next_ns = 0
        """When the next mark is due."""
        self.size = 0
        self._times, self._offsets = array("q"), array("q")

    @property
    def first_ns(self) -> int | None:
        """The time of its first record that is shown; None without one."""
        return self._times[0] if self._times else None

    def mark(self, time_ns: int, offset: int) -> None:
        """A record stands at `offset`, and a mark is due."""
        self._times.append(time_ns)
        self._offsets.append(offset)
        self.next_ns = (time_ns // MARK_NS + 1) * MARK_NS

    def at(self, time_ns: int) -> tuple[int, int]:
        """Time and offset of the last mark that is not later; of the first one, if all are. Raises: ValueError, if
        there is none.
        """
        if not self._times:
            raise ValueError(f"{self.path}: no record that is shown")
        number = max(0, bisect_right(self._times, time_ns) - 1)
        return self._times[number], self._offsets[number]


class WallTimes:
    """The wall time of a monotonic one: where the wall clock stepped, it steps here too."""

    _STEP_NS: Final = 1_000_000

    def __init__(self, monotonic_ns: int, wall_ns: int) -> None:
        self._times, self._offsets = array("q", [monotonic_ns]), array("q", [wall_ns - monotonic_ns])

    def learn(self, monotonic_ns: int, wall_ns: int) -> None:
        """Both times of one record; those that came before another by monotonic time are passed over."""
        offset = wall_ns - monotonic_ns
        if monotonic_ns > self._times[-1] and abs(offset - self._offsets[-1]) > self._STEP_NS:
            self._times.append(monotonic_ns)
            self._offsets.append(offset)

    def of(self, monotonic_ns: int) -> int:
        """Nanoseconds since 1970 UTC."""
        return monotonic_ns + self._offsets[max(0, bisect_right(self._times, monotonic_ns) - 1)]
