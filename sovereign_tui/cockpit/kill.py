"""The kill key's way: a thread and a socket of its own, so that neither the screen nor its event loop can delay it.

The engine is told first, by the halt file; then ops is asked, which sees it through and shows the receipt.

`press` may be called from any thread. What comes back is collected, and folded into the view at the next paint; the
thread never touches a widget.
"""

from __future__ import annotations

import getpass
import os
import sys
import threading
from collections import deque
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, Final, Protocol

import msgspec

from schemas.clock import NS_PER_MS, Clock
from schemas.messages import Receipt
from schemas.settings import Home
from sovereign_tui.cockpit.view import Kill, KillPhase
from sovereign_tui.ops import direct
from sovereign_tui.ops.client import OpsError, stream_blocking

REASON: Final = "kill key"
NO_HALT: Final = "no halt from this screen (--no-halt): `sovereign halt` in another terminal"
BOUNCE_NS: Final = 300 * NS_PER_MS
"""A held key repeats; within this time a second press is the same press."""
_FIRST_WORD_S: Final = 1.0
"""Ops answers at once; after that the engine is asked without it."""
_WITHOUT_OPS_S: Final = 10.0
_SILENCE_S: Final = 5.0
"""Ops says something every second while a HALT is on its way."""


def issuer() -> str:
    """Who sits at this screen: user@terminal."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    try:
        return f"{user}@{os.ttyname(sys.__stdin__.fileno()) if sys.__stdin__ else 'notty'}"
    except (OSError, ValueError):
        return f"{user}@notty"


class Switch(Protocol):
    """What a screen needs of it."""

    def press(self) -> None:
        """From any thread."""
        ...

    def take_news(self) -> list[Kill]:
        """What has come since the last call, oldest first."""
        ...

    def take_note(self) -> str:
        """What the operator is to read, "" for nothing new."""
        ...


class NoKillSwitch:
    """In the place of one where the operator wanted a screen that commands nothing at all: it only says so."""

    def __init__(self) -> None:
        self._pressed = threading.Event()

    def press(self) -> None:
        """Asks nobody."""
        self._pressed.set()

    def take_news(self) -> list[Kill]:
        """Never any."""
        return []

    def take_note(self) -> str:
        """That nothing was asked, once a press."""
        if not self._pressed.is_set():
            return ""
        self._pressed.clear()
        return NO_HALT


class KillSwitch:
    """Asks ops for a HALT. `home`: where the control socket is."""

    def __init__(self, home: Home, clock: Clock, who: str) -> None:
        self._home = home
        self._clock = clock
        self._who = who
        self._lock = threading.Lock()
        self._pressed_ns: int | None = None
        self._number = 0
        self._news: deque[Kill] = deque()
        self._presses: SimpleQueue[Kill] = SimpleQueue()
        self._stand_by()

    def press(self) -> None:
        """Asks now, whatever an earlier press has come to."""
        now_ns = self._clock.monotonic_ns()
        with self._lock:
            if self._pressed_ns is not None and now_ns - self._pressed_ns < BOUNCE_NS:
                return
            self._pressed_ns = now_ns
            self._number += 1
            kill = Kill(number=self._number, pressed_ns=now_ns)
        self._news.append(kill)
        self._presses.put(kill)
        self._stand_by()

    def _stand_by(self) -> None:
        """A thread waits for the next press: none has to be made first, and one that hangs holds up no other."""
        # a daemon: a hung ops must not keep a closed cockpit alive; the HALT itself is with the engine by then
        threading.Thread(target=lambda: self._ask(self._presses.get()), name="kill key", daemon=True).start()

    def take_news(self) -> list[Kill]:
        """What has come since the last call, oldest first."""
        news = []
        while self._news:
            news.append(self._news.popleft())
        return news

    def take_note(self) -> str:
        """Never any: the banner says how far it is."""
        return ""

    def _ask(self, kill: Kill) -> None:
        written = direct.at_once(self._home, self._who, REASON, mono_ns=kill.pressed_ns)
        command = {
            "cmd": "halt", "id": written, "issuer": self._who, "reason": REASON, "progress": True,
            "mono_ns": kill.pressed_ns,
        }  # fmt: skip
        answered = False
        try:
            for answer in stream_blocking(self._home, command, _SILENCE_S, first_s=_FIRST_WORD_S):
                answered = "progress" not in answer
                receipt = _receipt(answer if answered else answer["progress"])
                phase = KillPhase.ANSWERED if answered else KillPhase.ASKING
                kill = replace(kill, receipt=receipt, phase=phase)
                self._news.append(kill)
        except OpsError as error:
            self._without_ops(kill, written, str(error))
        except (OSError, KeyError, msgspec.ValidationError) as error:
            self._without_ops(kill, written, f"the answer of ops to the HALT is not usable ({error})")

    def _without_ops(self, kill: Kill, written: str, why: str) -> None:
        """The halt file, and what the engine makes of it."""
        asked = direct.ask(self._home, self._who, REASON, mono_ns=kill.pressed_ns, written=written)
        self._news.append(replace(kill, phase=KillPhase.FAILED, problem=why))
        if asked.engine is None:
            return
        for found in direct.receipts(self._home, asked, _WITHOUT_OPS_S):
            receipt = _receipt(found)
            phase = KillPhase.ANSWERED if receipt.done else KillPhase.ASKING
            self._news.append(replace(kill, receipt=receipt, phase=phase))


def _receipt(fields: Any) -> Receipt:
    """Raises: msgspec.ValidationError."""
    return msgspec.convert(fields, Receipt)
