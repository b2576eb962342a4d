"""`sovereign tui --selftest`: what this terminal is good for, and whether a halt would get through. Shows no screen."""

from __future__ import annotations

import os
import socket
import sys
import threading
import time
from collections.abc import Mapping
from queue import SimpleQueue
from statistics import median
from typing import Any, Final

import typer

from schemas.printable import printable
from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.cockpit.tty.pacer import Level, Sample, judge
from sovereign_tui.cockpit.tty.probe import ROUND_TRIPS, Line, colours, probe
from sovereign_tui.ops import client

_PATIENCE_S: Final = 5.0
_CONNECTS: Final = 20
_FRAME_BYTES: Final = 3_000
_NS_PER_MS: Final = 1_000_000
Report = list[tuple[str, str]]


def selftest(home: Home) -> int:
    """Measures and prints; returns 0, 1 if no halt can be rehearsed, 3 if ops does not run."""
    _say(("terminal", _terminal(os.environ)))
    for line in _link():
        _say(line)
    code, text = _rehearsal(home)
    _say(("halt", text))
    if code != common.EXIT_DOWN:
        _say(("kill key", _kill_key(home)))
    return code


def _say(line: tuple[str, str]) -> None:
    typer.echo(f"{line[0]:<10} {printable(line[1])}")


def _terminal(environment: Mapping[str, str]) -> str:
    try:
        columns, lines = os.get_terminal_size(sys.stderr.fileno())
        size = f"{columns}x{lines}"
    except (OSError, ValueError):
        size = "size unknown"
    parts = [environment.get("TERM") or "TERM unset", f"colours {colours(environment)}", size]
    if environment.get("TMUX"):
        parts.append("in tmux: it answers in the place of the terminal")
    return ", ".join(parts)


def _link() -> Report:
    try:
        line = probe(sys.stdin.fileno(), sys.stderr.fileno())
    except (OSError, ValueError) as error:
        return [("link", f"not measured: no terminal ({error})")]
    return list(_told(line))


def _told(line: Line) -> Report:
    if line.p50_ms is None:
        return [("link", "the terminal answers nothing: frames are paced by what it takes")]
    width = "?" if line.bytes_per_s is None else f"{line.bytes_per_s / 1_000:,.0f} kB/s"
    lost = f", {line.unanswered} of {ROUND_TRIPS} unanswered" if line.unanswered else ""
    told = {True: "takes OSC 52", False: "does not say that it takes OSC 52", None: "does not say"}
    return [
        ("link", f"answers in {line.p50_ms:.1f} ms (p50), {line.max_ms:.1f} ms (max){lost}; {width}: {level(line)}"),
        ("updates", "synchronised" if line.synchronises else "not synchronised: a frame may be seen half drawn"),
        ("clipboard", told[line.clipboard]),
    ]


def level(line: Line) -> Level:
    """What --link auto would make of it, with frames of the usual size."""
    if line.p50_ms is None:
        return Level.FAST
    loaded_ms = line.p50_ms + (_FRAME_BYTES * 1_000 / line.bytes_per_s if line.bytes_per_s else 0.0)
    return judge(Level.FAST, [Sample(loaded_ms, _FRAME_BYTES)] * 9, line.p50_ms)


def _rehearsal(home: Home) -> tuple[int, str]:
    """Exit code and words."""
    began_ns = time.monotonic_ns()
    command = {"cmd": "rehearse", "issuer": common.issuer(), "mono_ns": began_ns}
    try:
        answer = client.request_blocking(home, command, _PATIENCE_S)
    except client.OpsDown as error:
        return common.EXIT_DOWN, f"not rehearsed: {error}"
    except client.OpsRefused as error:
        mend = "; this ops is of another version: `sovereign down`, then `sovereign up`"
        known = "unknown command" not in str(error)
        return common.EXIT_FAILED, f"not rehearsed: {error}{'' if known else mend}"
    except client.OpsError as error:
        return common.EXIT_FAILED, f"not rehearsed: {error}"
    whole = f"{(time.monotonic_ns() - began_ns) / _NS_PER_MS:.1f} ms"
    if answer.get("ok") is not True:
        text = str(answer.get("text") or "no reason given")
        return common.EXIT_FAILED, f"not rehearsed: {text}; see `sovereign status`, and halt with `sovereign halt`"
    steps = ", ".join(f"{name} {_ms(answer.get(key))}" for name, key in (("ops", "ops_ms"), ("engine", "engine_ms")))
    return common.EXIT_OK, f"rehearsed in {whole}: {steps}; {answer.get('text') or 'nothing was halted'}"


def _ms(value: Any) -> str:
    return f"{value:.1f} ms" if isinstance(value, int | float) else "?"


def _kill_key(home: Home) -> str:
    """From the key to an open control socket, in a thread that stands by as the kill key's does."""
    taken = [_connect_ms(home) for _ in range(_CONNECTS)]
    known = [ms for ms in taken if ms is not None]
    if not known:
        return "its thread cannot open the control socket; `sovereign halt` asks the engine without it"
    return f"its thread has the control socket after {median(known):.2f} ms (p50), {max(known):.2f} ms (max)"


def _connect_ms(home: Home) -> float | None:
    presses: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[float | None] = SimpleQueue()

    def stand_by() -> None:
        pressed_ns = presses.get()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.settimeout(_PATIENCE_S)
            try:
                channel.connect(str(home.control_socket))
            except OSError:
                done.put(None)
                return
            done.put((time.monotonic_ns() - pressed_ns) / _NS_PER_MS)

    thread = threading.Thread(target=stand_by, name="kill key", daemon=True)
    thread.start()
    presses.put(time.monotonic_ns())
    taken = done.get()
    thread.join()
    return taken
