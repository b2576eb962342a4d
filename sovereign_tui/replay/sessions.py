"""Which lives of the system are in the blackbox, by the headers of its files alone.

A session is one life of the system: the runs of ops, engine and brain in one boot of the machine that overlap in time,
from the start of the first until none is left. So a new ops that adopts the engine of a crashed one goes on with the
session, and what comes after `down`, or after all were killed, is another. Runs of other processes (the exchange) are
told with the session in which they began, and never join two.

The end of a run is the last change of its last file, so a session is as long as its files say that it is; two boots
are never one session, since their monotonic times do not compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Final

import psutil

from schemas.blackbox import CLOSED_TOPIC, NOTE_CHANNEL, Direction, Segment, SegmentHeader
from schemas.blackbox.scan import read_header
from schemas.blackbox.segments import boot_id, list_segments
from schemas.clock import NS_PER_S
from schemas.topology import BRAIN, ENGINE, OPS

SYSTEM: Final = (OPS, ENGINE, BRAIN)
"""Whose runs make a session."""
_HEAD: Final = 4096
_CLOSED: Final = (
    bytes((Direction.NOTE, len(NOTE_CHANNEL), len(CLOSED_TOPIC))) + NOTE_CHANNEL.encode() + CLOSED_TOPIC.encode()
)
"""How the record ends that says that a run ended in order."""
_YOUNGER_S: Final = 2.0


class Ending(StrEnum):
    """How a session ended."""

    IN_ORDER = "in order"
    RUNNING = "running"
    BROKEN_OFF = "broken off"  # some process did not say that it ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One process from its start to its end. `first_ns`, `last_ns`: monotonic; `since_ns`, `until_ns`: wall time.

    `closed`: its last record says that it ended in order. `live`: it still writes.
    """

    process: str
    pid: int
    boot: bytes
    segments: tuple[Segment, ...]
    first_ns: int
    last_ns: int
    since_ns: int
    until_ns: int
    size: int
    closed: bool
    live: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One life of the system; `id` is its start in UTC, `20261122-133740`. Times as in Run; `size` in bytes."""

    id: str
    runs: tuple[Run, ...]

    @property
    def boot(self) -> bytes:
        """Of the machine."""
        return self.runs[0].boot

    @property
    def first_ns(self) -> int:
        """Monotonic ns at which the first run began."""
        return min(run.first_ns for run in self.runs)

    @property
    def last_ns(self) -> int:
        """Monotonic ns of the last change of a file."""
        return max(run.last_ns for run in self.runs)

    @property
    def since_ns(self) -> int:
        """Wall ns at which the first run began."""
        return min(run.since_ns for run in self.runs)

    @property
    def until_ns(self) -> int:
        """Wall ns of the last change of a file."""
        return max(run.until_ns for run in self.runs)

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(run.size for run in self.runs)

    @property
    def processes(self) -> tuple[str, ...]:
        """Who has any record of it."""
        return tuple(sorted({run.process for run in self.runs}))

    @property
    def ending(self) -> Ending:
        """RUNNING while one of the system's processes writes; IN_ORDER if the last run of each said so."""
        last = {run.process: run for run in sorted(self.runs, key=lambda run: run.first_ns)}
        system = [run for process, run in last.items() if process in SYSTEM]
        if any(run.live for run in system):
            return Ending.RUNNING
        return Ending.IN_ORDER if all(run.closed for run in system) else Ending.BROKEN_OFF


@dataclass(frozen=True, slots=True)
class Listing:
    """The sessions, oldest first, and what could not be read."""

    sessions: tuple[Session, ...]
    problems: tuple[str, ...]


def list_sessions(directory: Path) -> Listing:
    """All sessions below the blackbox directory. Reads one header a file, no record. Raises: OSError."""
    problems: list[str] = []
    runs: list[Run] = []
    for _, group in groupby(list_segments(directory), key=lambda segment: segment.run):
        run = _run(tuple(group), problems)
        if run is not None:
            runs.append(run)
    grouped = sorted(_grouped(_bounded(runs)), key=lambda each: min(run.since_ns for run in each))
    names: dict[str, int] = {}
    found = []
    for each in grouped:
        name = session_id(min(run.since_ns for run in each))
        names[name] = names.get(name, 0) + 1
        found.append(Session(id=name if names[name] == 1 else f"{name}-{names[name]}", runs=tuple(each)))
    return Listing(tuple(found), tuple(problems))


def session_id(since_ns: int) -> str:
    """What a person types: the start in UTC, to the second."""
    return f"{datetime.fromtimestamp(since_ns // NS_PER_S, UTC):%Y%m%d-%H%M%S}"


def _run(segments: tuple[Segment, ...], problems: list[str]) -> Run | None:
    """None, if no file of it has a header that can be read, or all are gone."""
    headers: list[SegmentHeader] = []
    size = until_ns = 0
    readable = []
    for segment in segments:
        try:
            with segment.path.open("rb") as file:
                header = read_header(file.read(_HEAD))
            status = segment.path.stat()
        except FileNotFoundError:
            continue  # deleted as too old, just now
        except OSError as error:
            problems.append(f"{segment.path}: {error.strerror}")
            continue
        readable.append(segment)
        size, until_ns = size + status.st_size, max(until_ns, status.st_mtime_ns)
        if header is None:
            problems.append(f"{segment.path}: no segment header that can be read; the file is passed over")
        else:
            headers.append(header)
    if not headers:
        return None
    first, last = headers[0], headers[-1]
    since_ns, closed = segments[0].start_wall_ns, _closed(segments[-1].path)
    return Run(
        process=first.process, pid=first.pid, boot=first.boot, segments=tuple(readable),
        first_ns=first.monotonic_ns - max(0, first.wall_ns - since_ns),  # the same where its first files are deleted
        last_ns=last.monotonic_ns + max(0, until_ns - last.wall_ns), since_ns=since_ns,
        until_ns=max(until_ns, last.wall_ns), size=size, closed=closed,
        live=not closed and _lives(first.boot, segments[0]),
    )  # fmt: skip


def _closed(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - len(_CLOSED)))
            return file.read() == _CLOSED
    except OSError:
        return False


def _lives(boot: bytes, segment: Segment) -> bool:
    """Whether the process that wrote it is there, and is not a younger one that has its number by chance."""
    if boot != boot_id():
        return False
    try:
        return psutil.Process(segment.pid).create_time() <= segment.start_wall_ns / NS_PER_S + _YOUNGER_S
    except psutil.Error:
        return False


def _bounded(runs: Iterable[Run]) -> Iterator[Run]:
    """No run lasts longer than until the next of its process begins, whatever happened to its file since."""
    ordered = sorted(runs, key=lambda run: (run.process, run.boot, run.first_ns))
    for run, after in zip_longest(ordered, ordered[1:]):
        same = after is not None and (after.process, after.boot) == (run.process, run.boot)
        if same and after is not None and after.first_ns <= run.last_ns:
            yield replace(run, last_ns=after.first_ns - 1, until_ns=min(run.until_ns, after.since_ns))
        else:
            yield run


def _grouped(runs: Iterable[Run]) -> Iterator[list[Run]]:
    ordered = sorted(runs, key=lambda run: (run.boot, run.first_ns))
    for _, of_boot in groupby(ordered, key=lambda run: run.boot):
        groups: list[list[Run]] = []
        last_ns = 0
        rest: list[Run] = []
        for run in of_boot:
            if run.process not in SYSTEM:
                rest.append(run)
            elif groups and run.first_ns <= last_ns:
                groups[-1].append(run)
                last_ns = max(last_ns, run.last_ns)
            else:
                groups.append([run])
                last_ns = run.last_ns
        ends = [max(run.last_ns for run in group) for group in groups]
        for run in rest:
            for group, end_ns in zip(groups, ends, strict=True):
                if group[0].first_ns <= run.first_ns <= end_ns:
                    group.append(run)
                    break
        yield from groups
