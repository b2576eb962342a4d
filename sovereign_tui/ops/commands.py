"""The commands of the control socket.

    ping                                   -> {"ok": true, "pid": int}
    status                                 -> see Picture.status
    halt    issuer?, reason?, mono_ns?, id?, progress? -> [{"progress": receipt} ...] receipt; `id`: whose file there is
    flatten as halt; the position is closed, too
    resume  halt_id (null is refused, and told which), issuer? -> {"ok": bool, "halt_id": str | null, "text": str}
    config  key, value (TOML), confirmed?, issuer? -> {"ok": bool, "text": str, "old", "new", "loosening": bool}
    rearm   issuer?, reason?               -> {"ok": bool, "text": str}
    start   issuer?                        -> {"ok": true, "started": [name ...]}: what was FATAL or STOPPED
    down    issuer?, progress?             -> [{"progress": {"stopping": name}} ...] {"ok": true}, then ops ends
    log     level, text                    -> {"ok": true}; into everybody's log, under the name of the cockpit

Every answer may be {"error": text} instead.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import asdict
from functools import partial
from typing import Any, Final

import msgspec

from schemas import haltfile
from sovereign_tui.ops.adjust import AdjustDesk
from sovereign_tui.ops.control import BadCommand
from sovereign_tui.ops.halts import HaltDesk, receipt_fields
from sovereign_tui.ops.resume import ResumeDesk
from sovereign_tui.ops.status import Picture

_MAX_TEXT: Final = 500
_MISSING: Final = object()

Answers = AsyncIterator[dict[str, Any]]


class Commands:
    """Understands commands and has them done. `stop(issuer, progress)` stops the system, `start(issuer)` starts what
    was given up and returns its names."""

    def __init__(
        self,
        *,
        picture: Picture,
        halts: HaltDesk,
        resumes: ResumeDesk,
        adjust: AdjustDesk,
        start: Callable[[str], list[str]],
        stop: Callable[[str, Callable[[str], None]], Awaitable[None]],
        log: Callable[[str, str], None],
    ) -> None:
        self._picture = picture
        self._halts = halts
        self._resumes = resumes
        self._adjust = adjust
        self._start = start
        self._stop = stop
        self._log = log
        self._by_name: dict[str, Callable[[dict[str, Any]], Answers]] = {
            "ping": self._ping,
            "status": self._status,
            "halt": partial(self._halt, flatten=False),
            "flatten": partial(self._halt, flatten=True),
            "resume": self._resume,
            "config": self._config,
            "rearm": self._rearm,
            "start": self._start_anew,
            "down": self._down,
            "log": self._note,
        }

    def __call__(self, command: dict[str, Any]) -> Answers:
        """The answers. Raises: BadCommand, here or while they are read."""
        handler = self._by_name.get(command["cmd"])
        if handler is None:
            raise BadCommand(f"unknown command {command['cmd'][:40]!r}; there are {', '.join(self._by_name)}")
        return handler(command)

    async def _ping(self, command: dict[str, Any]) -> Answers:
        yield {"ok": True, "pid": os.getpid()}

    async def _status(self, command: dict[str, Any]) -> Answers:
        yield self._picture.status()

    async def _halt(self, command: dict[str, Any], *, flatten: bool) -> Answers:
        issuer, reason = _text(command, "issuer", "unknown"), _text(command, "reason", "")
        progress = _flag(command, "progress")
        mono_ns = command.get("mono_ns", 0)
        if isinstance(mono_ns, bool) or not isinstance(mono_ns, int):
            mono_ns = 0  # nothing keeps a halt from being carried out
        halt_id = haltfile.known_id(command.get("id"))
        what = "FLATTEN" if flatten else "HALT"
        self._log("warning", f"{what} asked by {issuer}: {reason or 'no reason given'}")
        final: dict[str, Any] = {}
        async with aclosing(
            self._halts.halt(issuer, reason, flatten=flatten, mono_ns=mono_ns, halt_id=halt_id)
        ) as receipts:
            async for receipt in receipts:
                final = receipt_fields(receipt)
                if progress:
                    yield {"progress": final}
        yield final

    async def _resume(self, command: dict[str, Any]) -> Answers:
        issuer = _text(command, "issuer", "unknown")
        wanted = command.get("halt_id")
        if wanted is not None and not isinstance(wanted, str):
            raise BadCommand("halt_id: the id of the standing halt as a text, or null")
        result = await self._resumes.resume(wanted, issuer)
        self._log("warning", f"RESUME asked by {issuer}: {result.text}")
        yield {"ok": result.ok, "halt_id": result.halt_id, "text": result.text}

    async def _config(self, command: dict[str, Any]) -> Answers:
        key, value = _text(command, "key", ""), _text(command, "value", "")
        confirmed, issuer = _flag(command, "confirmed"), _text(command, "issuer", "unknown")
        if not key or not value:
            raise BadCommand("config: key and value, please")
        yield asdict(await self._adjust.change(key, value, confirmed=confirmed, issuer=issuer))

    async def _rearm(self, command: dict[str, Any]) -> Answers:
        done = await self._adjust.rearm(_text(command, "issuer", "unknown"), _text(command, "reason", ""))
        yield {"ok": done.ok, "text": done.text}

    async def _start_anew(self, command: dict[str, Any]) -> Answers:
        yield {"ok": True, "started": self._start(_text(command, "issuer", "unknown"))}

    async def _down(self, command: dict[str, Any]) -> Answers:
        issuer = _text(command, "issuer", "unknown")
        progress = _flag(command, "progress")
        names: asyncio.Queue[str | None] = asyncio.Queue()
        stopping = asyncio.ensure_future(self._stop(issuer, names.put_nowait))
        stopping.add_done_callback(lambda _: names.put_nowait(None))
        while (name := await names.get()) is not None:
            if progress:
                yield {"progress": {"stopping": name}}
        await stopping
        yield {"ok": True}

    async def _note(self, command: dict[str, Any]) -> Answers:
        level, text = _text(command, "level", "info"), _text(command, "text", "")
        if level not in {"debug", "info", "warning", "error"} or not text:
            raise BadCommand("log: level (debug, info, warning, error) and text, please")
        self._log(level, text)
        yield {"ok": True}


def _text(command: dict[str, Any], key: str, default: str) -> str:
    value = command.get(key, _MISSING)
    if value is _MISSING or value is None:
        return default
    if not isinstance(value, str):
        raise BadCommand(f"{key}: a text, please, not {msgspec.json.encode(value)[:40].decode(errors='replace')}")
    return value[:_MAX_TEXT]


def _flag(command: dict[str, Any], key: str) -> bool:
    value = command.get(key, False)
    if not isinstance(value, bool):
        raise BadCommand(f"{key}: true or false, please")
    return value
