"""What the replay's pane shows, as one frozen value, and how it is made of a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sovereign_tui.replay.events import Event
from sovereign_tui.replay.sessions import Session
from sovereign_tui.replay.source import ReplaySource

_NEAR = 200
"""Events around the position that a pane is given: more than any has rows for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """The replay at one moment. `at_ns`, `first_ns`, `last_ns`: monotonic; `wall_ns` since 1970 UTC.

    `sessions`, newest first, are to be chosen from while `chosen` is None; `cursor` is the row of the one pointed at.
    `loading`: bytes done and in all, while the chosen one is indexed. `events`: those near the position, `marks` all of
    them, both by time. `problems`: what is missing, or why nothing can be shown; a line each.
    """

    sessions: tuple[Session, ...] = ()
    cursor: int = 0
    chosen: Session | None = None
    loading: tuple[int, int] | None = None
    at_ns: int = 0
    wall_ns: int = 0
    first_ns: int = 0
    last_ns: int = 0
    speed: float = 1.0
    playing: bool = False
    live: bool = False
    events: tuple[Event, ...] = ()
    marks: tuple[Event, ...] = ()
    problems: tuple[str, ...] = ()


def choosing(sessions: Sequence[Session], cursor: int = 0, problems: Sequence[str] = ()) -> ReplayView:
    """A list to choose from; `sessions` as they are listed, oldest first."""
    return ReplayView(sessions=tuple(reversed(sessions)), cursor=cursor, problems=tuple(problems))


def loading(session: Session, done: int, total: int) -> ReplayView:
    """The session is being indexed; bytes."""
    return ReplayView(chosen=session, loading=(done, total))


def playing(source: ReplaySource) -> ReplayView:
    """Where the replay is now."""
    clock = source.clock
    return ReplayView(
        chosen=source.index.session, at_ns=clock.monotonic_ns(), wall_ns=clock.wall_ns(), first_ns=clock.first_ns,
        last_ns=clock.last_ns, speed=clock.speed, playing=clock.playing, live=source.index.live,
        events=source.events_near(_NEAR), marks=source.events, problems=source.problems,
    )  # fmt: skip
