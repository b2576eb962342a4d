"""`sovereign blackbox sessions`, and the choice of the one that is to be played again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from schemas.clock import NS_PER_S
from schemas.settings import Home, Settings
from sovereign_tui.cli import common
from sovereign_tui.cli.cockpit import demand_terminal, show
from sovereign_tui.forensics.lines import clock_time
from sovereign_tui.replay.sessions import Listing, Session, list_sessions

LAST = "last"
_SHOWN = 20
"""Sessions named in an error."""


class NoSuchSession(Exception):
    """Nothing, or more than one, is meant by what was typed; `candidates`, newest first."""

    def __init__(self, problem: str, candidates: Sequence[Session]) -> None:
        super().__init__(problem)
        self.candidates = tuple(reversed(candidates))


def sessions(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """List the recorded sessions: each is one life of the system, from its start to its end (UTC)."""
    home = common.find_home(as_json=as_json)
    listing = _listing(home, as_json=as_json)
    if as_json:
        common.print_json({
            "ok": True, "sessions": [_row(one) for one in listing.sessions], "problems": list(listing.problems),
        })  # fmt: skip
        return
    for one in listing.sessions:
        typer.echo(_line(one))
    for problem in listing.problems:
        typer.echo(f"sovereign: {problem}", err=True)
    if not listing.sessions:
        typer.echo(f"no session is recorded in {home.blackbox}")


def replay(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Its id, the beginning of it, or `last`.")],
) -> None:
    """Open the cockpit on a recorded session."""
    home = common.find_home()
    settings = common.find_settings(home)
    try:
        chosen = choose(_listing(home).sessions, session)
    except NoSuchSession as error:
        more = len(error.candidates) - _SHOWN
        listed = [f"  {_line(one)}" for one in error.candidates[:_SHOWN]]
        common.fail([str(error), *listed, *([f"  and {more} more"] if more > 0 else [])], common.EXIT_FAILED)
    raise typer.Exit(open_screen(home=home, settings=settings, session=chosen))


def choose(found: Sequence[Session], text: str) -> Session:
    """The session of this id or of a unique beginning of one; `last` is the newest. Raises: NoSuchSession."""
    if not found:
        raise NoSuchSession("no session is recorded", ())
    if text == LAST:
        return found[-1]
    exact = [one for one in found if one.id == text]
    mine = exact or [one for one in found if text and one.id.startswith(text)]
    if not mine:
        raise NoSuchSession(f"{text}: no session of this id; there are", found)
    if len(mine) > 1:
        raise NoSuchSession(f"{text} may mean {len(mine)} of them; give more of the id", mine)
    return mine[0]


def open_screen(*, home: Home, settings: Settings, session: Session) -> int:
    """The cockpit, fed from the record; its exit code."""
    demand_terminal()
    return show(home, settings, readonly=True, halt=True, session=session)


def _listing(home: Home, *, as_json: bool = False) -> Listing:
    try:
        return list_sessions(home.blackbox)
    except OSError as error:
        problem = f"{error.filename or home.blackbox}: {error.strerror}"
        common.fail([problem], common.EXIT_FAILED, as_json=as_json)


def _row(session: Session) -> dict[str, Any]:
    return {
        "id": session.id, "from_ns": session.since_ns, "to_ns": session.until_ns, "boot": session.boot.hex(),
        "bytes": session.size, "processes": list(session.processes), "ending": session.ending.value,
        "runs": [
            {"process": run.process, "pid": run.pid, "from_ns": run.since_ns, "to_ns": run.until_ns,
             "closed": run.closed}
            for run in session.runs
        ],
    }  # fmt: skip


def _line(session: Session) -> str:
    lasted_s = (session.last_ns - session.first_ns) // NS_PER_S
    begins, ends = (clock_time(ns)[:19] for ns in (session.since_ns, session.until_ns))
    told = f"{session.id:<17}  {begins} - {ends}  {lasted_s:>7} s {session.size / 2**20:>10.1f} MiB"
    return f"{told}  {session.ending:<10}  {' '.join(session.processes)}"
