"""One pass over a session: where each second begins, the last value of each topic now and then, and what happened.

Theory of operation. Records are stepped over by their lengths (`walk`); of the few that matter one place every 5 s is
kept for each topic (`marks`). The pass is a generator of small steps, for whoever has a screen to paint meanwhile. Of a
session that is being written it is run again and again, and goes on where it ended.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from schemas.blackbox import Segment
from schemas.clock import NS_PER_S
from schemas.codec import Malformed
from schemas.messages import Alert, Candle, Signal, SignalKind
from schemas.topology import ENGINE, OPS
from sovereign_tui.replay.events import Events
from sovereign_tui.replay.kinds import Kind, Role, classifier
from sovereign_tui.replay.marks import FileMarks, RunMarks, Track, WallTimes, place
from sovereign_tui.replay.sessions import Ending, Run, Session, list_sessions
from sovereign_tui.replay.walk import Found, Walker

SHOWN: Final = (OPS, ENGINE)
"""Whose messages a cockpit hears."""
MOST_TOLD: Final = 400
"""Of log lines, receipts and signals so many of each are told after a jump, the newest before it: twice as many as a
screen keeps. (A line that came more than 200 lines late would be missing.) So many decisions, metrics and states of the
account, too: of the equity a screen that has played up to there knows more.
"""
MOST_BARS: Final = 2_000
_LONGEST_NS: Final = 400 * 86_400 * NS_PER_S
"""A session lasts no longer: each second of it takes memory."""
Key = tuple[str, str]
_NEWEST: Final = ""
_BARS: Final = "bars"
_ALL: Final = "all"


class SessionIndex:
    """The index of one session. Complete, and good for a replay, once `steps` has come to its end."""

    def __init__(self, directory: Path, session: Session) -> None:
        self.session = session
        self.complete = False
        self.files: list[FileMarks] = []
        self.chains: dict[str, list[int]] = {process: [] for process in SHOWN}
        """The numbers of the files of a process, by time."""
        self.tracks: dict[Key, Track] = {}
        self.events = Events(session.since_ns)
        self.first_ns = self.last_ns = session.first_ns
        """Monotonic ns between which there are records; the end moves while the session is being written."""
        self.malformed = 0
        self.latest_ns = session.first_ns + _LONGEST_NS
        """No record of it can be later."""
        self._directory = directory
        self._numbers: dict[Path, int] = {}
        self._runs: dict[tuple[str, int, int], RunMarks] = {}
        self._walls = WallTimes(session.first_ns, session.since_ns)
        self._ticks = array("I")
        self._problems: list[str] = []
        self._said: dict[str, bytes] = {}
        self._bar: dict[str, tuple[int, int, int]] = {}

    @property
    def live(self) -> bool:
        """Whether the session is being written."""
        return self.session.ending is Ending.RUNNING

    @property
    def problems(self) -> tuple[str, ...]:
        """What is missing in the replay, and why: a line each."""
        damaged = [(file.path.name, file.walker.damaged) for file in self.files if file.walker.damaged]
        lines = [f"{name}: {count} damaged records are left out" for name, count in damaged]
        if self.malformed:
            lines.append(f"{self.malformed} messages cannot be read by this version")
        if self.events.left_out:
            lines.append(f"{self.events.left_out} events beyond the first {len(self.events.found)} are left out")
        return (*self._problems, *lines)

    def build(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """All steps at once. `progress` hears of (bytes done, bytes in all)."""
        for done, total in self.steps():
            progress(done, total)

    def steps(self) -> Iterator[tuple[int, int]]:
        """Reads what there is, a piece of some milliseconds a step; yields (bytes done, bytes in all). Never raises."""
        if self.complete:
            self._refresh()
        self._open_files()
        for process in SHOWN:
            high_ns = 0
            for number in list(self.chains[process]):
                file = self.files[number]
                file.walker.high_ns = max(file.walker.high_ns, high_ns)
                while not file.finished:
                    for found in file.walker.step():
                        self._take(number, file, found)
                    yield self._progress()
                    if file.walker.starved or file.walker.problem:
                        break
                self._look_at_end(number, file)
                high_ns = file.walker.high_ns
        self.events.runs(self.session.runs)
        self.complete = True

    def wall_of(self, monotonic_ns: int) -> int:
        """The wall time of a monotonic one, ns since 1970 UTC."""
        return self._walls.of(monotonic_ns)

    def rate(self, at_ns: int) -> tuple[float, int] | None:
        """Ticks a second in the last whole second before `at_ns`, and its end; None where nobody counted."""
        second = at_ns // NS_PER_S
        number = second - 1 - self.first_ns // NS_PER_S
        if not self._ticks or number < 0 or second * NS_PER_S > self.last_ns:
            return None
        return float(self._ticks[number]) if number < len(self._ticks) else 0.0, second * NS_PER_S

    def last_before(self, time_ns: int) -> list[tuple[int, int, Kind]]:
        """Time, place and kind of every record that says how things stood just before `time_ns`, by time."""
        found: list[tuple[int, int, Kind]] = []
        for (topic, what), track in self.tracks.items():
            if what == _BARS:
                whole = self.tracks.get((topic.replace("candle.", "history.", 1), _NEWEST))
                since = whole.before(time_ns) if whole else []
                mine = track.before(time_ns, MOST_BARS, since[0][0] if since else 0)
            else:
                mine = track.before(time_ns, MOST_TOLD if what == _ALL else 1)
            found += [(at_ns, where, track.kind) for at_ns, where in mine]
        return sorted(found, key=lambda one: one[:2])

    def _progress(self) -> tuple[int, int]:
        done = sum(file.walker.offset for file in self.files)
        return done, max(done, sum(file.size for file in self.files))

    def _refresh(self) -> None:
        """What has become of the session since: new files, new runs, its end."""
        try:
            found = list_sessions(self._directory).sessions
        except OSError as error:
            problem = f"{error.filename or self._directory}: {error.strerror}; what came since is not shown"
            if problem not in self._problems:
                self._problems.append(problem)
            return
        self.session = next((one for one in found if one.id == self.session.id), self.session)

    def _open_files(self) -> None:
        for run in sorted(self.session.runs, key=lambda run: run.first_ns):
            if run.process not in SHOWN:
                continue
            marks = self._runs.setdefault((run.process, run.first_ns, run.pid), RunMarks(live=run.live))
            marks.live = run.live
            expected = None
            for segment in run.segments:
                self._open_file(run, marks, segment, expected)
                expected = segment.number + 1
        for file in self.files:
            try:
                file.size = file.path.stat().st_size
            except OSError:
                file.size = file.walker.offset  # gone: the walker says so

    def _open_file(self, run: Run, marks: RunMarks, segment: Segment, expected: int | None) -> None:
        if segment.path in self._numbers:
            return
        first = expected is None
        if segment.number != (0 if expected is None else expected):
            what = "the beginning of the run is" if first else "files before it are"
            self._problems.append(f"{segment.path.name}: {what} missing, deleted as too old")
        number = self._numbers[segment.path] = len(self.files)
        walker = Walker(segment.path, classifier(run.process), latest_ns=self.latest_ns)
        self.files.append(FileMarks(segment.path, marks, walker))
        self.chains[run.process].append(number)

    def _look_at_end(self, number: int, file: FileMarks) -> None:
        if file.finished:
            return
        if file.walker.problem:
            self._problems.append(f"{file.path.name}: {file.walker.problem}")
            file.finished = True
            return
        chain = next(chain for chain in self.chains.values() if number in chain)
        later = any(self.files[other].run is file.run for other in chain if other > number)
        if file.run.live and not later:
            return  # as far as it is written
        file.finished = True
        if file.walker.offset < file.size:
            self._problems.append(f"{file.path.name}: cut off at byte {file.walker.offset}; all before it is shown")

    def _track(self, kind: Kind, what: str) -> Track:
        track = self.tracks.get((kind.topic, what))
        if track is None:
            track = self.tracks[kind.topic, what] = Track(kind)
        return track

    def _take(self, number: int, file: FileMarks, found: Found) -> None:
        time_ns, _, kind, offset, payload = found
        if time_ns >= file.next_ns:
            file.mark(time_ns, offset)
            self._walls.learn(time_ns, found.wall_ns)
        if time_ns > self.last_ns:
            self.last_ns = time_ns
        role = kind.role
        if role is Role.TICK:
            self._count(time_ns)
            if file.run.first_view_ns is None:
                self._track(kind, _NEWEST).put(time_ns, place(number, offset))
            return
        if role is Role.VIEW_TICK and file.run.first_view_ns is None:
            file.run.first_view_ns = time_ns
        if not kind.repeats and role is not Role.ASKED:
            said = bytes(payload)
            if self._said.get(kind.topic) == said:
                return  # the answer to a late joiner
            self._said[kind.topic] = said
        try:
            self._keep(found, place(number, offset))
        except Malformed:
            self.malformed += 1

    def _count(self, time_ns: int) -> None:
        second = time_ns // NS_PER_S - self.first_ns // NS_PER_S
        ticks = self._ticks
        if second >= len(ticks) > 0 or not ticks:
            ticks.frombytes(bytes((second + 1 - len(ticks)) * ticks.itemsize))
        if second >= 0:
            ticks[second] += 1

    def _keep(self, found: Found, where: int) -> None:
        time_ns, wall_ns, kind, _, payload = found
        topic = kind.topic
        match kind.role:
            case Role.NEWEST | Role.VIEW_TICK:
                self._track(kind, _NEWEST).put(time_ns, where)
                if topic == "state.orders":
                    self.events.take(kind.decode(payload), time_ns, wall_ns)
            case Role.SERIES:
                self._track(kind, _ALL).add(time_ns, where)
            case Role.EACH:
                self._track(kind, _ALL).add(time_ns, where)
                if topic == "ops.receipt":
                    self.events.take(kind.decode(payload), time_ns, wall_ns)
            case Role.CANDLE:
                candle = kind.decode(payload)
                assert isinstance(candle, Candle)
                before = self._bar.get(topic)
                if before is not None and before[0] != candle.open_ns:
                    self._track(kind, _BARS).add(*before[1:])
                self._bar[topic] = (candle.open_ns, time_ns, where)
                self._track(kind, _NEWEST).put(time_ns, where)
            case Role.ALERT:
                alert = kind.decode(payload)
                assert isinstance(alert, Alert)
                self._track(kind, f"{alert.kind} {alert.since_ns}").put(time_ns, where)
                self.events.take(alert, time_ns, wall_ns)
            case Role.SIGNAL:
                signal = kind.decode(payload)
                assert isinstance(signal, Signal)
                if signal.kind is SignalKind.OPS_HEARTBEAT:
                    self._track(kind, _NEWEST).put(time_ns, where)
                else:
                    self._track(kind, _ALL).add(time_ns, where)
                    self.events.take(signal, time_ns, wall_ns)
            case Role.ASKED:
                self.events.take(kind.decode(payload), time_ns, wall_ns)
