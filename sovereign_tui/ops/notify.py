"""Telling the operator's command and URL of alerts. They are others' programs: nothing of ops ever waits for them.

Alerts wait in a short line for each of the two; what takes too long is killed, what fails is not tried again (an alert
that stands is told again by itself), and it is said once until it works again. Neither gets a key of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import aiohttp
import msgspec

from schemas.messages import Alert
from schemas.settings.tree import Alerts
from sovereign_tui.ops.plan import base_environment

_WAITING: Final = 100
_ENCODE: Final = msgspec.json.Encoder().encode


class Undelivered(Exception):
    """The alert was not taken; the message says why, and names no URL: it may hold a token."""


class Notifier:
    """Hands alerts on. `counters`: alerts_told, alerts_failed, alerts_dropped (more than 100 were waiting)."""

    def __init__(self, settings: Alerts, log: Callable[[str, str], None]) -> None:
        self._settings = settings
        self._log = log
        self.counters: Counter[str] = Counter()
        ways: dict[str, Callable[[Alert], Awaitable[None]]] = {}
        if settings.command:
            ways["alerts.command"] = self._run
        if settings.url:
            ways["alerts.url"] = self._post
        self._ways = {name: (asyncio.Queue[Alert](_WAITING), way) for name, way in ways.items()}

    def tell(self, alert: Alert) -> None:
        """Have it told, if its kind is one of those that shall be. Never waits."""
        if alert.kind not in self._settings.kinds:
            return
        for queue, _ in self._ways.values():
            try:
                queue.put_nowait(alert)
            except asyncio.QueueFull:
                self.counters["alerts_dropped"] += 1

    def workers(self) -> list[Coroutine[Any, Any, None]]:
        """One for each way, to be run until cancelled: that kills the command that runs."""
        return [self._work(name, queue, way) for name, (queue, way) in self._ways.items()]

    async def _work(self, name: str, queue: asyncio.Queue[Alert], way: Callable[[Alert], Awaitable[None]]) -> None:
        failing = False
        while True:
            alert = await queue.get()
            try:
                await way(alert)
            except Undelivered as error:
                self.counters["alerts_failed"] += 1
                if not failing:
                    self._log("error", f"{name}: {error}; not said again until it works")
                failing = True
                continue
            self.counters["alerts_told"] += 1
            if failing:
                self._log("info", f"{name}: works again")
            failing = False

    async def _run(self, alert: Alert) -> None:
        """Raises: Undelivered."""
        told = {"SOVEREIGN_ALERT_KIND": alert.kind, "SOVEREIGN_ALERT_TEXT": alert.text}
        nowhere = asyncio.subprocess.DEVNULL
        try:
            process = await asyncio.create_subprocess_exec(
                *self._settings.command, stdin=asyncio.subprocess.PIPE, stdout=nowhere, stderr=nowhere,
                env=base_environment() | told, start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            raise Undelivered(f"cannot be started ({error})") from None
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await process.communicate(_ENCODE(alert))
        except TimeoutError:
            raise Undelivered(f"has not ended within {self._settings.timeout_s:g} s and was killed") from None
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            raise Undelivered(f"ended with code {process.returncode}")

    async def _post(self, alert: Alert) -> None:
        """Raises: Undelivered."""
        limit = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        headers = {"Content-Type": "application/json"}
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(self._settings.url, data=_ENCODE(alert), headers=headers, allow_redirects=False) as answer,
            ):
                status = answer.status
        except TimeoutError:
            raise Undelivered(f"has not answered within {self._settings.timeout_s:g} s") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise Undelivered(f"cannot be reached ({type(error).__name__})") from None
        if not 200 <= status < 300:
            raise Undelivered(f"answered {status}")
