"""Waiting for a process that may not be our child, and signalling it: pidfd on Linux, polling elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from typing import Final, Protocol

from sovereign_tui.ops.pidfile import identity

_POLL_S: Final = 0.05


class Handle(Protocol):
    """One running process."""

    pid: int

    async def wait(self) -> int | None:
        """Its exit code when it has ended (negative: a signal), None if only its parent can know. To be called once."""
        ...

    def send(self, number: signal.Signals) -> None:
        """Sends a signal. Nothing if it has ended, whoever has its pid now."""
        ...


def open_handle(pid: int, child: subprocess.Popen[bytes] | None = None) -> Handle | None:
    """A handle on a process; `child`, if we started it. None: there is no such process."""
    known = identity(pid)
    if sys.platform == "linux":
        try:
            return _PidfdHandle(pid, child)
        except ProcessLookupError:
            return None
        except OSError:
            pass  # a kernel or sandbox without pidfd: poll
    return _PollingHandle(pid, child, known) if known is not None or child is not None else None


class _PidfdHandle:
    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None) -> None:
        self.pid = pid
        self._child = child
        self._fd = os.pidfd_open(pid)

    async def wait(self) -> int | None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._fd, _resolve, ended)
        try:
            await ended
        finally:
            loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
        return self._child.wait() if self._child is not None else None

    def send(self, number: signal.Signals) -> None:
        if self._fd >= 0:
            with contextlib.suppress(ProcessLookupError):  # it has ended; `wait` says so
                signal.pidfd_send_signal(self._fd, number)


class _PollingHandle:
    def __init__(self, pid: int, child: subprocess.Popen[bytes] | None, known: str | None) -> None:
        self.pid = pid
        self._child = child
        self._known = known

    async def wait(self) -> int | None:
        while True:
            if self._child is not None:
                code = self._child.poll()
                if code is not None:
                    return code
            elif identity(self.pid) != self._known:
                return None
            await asyncio.sleep(_POLL_S)

    def send(self, number: signal.Signals) -> None:
        if self._child is not None:
            self._child.send_signal(number)
        elif identity(self.pid) == self._known:
            with contextlib.suppress(ProcessLookupError):  # it has ended; `wait` says so
                os.kill(self.pid, number)


def _resolve(ended: asyncio.Future[None]) -> None:
    if not ended.done():
        ended.set_result(None)
