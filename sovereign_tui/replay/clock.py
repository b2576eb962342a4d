"""The clock of a replay: the machine's time then, moved by the real clock times a speed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from schemas.clock import Clock

SPEEDS: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)


class ReplayClock:
    """Implements Clock: both times are those of the position. Between `first_ns` and `last_ns`, monotonic.

    It stands still until `play`. `wall_of` gives the wall time of a monotonic one. At the end it stands; where the end
    moves on, since the session is being written, it goes with it.
    """

    def __init__(self, real: Clock, *, first_ns: int, last_ns: int, wall_of: Callable[[int], int]) -> None:
        self.first_ns = first_ns
        self._last_ns = last_ns
        self._real = real
        self._wall_of = wall_of
        self._at_ns = first_ns
        self._since_ns = real.monotonic_ns()
        self._speed = 1.0
        self._playing = False

    @property
    def playing(self) -> bool:
        """Whether it moves, or would if it were not at the end."""
        return self._playing

    @property
    def speed(self) -> float:
        """Recorded seconds a second; one of SPEEDS."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        """Raises: ValueError, if it is none of SPEEDS."""
        if speed not in SPEEDS:
            raise ValueError(f"speed {speed:g}: give one of {', '.join(f'{one:g}' for one in SPEEDS)}")
        self._anchor(self.monotonic_ns())
        self._speed = float(speed)

    @property
    def last_ns(self) -> int:
        """Where the record ends, as far as it is known."""
        return self._last_ns

    @last_ns.setter
    def last_ns(self, last_ns: int) -> None:
        self._anchor(self.monotonic_ns())
        self._last_ns = max(last_ns, self._last_ns)

    def monotonic_ns(self) -> int:
        """The position."""
        if not self._playing:
            return self._at_ns
        passed_ns = round((self._real.monotonic_ns() - self._since_ns) * self._speed)
        return min(self._at_ns + passed_ns, self._last_ns)

    def wall_ns(self) -> int:
        """The wall time of the position."""
        return self._wall_of(self.monotonic_ns())

    def play(self) -> None:
        """Goes on from where it stands."""
        self._anchor(self.monotonic_ns())
        self._playing = True

    def pause(self) -> None:
        """Stands still."""
        self._anchor(self.monotonic_ns())
        self._playing = False

    def move(self, to_ns: int) -> None:
        """Goes to a monotonic time, or to the end that is nearer."""
        self._anchor(max(self.first_ns, min(to_ns, self._last_ns)))

    def faster(self) -> None:
        """The next speed, if there is one."""
        self.speed = SPEEDS[min(len(SPEEDS) - 1, SPEEDS.index(self._speed) + 1)]

    def slower(self) -> None:
        """The speed before, if there is one."""
        self.speed = SPEEDS[max(0, SPEEDS.index(self._speed) - 1)]

    def _anchor(self, at_ns: int) -> None:
        self._at_ns = at_ns
        self._since_ns = self._real.monotonic_ns()
