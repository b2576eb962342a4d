"""A recorded session as a cockpit's source of messages: what it would have received, at the pace of the replay's clock.

The rule of a jump: the view after it is the view that playing up to there would have left, if the screen begins with
an empty one (`epoch` says when). Of what is published whole the last message is told, of candles the last of each bar
since the last history, of alerts the last of each; of log lines, receipts and signals the newest `MOST_TOLD` of each,
and of decisions, metrics and the account, whose past a screen shows, as many.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Container, Iterable, Iterator
from itertools import chain
from typing import Final

from schemas import codec
from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.messages import MarketTick
from sovereign_tui.cockpit.view import TickRate
from sovereign_tui.replay.clock import ReplayClock
from sovereign_tui.replay.events import Event, EventKind
from sovereign_tui.replay.index import SessionIndex
from sovereign_tui.replay.reader import Raw, Reader

_FAR_NS: Final = 30 * NS_PER_S
"""A longer way forward is a jump: less is read, and the view is the same."""
_GROW_EVERY_NS: Final = NS_PER_S
_GROW_NS: Final = 5 * NS_PER_MS


class ReplaySource:
    """Implements the cockpit's Source. `clock` is the clock by which its screen must judge every age.

    `index` must be complete. `real` drives the replay. Of topics that are published whole, ticks among them, `poll`
    decodes the newest alone, as the live feed does.
    """

    def __init__(self, index: SessionIndex, real: Clock) -> None:
        self.index = index
        self.clock = ReplayClock(real, first_ns=index.first_ns, last_ns=index.last_ns, wall_of=index.wall_of)
        self.epoch = 0
        """Changes at a poll that begins anew: the view must be an empty one before its messages are folded in."""
        self.malformed = 0
        """Messages that could not be decoded."""
        self._real = real
        self._reader = Reader(index)
        self._at_ns: int | None = None
        self._rate_ns = 0
        self._growing: Iterator[tuple[int, int]] | None = None
        self._grown_ns = real.monotonic_ns()

    @property
    def problems(self) -> tuple[str, ...]:
        """What is missing in the replay, and why."""
        lost = self._reader.lost
        gone = (f"{lost} records were deleted since the session was opened",) if lost else ()
        return (*self.index.problems, *gone)

    @property
    def position(self) -> float:
        """How far it is, in [0, 1]."""
        length_ns = self.clock.last_ns - self.clock.first_ns
        return (self.clock.monotonic_ns() - self.clock.first_ns) / length_ns if length_ns else 0.0

    def poll(self) -> list[tuple[object, int]]:
        """What is new at the position, decoded, each with its monotonic ns; what cannot be read is counted."""
        self._grow()
        clock = self.clock
        now_ns = clock.monotonic_ns()
        if clock.playing and now_ns >= clock.last_ns and not self.index.live:
            clock.pause()
        before: Iterable[Raw] = ()
        if self._at_ns is None or not 0 <= now_ns - self._at_ns <= _FAR_NS:
            self.epoch += 1
            self._rate_ns = 0
            before = self._reader.restart(now_ns)
        self._at_ns = now_ns
        arrived = [each for raw in _wanted(chain(before, self._reader.until(now_ns))) for each in self._decode(raw)]
        rate = self.index.rate(now_ns)
        if rate is not None and rate[1] != self._rate_ns:
            self._rate_ns = rate[1]
            arrived.append((TickRate(per_s=rate[0]), rate[1]))
        return arrived

    def seek_share(self, share: float) -> None:
        """To a position in [0, 1]; beyond, to the end that is nearer."""
        first_ns, last_ns = self.clock.first_ns, self.clock.last_ns
        self.clock.move(first_ns + round(share * (last_ns - first_ns)))

    def seek_ns(self, at_ns: int) -> None:
        """To a monotonic time of the session, or to the end that is nearer."""
        self.clock.move(at_ns)

    def step(self, seconds: float) -> None:
        """So many recorded seconds on; back, if negative."""
        self.clock.move(self.clock.monotonic_ns() + round(seconds * NS_PER_S))

    def jump(self, *, forward: bool, kinds: Container[EventKind] = frozenset(EventKind)) -> Event | None:
        """To the next event of these kinds, or the one before; None, and nothing moves, if there is none.

        Back while it plays: an event of the last second counts as the one that is being looked at.
        """
        now_ns = self.clock.monotonic_ns()
        wanted = [event for event in self.events if event.kind in kinds]
        if forward:
            found = next((event for event in wanted if event.at_ns > now_ns), None)
        else:
            slack_ns = round(NS_PER_S * self.clock.speed) if self.clock.playing else 0
            found = next((event for event in reversed(wanted) if event.at_ns < now_ns - slack_ns), None)
        if found is not None:
            self.clock.move(found.at_ns)
        return found

    @property
    def events(self) -> tuple[Event, ...]:
        """All that happened between the ends of the session, by time."""
        return tuple(self.index.events.found)

    def events_near(self, count: int) -> tuple[Event, ...]:
        """Up to `count` events around the position, half of them before it."""
        found = self.index.events.found
        now_ns = self.clock.monotonic_ns()
        here = bisect_right(found, now_ns, key=lambda event: event.at_ns)
        start = max(0, min(here - (count + 1) // 2, len(found) - count))
        return tuple(found[start : start + count])

    def _decode(self, raw: Raw) -> Iterator[tuple[object, int]]:
        try:
            message = raw.kind.decode(memoryview(raw.payload))
        except codec.Malformed:
            self.malformed += 1
            return
        at_ns = raw.at_ns
        if isinstance(message, MarketTick) and 0 < message.received_mono_ns <= at_ns:
            at_ns = message.received_mono_ns  # the price is as old as its frame, not as its message
        yield message, at_ns

    def _grow(self) -> None:
        """Of a session that is being written: reads on in the index, once a second and a few milliseconds at a time."""
        now_ns = self._real.monotonic_ns()
        if self._growing is None:
            if not self.index.live or now_ns - self._grown_ns < _GROW_EVERY_NS:
                return
            self._grown_ns, self._growing = now_ns, self.index.steps()
        for _ in self._growing:
            if self._real.monotonic_ns() - now_ns > _GROW_NS:
                return
        self._growing = None
        self.clock.last_ns = self.index.last_ns


def _wanted(messages: Iterable[Raw]) -> Iterator[Raw]:
    """By time: of topics that are published whole the newest, of the others each."""
    each: list[tuple[int, Raw]] = []
    newest: dict[str, tuple[int, Raw]] = {}
    for number, raw in enumerate(messages):
        if raw.kind.each:
            each.append((number, raw))
        else:
            newest[raw.kind.topic] = (number, raw)
    yield from (raw for _, raw in sorted((*each, *newest.values()), key=lambda one: one[0]))
