"""`sovereign up`: start everything in the background, and say when it is up or why it is not."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, NoReturn

import typer

from schemas.clock import SystemClock
from schemas.settings import Home, Settings
from schemas.settings.venues import LIVE
from sovereign_tui.cli import common
from sovereign_tui.cli.progress import coming_up
from sovereign_tui.ops import client, launch, plan
from sovereign_tui.ops.arming import unarmed
from sovereign_tui.ops.keycheck import ask_venue

_WAIT_S: Final = 5.0

app = typer.Typer(add_completion=False)

VenueOption = Annotated[str | None, typer.Option("--venue", help="Where to trade: sim, paper, demo or live.")]
LiveOption = Annotated[bool, typer.Option("--live", help="Trade with money, on the venue live.")]


@app.command()
def up(
    venue: VenueOption = None,
    live: LiveOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Start what is needed to trade, in the background."""
    home = common.find_home(as_json=as_json)
    if launch.ops_is_running(home):
        names, outcome = _begin_anew(home, venue, live=live, as_json=as_json)
    else:
        names, outcome = [], begin(prepare(home, venue, live=live, as_json=as_json), quiet=as_json)
    if outcome.code != common.EXIT_OK:
        common.fail(outcome.problems, outcome.code, as_json=as_json, status=outcome.status)
    assert outcome.status is not None
    if as_json:
        common.print_json({"ok": True, "started_anew": names, **outcome.status})
    else:
        if names:
            typer.echo(f"ops was running; started anew: {', '.join(names)}")
        halted = f", halt {outcome.status['halt_id']} stands" if outcome.status["halt_id"] else ""
        typer.echo(f"up: {outcome.status['state']} on {outcome.status['venue']}{halted}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A start that nothing stands against. `added`: keys and confirmation for ops, where the venue asks for them."""

    home: Home
    settings: Settings
    added: Mapping[str, str] = field(repr=False)


def prepare(home: Home, venue: str | None, *, live: bool, as_json: bool = False) -> Start:
    """A start, refused before anything is started: exits with 78, and says all that is missing."""
    if venue is not None:
        os.environ["SOVEREIGN_VENUE__NAME"] = venue
    settings = common.find_settings(home, as_json=as_json)
    name, instrument = settings.venue.name, settings.venue.instrument
    keys, problems = unarmed(home, settings, os.environ, SystemClock().wall_ns())
    if name == LIVE and not live:
        problems.insert(0, "--live is not on the command line: say `--venue live --live`")
    if name == LIVE and not sys.stdin.isatty():
        problems.append(f"there is no terminal at which you could type {instrument}: run it in one")
    if name != LIVE and live:
        problems.append("--live goes with --venue live alone: leave it out")
    elsewhere = launch.orphans_elsewhere(home, name)
    if elsewhere is not None:
        problems.append(f"engine and brain still run on the venue {elsewhere}: `sovereign down` stops them")
    if not problems and keys is not None and not launch.orphans(home):
        problems += ask_venue(name, keys).problems  # what runs already is looked after, whatever the venue says now
    if problems:
        common.fail([f"venue {name}: {problem}" for problem in problems], common.EXIT_CONFIG, as_json=as_json)
    added = keys.variables() if keys is not None else {}
    if name == LIVE:
        _confirm(instrument, as_json=as_json)
        added[plan.CONFIRMED] = instrument
    return Start(home=home, settings=settings, added=added)


def _confirm(instrument: str, *, as_json: bool) -> None:
    """The operator types the instrument's name at the terminal; whatever else comes ends it with 78."""
    if not common.typed(f"LIVE: orders go to OKX with your money. Type {instrument} to go on: ", instrument):
        common.fail(
            [f"venue live: {instrument} was not typed; nothing was started"], common.EXIT_CONFIG, as_json=as_json
        )


def begin(start: Start, *, quiet: bool) -> launch.Outcome:
    """Starts, showing how far it is. An interrupt leaves nothing running: exits with 130."""
    try:
        if quiet or not sys.stderr.isatty():
            return launch.start(start.home, start.settings, added=start.added)
        with coming_up() as told:
            return launch.start(start.home, start.settings, told, added=start.added)
    except KeyboardInterrupt:
        common.fail(["interrupted; what was started is stopped again"], common.EXIT_INTERRUPTED, as_json=quiet)
    except OSError as error:
        common.fail([f"ops cannot be started: {error}"], common.EXIT_FAILED, as_json=quiet)


def _begin_anew(home: Home, venue: str | None, *, live: bool, as_json: bool) -> tuple[list[str], launch.Outcome]:
    """What a running ops gave up or never started. Exits with 1 if all of it runs, or runs at another venue."""
    pid = launch.running_ops(home)
    settings = common.find_settings(home, as_json=as_json)
    try:
        status = client.request_blocking(home, {"cmd": "status"}, _WAIT_S)
        idle = [process for process in status["processes"] if process["state"] in {"FATAL", "STOPPED"}]
        if not idle or status["venue"] != (venue or status["venue"]):
            fail_running(pid, as_json=as_json)
        if status["venue"] == LIVE:
            if not live:
                common.fail(
                    ["venue live: --live is not on the command line: say `--live`"],
                    common.EXIT_CONFIG, as_json=as_json,
                )  # fmt: skip
            _confirm(settings.venue.instrument, as_json=as_json)
        names, outcome = launch.start_anew(home, settings, common.issuer(), lambda status: None)
    except client.OpsError as error:
        common.fail([str(error)], common.EXIT_FAILED, as_json=as_json)
    if outcome is None:
        fail_running(pid, as_json=as_json)
    return names, outcome


def fail_running(pid: int | None, *, as_json: bool) -> NoReturn:
    """A second start of what runs already: exits with 1."""
    text = f"already running: ops has pid {pid or 'unknown'}; `sovereign status` shows it, `sovereign down` stops it"
    common.fail([text], common.EXIT_FAILED, as_json=as_json, pid=pid)
