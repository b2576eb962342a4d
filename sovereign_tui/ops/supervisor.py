"""When a process is started, restarted, given up and stopped: a table, without a process in sight.

Theory of operation. A life is in one state; `step` takes an occurrence and gives the next life and what to do:

    STOPPED   -START-> STARTING -READY-> RUNNING -EXIT-> BACKOFF -DEADLINE-> STARTING
    STARTING  -DEADLINE-> asked to end, then killed; its EXIT is one more crash
    RUNNING   -HANG-> HUNG: asked to end, then killed; its EXIT is one more crash
    any crash -too many of them in the window, or a code that no restart mends-> FATAL -START-> STARTING
    any state with a process -STOP-> STOPPING -EXIT-> STOPPED; without one -STOP-> STOPPED

There is a process in STARTING, RUNNING, HUNG and STOPPING, and in no other state; SPAWN is asked for only on the way
from a state without one into STARTING, so that there are never two. A pair that the table lacks is a bug: it raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum, auto
from typing import Final

from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.settings import Settings


class State(StrEnum):
    """Where a supervised process is in its life."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    HUNG = "HUNG"
    BACKOFF = "BACKOFF"
    FATAL = "FATAL"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


ALIVE: Final = frozenset({State.STARTING, State.RUNNING, State.HUNG, State.STOPPING})
"""States in which there is a process."""


class Event(StrEnum):
    """What can happen to it."""

    START = auto()
    ADOPT = auto()  # a process that another ops started is there
    READY = auto()  # it gave its first sign of life
    HANG = auto()  # it is there, and gives no sign of life any more
    EXIT = auto()  # it ended, or could not be started
    DEADLINE = auto()
    STOP = auto()


class Action(StrEnum):
    """What the owner of the process has to do."""

    SPAWN = auto()
    TERMINATE = auto()
    KILL = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How patient to be with one process. `fatal_codes`: exit codes that no restart mends.

    `hang_timeout_ns`: the longest time without a heartbeat; 0: it may be silent for ever.
    """

    backoff_min_ns: int
    backoff_max_ns: int
    crash_limit: int
    crash_window_ns: int
    start_timeout_ns: int
    stop_timeout_ns: int
    hang_timeout_ns: int = 0
    fatal_codes: frozenset[int] = frozenset({78})

    @classmethod
    def of(cls, settings: Settings) -> Policy:
        """The policy that the settings describe."""
        ops = settings.ops
        return cls(
            backoff_min_ns=ops.backoff_min_ms * NS_PER_MS,
            backoff_max_ns=max(ops.backoff_min_ms, ops.backoff_max_ms) * NS_PER_MS,
            crash_limit=ops.crash_limit,
            crash_window_ns=round(ops.crash_window_s * NS_PER_S),
            start_timeout_ns=round(ops.start_timeout_s * NS_PER_S),
            stop_timeout_ns=round(ops.stop_timeout_s * NS_PER_S),
            hang_timeout_ns=round(ops.hang_timeout_s * NS_PER_S),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One process so far. `crashes` are monotonic ns; `reason` says why it ended or is not up, "" if all is well.

    `overdue`: it was asked to end, since it did not come up or is hung. `last_exit`: why the run before ended.
    """

    state: State = State.STOPPED
    deadline_ns: int | None = None
    crashes: tuple[int, ...] = ()
    restarts: int = 0
    overdue: bool = False
    exit_code: int | None = None
    reason: str = ""
    last_exit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """An event; `exit_code` and `reason` belong to EXIT, `reason` to HANG too.

    A negative code is the number of the signal that killed it.
    """

    event: Event
    exit_code: int | None = None
    reason: str = ""


class UnknownTransition(RuntimeError):
    """The table has no such pair: a bug in the supervisor."""


_Outcome = tuple[Life, tuple[Action, ...]]
_Rule = Callable[[Life, Occurrence, int, Policy], _Outcome]


def step(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    """The life after `what`, and what to do, in order. A DEADLINE that is not due changes nothing.

    Raises: UnknownTransition.
    """
    if what.event is Event.DEADLINE and (life.deadline_ns is None or now_ns < life.deadline_ns):
        return life, ()
    rule = TABLE.get((life.state, what.event))
    if rule is None:
        raise UnknownTransition(f"{life.state}: {what.event} cannot happen here")
    return rule(life, what, now_ns, policy)


def _ignore(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    return life, ()


def _start_anew(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    fresh = replace(life, crashes=(), exit_code=None, reason="")
    return _begin(fresh, now_ns, policy), (Action.SPAWN,)


def _restart(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    return replace(_begin(life, now_ns, policy), restarts=life.restarts + 1), (Action.SPAWN,)


def _adopt(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    return _begin(life, now_ns, policy), ()


def _begin(life: Life, now_ns: int, policy: Policy) -> Life:
    return replace(life, state=State.STARTING, deadline_ns=now_ns + policy.start_timeout_ns, overdue=False)


def _ready(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    if life.overdue:
        return life, ()  # it was asked to end already
    return replace(life, state=State.RUNNING, deadline_ns=None, reason="", exit_code=None), ()


def _not_up_in_time(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    deadline = now_ns + policy.stop_timeout_ns
    if life.overdue:
        return _deaf(life, what, now_ns, policy)
    waited = policy.start_timeout_ns / NS_PER_S
    reason = f"gave no sign of life within {waited:g} s"
    return replace(life, overdue=True, deadline_ns=deadline, reason=reason), (Action.TERMINATE,)


def _hang(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    deadline = now_ns + policy.stop_timeout_ns
    return replace(life, state=State.HUNG, overdue=True, deadline_ns=deadline, reason=what.reason), (Action.TERMINATE,)


def _deaf(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    return replace(life, deadline_ns=now_ns + policy.stop_timeout_ns), (Action.KILL,)


def _crash(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    crashes = (*(at for at in life.crashes if now_ns - at < policy.crash_window_ns), now_ns)
    reason = f"{life.reason}; {what.reason}" if life.overdue else what.reason
    ended = replace(
        life, state=State.FATAL, deadline_ns=None, crashes=crashes, overdue=False,
        exit_code=what.exit_code, reason=reason, last_exit=reason,
    )  # fmt: skip
    if what.exit_code in policy.fatal_codes:
        return ended, ()
    if len(crashes) >= policy.crash_limit:
        window = policy.crash_window_ns / NS_PER_S
        return replace(ended, reason=f"{len(crashes)} crashes within {window:g} s; the last: {reason}"), ()
    delay = min(policy.backoff_max_ns, policy.backoff_min_ns << min(len(crashes) - 1, 62))
    return replace(ended, state=State.BACKOFF, deadline_ns=now_ns + delay), ()


def _stop(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    stopping = replace(life, state=State.STOPPING, deadline_ns=now_ns + policy.stop_timeout_ns)
    return stopping, (Action.TERMINATE,)


def _kill(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    reason = f"did not stop within {policy.stop_timeout_ns / NS_PER_S:g} s and was killed"
    return replace(life, deadline_ns=now_ns + policy.stop_timeout_ns, reason=reason), (Action.KILL,)


def _stopped(life: Life, what: Occurrence, now_ns: int, policy: Policy) -> _Outcome:
    return replace(life, state=State.STOPPED, deadline_ns=None, exit_code=what.exit_code), ()


TABLE: Final[dict[tuple[State, Event], _Rule]] = {
    (State.STOPPED, Event.START): _start_anew,
    (State.STOPPED, Event.ADOPT): _adopt,
    (State.STOPPED, Event.READY): _ignore,  # the last message of one that ended
    (State.STOPPED, Event.STOP): _ignore,
    (State.STARTING, Event.START): _ignore,
    (State.STARTING, Event.READY): _ready,
    (State.STARTING, Event.EXIT): _crash,
    (State.STARTING, Event.DEADLINE): _not_up_in_time,
    (State.STARTING, Event.STOP): _stop,
    (State.RUNNING, Event.START): _ignore,
    (State.RUNNING, Event.READY): _ignore,
    (State.RUNNING, Event.HANG): _hang,
    (State.RUNNING, Event.EXIT): _crash,
    (State.RUNNING, Event.STOP): _stop,
    (State.HUNG, Event.START): _ignore,
    (State.HUNG, Event.READY): _ignore,  # it was asked to end already
    (State.HUNG, Event.EXIT): _crash,
    (State.HUNG, Event.DEADLINE): _deaf,
    (State.HUNG, Event.STOP): _stop,
    (State.BACKOFF, Event.START): _ignore,
    (State.BACKOFF, Event.READY): _ignore,
    (State.BACKOFF, Event.DEADLINE): _restart,
    (State.BACKOFF, Event.STOP): _stopped,
    (State.FATAL, Event.START): _start_anew,
    (State.FATAL, Event.READY): _ignore,
    (State.FATAL, Event.STOP): _stopped,
    (State.STOPPING, Event.START): _ignore,
    (State.STOPPING, Event.READY): _ignore,
    (State.STOPPING, Event.EXIT): _stopped,
    (State.STOPPING, Event.DEADLINE): _kill,
    (State.STOPPING, Event.STOP): _ignore,
}
