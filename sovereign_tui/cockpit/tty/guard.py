"""The parent of the cockpit: whatever becomes of the child, the terminal is left as it was found.

It forks before Textual is loaded, and then only waits: no thread, no event loop, nothing to crash in. A child that was
killed, or crashed, or hung, has left the terminal raw, on its second screen and with the mouse on; the parent mends
that, and says in one line what happened. Imports nothing heavy.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sovereign_tui.cockpit.tty.crash import EXIT_CRASHED, Crashes, crash_file, what_happened
from sovereign_tui.cockpit.tty.restore import Terminal

_LEFT: Final = b"."
_STOPPING: Final = b"z"
_GRACE_S: Final = 5.0
_FORWARDED: Final = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
_STOPS: Final = (signal.SIGTSTP, signal.SIGCONT)
_SIZE: Final = ("COLUMNS", "LINES")


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the child has of its parent. `parent`: a socket's descriptor, at its end when the parent is gone."""

    crashes: Crashes
    parent: int

    def stopping(self) -> None:
        """The child is about to stop itself: the parent is to stop, too."""
        self._say(_STOPPING)

    def left(self) -> None:
        """The child has put the terminal back by itself."""
        self._say(_LEFT)

    def _say(self, word: bytes) -> None:
        with contextlib.suppress(OSError):  # the parent is gone
            os.write(self.parent, word)


def guard(child: Callable[[Guarded], int], logs: Path) -> int:
    """Runs `child` in a process of its own; returns the exit code.

    That of the child; 128 + signal where a signal ended it, 70 where it crashed. `logs`: where its crash file goes.
    """
    terminal = Terminal.found()
    started_ns = time.time_ns()
    sys.stdout.flush()
    sys.stderr.flush()
    ours, theirs = socket.socketpair()
    relay = _Relay()
    relay.install()
    pid = os.fork()
    if pid == 0:
        ours.close()
        relay.remove()
        os._exit(_run(child, crash_file(logs, started_ns, os.getpid()), theirs))
    theirs.close()
    relay.begin(pid)
    ours.setblocking(False)
    code, in_order = _await(pid, ours)
    relay.remove()
    if not in_order:
        terminal.restore()
    path = crash_file(logs, started_ns, pid)
    text = _last_word(code, path, relay.asked)
    if text:
        terminal.tell(text)
    return code


def _run(child: Callable[[Guarded], int], path: Path, parent: socket.socket) -> int:
    """The child's whole life."""
    crashes = Crashes(path)
    with contextlib.suppress(OSError):  # no room for a crash file: it runs without one
        crashes.open()
    guarded = Guarded(crashes, parent.fileno())
    for name in _SIZE:  # the terminal says how large it is; somebody's export of it is of another time
        os.environ.pop(name, None)
    try:
        code = child(guarded)
        guarded.left()
    except Exception as error:  # noqa: BLE001  # the last word of the process: told whole, in the file
        crashes.note("the cockpit:", error)
        code = EXIT_CRASHED
    sys.stdout.flush()
    sys.stderr.flush()
    crashes.close()
    return code


def _await(pid: int, told: socket.socket) -> tuple[int, bool]:
    """The exit code, and whether the child put the terminal back by itself."""
    heard = b""
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        with contextlib.suppress(OSError):
            heard += told.recv(64)
        if not os.WIFSTOPPED(status):
            break
        if heard.endswith(_STOPPING):
            heard = b""
            os.kill(os.getpid(), signal.SIGSTOP)  # so that the shell sees its job stopped; SIGCONT wakes both
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status), False
    return os.WEXITSTATUS(status), heard.endswith(_LEFT)


def _last_word(code: int, crash: Path, asked: int | None) -> str:
    """What the user reads when it did not end as it should; "" if there is nothing to say."""
    if code != EXIT_CRASHED and (code <= 128 or code - 128 in {asked, *_FORWARDED}):
        return ""
    what = what_happened(crash) if code == EXIT_CRASHED else f"ended by {_name_of(code - 128)}"
    details = f" details in {crash};" if _is_told(crash) else ""
    return (
        f"sovereign: the cockpit has crashed ({what or 'nothing is known'}); trading goes on untouched;{details}"
        " `sovereign tui --attach` comes back, `sovereign halt` halts\n"
    )


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals has no name
        return f"signal {number}"


def _is_told(crash: Path) -> bool:
    try:
        return crash.stat().st_size > 0
    except OSError:  # there is none, or we may not look
        return False


class _Relay:
    """Hands signals on to the child; one that does not end at them is killed."""

    def __init__(self) -> None:
        self.asked: int | None = None
        self._pid: int | None = None
        self._before: dict[int, object] = {}

    def install(self) -> None:
        """From now on signals are kept, and after `begin` handed on."""
        for number in (*_FORWARDED, *_STOPS, signal.SIGALRM):
            self._before[number] = signal.signal(number, self._on_signal)

    def remove(self) -> None:
        """As it was before."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, before in self._before.items():
            signal.signal(number, before)  # type: ignore[arg-type]

    def begin(self, pid: int) -> None:
        """The child is there; it gets what came before it."""
        self._pid = pid
        if self.asked is not None:
            self._on_signal(self.asked)

    def _on_signal(self, number: int, _: object = None) -> None:
        if number in _FORWARDED:
            self.asked = number
        if self._pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL if number == signal.SIGALRM else number)
        if number in _FORWARDED:
            signal.setitimer(signal.ITIMER_REAL, _GRACE_S)
