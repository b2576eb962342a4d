"""A recorded session for the screen: chosen, read a few milliseconds at a time, played."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from schemas.clock import NS_PER_MS, Clock
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.view import View
from sovereign_tui.replay import state
from sovereign_tui.replay.index import SessionIndex
from sovereign_tui.replay.sessions import Session, list_sessions
from sovereign_tui.replay.source import ReplaySource
from sovereign_tui.replay.state import ReplayView

_WORK_NS: Final = 30 * NS_PER_MS
"""How long a frame may go on reading: keys are heard between two frames."""
STEP_S: Final = 5.0
LONG_STEP_S: Final = 60.0


class Player:
    """`view`: what the session looked like at the position; an empty one before there is one."""

    def __init__(self, blackbox: Path, clock: Clock) -> None:
        self._blackbox = blackbox
        self._clock = clock
        self._sessions: tuple[Session, ...] = ()
        self._problems: tuple[str, ...] = ()
        self._index: SessionIndex | None = None
        self._steps: Iterator[tuple[int, int]] | None = None
        self._done = (0, 0)
        self._epoch = 0
        self.source: ReplaySource | None = None
        self.view = View()

    @property
    def plays(self) -> bool:
        """Whether the screens show the session."""
        return self.source is not None

    def look(self) -> None:
        """Which sessions there are."""
        try:
            listing = list_sessions(self._blackbox)
        except OSError as error:
            self._sessions, self._problems = (), (f"{error.filename or self._blackbox}: {error.strerror}",)
            return
        self._sessions, self._problems = listing.sessions, listing.problems

    def shown(self, cursor: int) -> ReplayView:
        """For the pane."""
        if self.source is not None:
            return state.playing(self.source)
        if self._index is not None:
            return state.loading(self._index.session, *self._done)
        return state.choosing(self._sessions, min(cursor, max(0, len(self._sessions) - 1)), self._problems)

    def open(self, session: Session) -> None:
        """Begins to read it; `work` goes on."""
        self.close()
        self._index = SessionIndex(self._blackbox, session)
        self._steps = self._index.steps()

    def open_chosen(self, cursor: int) -> None:
        """The session under the cursor: the newest is the first."""
        newest_first = tuple(reversed(self._sessions))
        if newest_first:
            self.open(newest_first[min(cursor, len(newest_first) - 1)])

    def close(self) -> None:
        """No session: the screens show the present again."""
        self.source, self._index, self._steps = None, None, None
        self.view, self._done, self._epoch = View(), (0, 0), 0

    def work(self) -> None:
        """Reads on, for a few milliseconds; or takes what the session told since the last call."""
        if self._steps is not None and self._index is not None:
            self._read(self._index, self._steps)
        if self.source is None:
            return
        arrived = self.source.poll()
        if self.source.epoch != self._epoch:
            self._epoch, self.view = self.source.epoch, View()
        view = self.view
        for message, at_ns in arrived:
            view = reduce(view, message, at_ns)
        self.view = view

    def step(self, seconds: float) -> None:
        """So far on; back, if negative."""
        if self.source is not None:
            self.source.step(seconds)

    def jump(self, *, forward: bool) -> None:
        """To the next event, or the one before."""
        if self.source is not None:
            self.source.jump(forward=forward)

    def end(self, *, last: bool) -> None:
        """To the end, or to the beginning."""
        if self.source is not None:
            self.source.seek_share(1.0 if last else 0.0)

    def play_or_pause(self) -> None:
        """The one or the other; from the end it begins anew."""
        if self.source is None:
            return
        clock = self.source.clock
        if clock.playing:
            clock.pause()
            return
        if clock.monotonic_ns() >= clock.last_ns and not self.source.index.live:
            self.end(last=False)
        clock.play()

    def faster(self, *, yes: bool) -> None:
        """The next speed, or the one before."""
        if self.source is not None:
            clock = self.source.clock
            (clock.faster if yes else clock.slower)()

    def _read(self, index: SessionIndex, steps: Iterator[tuple[int, int]]) -> None:
        begun_ns = self._clock.monotonic_ns()
        for self._done in steps:
            if self._clock.monotonic_ns() - begun_ns > _WORK_NS:
                return
        self._steps = None
        self.source = ReplaySource(index, self._clock)
        self.source.clock.play()
