"""`sovereign panic`: the kill switch that needs neither ops nor engine. Refuses nothing, and says what it could not do.

First whatever keeps an engine from trading on: the HALT file, then the signal. Then straight to the venue.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import typer

from schemas import haltfile
from schemas.clock import NS_PER_MS, SystemClock
from schemas.haltfile import StandingHalt
from schemas.printable import printable
from schemas.settings import Home
from schemas.topology import ENGINE
from schemas.whole_file import write_whole
from sovereign_tui.cli import common
from sovereign_tui.ops import lastresort, plan
from sovereign_tui.ops.lastresort import Chance
from sovereign_tui.ops.pidfile import PidFile

_TIMEOUT_S: Final = 60.0
_NOT_DONE: Final[Mapping[str, Any]] = {
    "confirmed": False, "open_orders": None, "open_algos": None, "open_positions": None, "canceled": 0,
    "algos_canceled": 0, "closes_sent": 0, "keys_refused": "", "problems": [], "steps": {},
}  # fmt: skip
_SHOWN: Final = {"open orders": "open_orders", "open TP/SL": "open_algos", "positions": "open_positions"}

app = typer.Typer(add_completion=False)


@app.command()
def panic(
    flatten: Annotated[bool, typer.Option("--flatten", help="Also cancel TP/SL and close all positions.")] = False,
    venue: Annotated[
        Literal["sim", "paper", "demo", "live"] | None, typer.Option(help="Default: what runs, else the settings.")
    ] = None,
    instrument: Annotated[str, typer.Option(help="Only this one; default: all of the account.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="With --flatten: do not ask.")] = False,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds until it gives up; 0: never.")] = _TIMEOUT_S,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line; the last is the result.")] = False,
) -> None:
    """Cancel everything at the venue, without ops and engine. Exit code 0 only if the venue confirmed."""
    report = Report(as_json=as_json)
    home = Home.from_environment()
    _stop_trading(home, report)
    settings = lastresort.venue_settings(home.settings_file, os.environ, report.problem)
    name = lastresort.venue_name(home, settings, venue or "", report.say)
    confirmed = not flatten or yes or _typed(name, report)
    options = ["--timeout", f"{timeout:g}", *(["--flatten"] if flatten and confirmed else [])]
    options += [f"--instrument={instrument}"] if instrument else []
    result: dict[str, Any] = dict(_NOT_DONE)
    for chance in lastresort.chances(home, name, settings, os.environ, report.problem):
        report.say(f"venue {name} at {chance.rest}, keys from {chance.source}")
        result = _run(name, chance, options, report)
        if not result["keys_refused"]:
            break
        for problem in result["problems"]:
            report.problem(f"{chance.source}: {problem}")
        result = dict(_NOT_DONE)
    else:
        report.problem(f"venue {name}: no keys that it takes were found; nothing was done there")
    done = bool(result["confirmed"]) and confirmed
    report.finish(home, {**result, "confirmed": done, "venue": name, "flatten": flatten})
    if not done:
        raise typer.Exit(common.EXIT_FAILED)


class Report:
    """What is said, as it happens; the times are ms since the command began, or monotonic ns in JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._clock = SystemClock()
        self._problems: list[str] = []
        self._marks: dict[str, int] = {}
        self.id = haltfile.new_id()
        self.requested_ns = self._clock.monotonic_ns()

    def say(self, text: str, *, step: str = "panic", code: str = "") -> None:
        """Something that happened now."""
        self.pass_on({"mono_ns": self._clock.monotonic_ns(), "step": step, "code": code, "text": text})

    def problem(self, text: str) -> None:
        """Something that could not be done: it is in the result, too."""
        self._problems.append(text)
        self.say(text, step="problem")

    def mark(self, step: str, text: str) -> None:
        """A step of ours was done now."""
        self._marks[step] = self._clock.monotonic_ns()
        self.say(text, step=step)

    def pass_on(self, line: Mapping[str, Any]) -> None:
        """One line of this process, or of the one that speaks to the venue."""
        if self._as_json:
            return self._write(common.to_json(line))
        after_ms = (line["mono_ns"] - self.requested_ns) / NS_PER_MS
        code = f" ({line['code']})" if line["code"] else ""
        return self._write(f"{after_ms:+10.1f} ms  {line['step']:<20} {printable(line['text'] + code)}")

    def finish(self, home: Home, result: dict[str, Any]) -> None:
        """The result, kept beside the receipts of other halts when the disk allows."""
        steps = {name: {"first_ns": at, "last_ns": at} for name, at in self._marks.items()} | result["steps"]
        whole = {
            **result, "id": self.id, "requested_ns": self.requested_ns, "ended_ns": self._clock.monotonic_ns(),
            "steps": steps, "problems": [*self._problems, *result["problems"]],
        }  # fmt: skip
        path = home.data / "receipts" / f"panic-{self.id}.json"
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_whole(path, json.dumps(whole, ensure_ascii=False).encode("utf-8", "replace"))
        except OSError as error:
            whole["problems"].append(f"{path}: the receipt cannot be kept ({error.strerror})")
        if self._as_json:
            self._write(common.to_json({"result": whole}))
            return
        total_ms = (whole["ended_ns"] - self.requested_ns) / NS_PER_MS
        head = "PANIC, confirmed by the venue" if whole["confirmed"] else "PANIC NOT CONFIRMED"
        self._write(f"{head} in {total_ms:.1f} ms  (panic {self.id}, venue {whole['venue']})")
        for label, key in _SHOWN.items():
            if whole["flatten"] or key == "open_orders":
                self._write(f"  {label:<20} {'unknown' if whole[key] is None else whole[key]}")
        for problem in whole["problems"]:
            self._write(f"  ! {printable(problem)}")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # the terminal is gone: that must not stop it
            sys.stdout.write(text + "\n")
            sys.stdout.flush()


def _stop_trading(home: Home, report: Report) -> None:
    """The HALT file, then the signal."""
    standing = haltfile.read(home.runtime)
    path = haltfile.path_in(home.runtime)
    if standing is None or standing.id == haltfile.UNREADABLE:
        try:
            home.runtime.mkdir(parents=True, exist_ok=True, mode=0o700)
            haltfile.write(home.runtime, StandingHalt(id=report.id, issuer=common.issuer(), reason="panic"))
            report.mark("halt-file", f"{path} is written (halt {report.id})")
        except OSError as error:
            report.problem(f"{path} cannot be written ({error.strerror}): an engine that starts now is not halted")
    else:
        report.mark("halt-file", f"{path} is there already (halt {standing.id})")
    pid = PidFile(home.runtime / f"{ENGINE}.pid").living()
    if pid is None:
        report.say("no engine of this home runs", step="signal")
        return
    try:
        os.kill(pid, signal.SIGUSR1)
        report.mark("signal", f"SIGUSR1 to the engine, pid {pid}")
    except OSError as error:
        report.problem(f"the engine, pid {pid}, cannot be signaled ({error.strerror})")


def _typed(name: str, report: Report) -> bool:
    """Whether the operator wants the positions closed."""
    if not sys.stdin.isatty():
        report.problem("positions and their TP/SL stay: without a terminal --flatten needs --yes")
        return False
    if common.typed(f"All positions on the venue {name} will be closed at market. Type {name} to go on: ", name):
        return True
    report.problem(f"positions and their TP/SL stay: {name} was not typed")
    return False


def _run(name: str, chance: Chance, options: list[str], report: Report) -> dict[str, Any]:
    """The process that speaks to the venue; its result."""
    options = [*options, "--simulated"] if chance.simulated else options
    command = plan.panic(name, chance.rest, chance.keys.variables(), *options)
    result: dict[str, Any] = dict(_NOT_DONE)
    last = ""
    try:
        with subprocess.Popen(
            command.argv, env=command.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, encoding="utf-8", errors="replace",
        ) as process:  # fmt: skip
            assert process.stdout is not None
            for line in process.stdout:
                try:
                    said = json.loads(line)
                except ValueError:
                    said = None
                if not isinstance(said, dict):
                    last = line.strip()
                elif "result" in said:
                    return {**result, **said["result"]}
                else:
                    report.pass_on(said)
    except OSError as error:
        last = str(error)
    except KeyboardInterrupt:
        last = "interrupted"
    report.problem(f"the process that speaks to the venue ended early: {last or 'it said nothing'}")
    return result
