"""The commands of the control socket.

    ping                                   -> {"ok": true, "pid": int}
    status                                 -> see Picture.status
    halt    issuer?, reason?, mono_ns?, id?, progress? -> [{"progress": receipt} ...] receipt; `id`: whose file there is
    flatten as halt; the position is closed, too
    resume  halt_id (null is refused, and told which), issuer? -> {"ok": bool, "halt_id": str | null, "text": str}
    config  key, value (TOML), confirmed?, issuer? -> {"ok": bool, "text": str, "old", "new", "loosening": bool,
            "processes": {name: text}}; limits at once, what else is right from the next start on
    rearm   issuer?, reason?               -> {"ok": bool, "text": str}
    rehearse issuer?, mono_ns              -> {"ok": bool, "text": str, "ops_ms": float, "engine_ms": float | null}
    start   issuer?                        -> {"ok": true, "started": [name ...]}: what was FATAL or STOPPED
    acknowledge kind, since_ns?, issuer?   -> {"ok": bool, "text": str}; kind "": every alert that stands
    down    issuer?, progress?             -> [{"progress": {"stopping": name}} ...] {"ok": true}, then ops ends
    log     level, text                    -> {"ok": true}; into everybody's log, under the name of the cockpit
    audit   action, detail?, issuer?       -> {"ok": true}; on the audit tape: what a screen does itself

What does something is on the audit tape, from its beginning to its end, also when nobody waits for the answer.

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
from schemas.messages import Receipt
from schemas.settings.readers import SECRET
from sovereign_tui.ops.adjust import AdjustDesk
from sovereign_tui.ops.alert_desk import AlertDesk
from sovereign_tui.ops.audit import AuditDesk, Note
from sovereign_tui.ops.control import BadCommand
from sovereign_tui.ops.halts import HaltDesk, receipt_fields
from sovereign_tui.ops.rehearsal import RehearsalDesk
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
        audit: AuditDesk,
        alerts: AlertDesk,
        rehearsals: RehearsalDesk,
        start: Callable[[str], list[str]],
        stop: Callable[[str, Callable[[str], None]], Awaitable[None]],
        log: Callable[[str, str], None],
    ) -> None:
        self._picture = picture
        self._halts = halts
        self._resumes = resumes
        self._adjust = adjust
        self._audit = audit
        self._alerts = alerts
        self._rehearsals = rehearsals
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
            "rehearse": self._rehearse,
            "start": self._start_anew,
            "acknowledge": self._acknowledge,
            "down": self._down,
            "log": self._note,
            "audit": self._audited,
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
        issuer, reason, mono_ns = (command.get(key) for key in ("issuer", "reason", "mono_ns"))
        progress = command.get("progress") is True
        issuer = issuer[:_MAX_TEXT] if isinstance(issuer, str) else "unknown"
        reason = reason[:_MAX_TEXT] if isinstance(reason, str) else ""
        if isinstance(mono_ns, bool) or not isinstance(mono_ns, int):
            mono_ns = 0  # nothing keeps a halt from being carried out: what is wrong beside it is passed over
        halt_id = haltfile.known_id(command.get("id"))
        what = "FLATTEN" if flatten else "HALT"
        self._log("warning", f"{what} asked by {issuer}: {reason or 'no reason given'}")
        final: dict[str, Any] = {}
        async with aclosing(
            self._halts.halt(issuer, reason, flatten=flatten, mono_ns=mono_ns, halt_id=halt_id)
        ) as receipts:
            async for receipt in receipts:
                if not final:  # what was asked for is on its way
                    self._follow(receipt, action="flatten" if flatten else "halt", issuer=issuer, detail=reason,
                                 mono_ns=mono_ns)  # fmt: skip
                final = receipt_fields(receipt)
                if progress:
                    yield {"progress": final}
        yield final

    def _follow(self, receipt: Receipt, **asked: Any) -> None:
        outcome = self._halts.outcome()
        if outcome is not None:
            self._audit.begin_halt(receipt, outcome, **asked)

    async def _resume(self, command: dict[str, Any]) -> Answers:
        issuer = _text(command, "issuer", "unknown")
        wanted = command.get("halt_id")
        if wanted is not None and not isinstance(wanted, str):
            raise BadCommand("halt_id: the id of the standing halt as a text, or null")
        with self._audit.begin("resume", issuer, f"halt {wanted or 'not named'}") as note:
            result = await self._resumes.resume(wanted, issuer)
            note.says(result.text, ok=result.ok)
        self._log("warning", f"RESUME asked by {issuer}: {result.text}")
        yield {"ok": result.ok, "halt_id": result.halt_id, "text": result.text}

    async def _config(self, command: dict[str, Any]) -> Answers:
        key, value = _text(command, "key", ""), _text(command, "value", "")
        confirmed, issuer = _flag(command, "confirmed"), _text(command, "issuer", "unknown")
        if not key or not value:
            raise BadCommand("config: key and value, please")
        told = f"{key} = {'...' if key in SECRET else value}{', confirmed' if confirmed else ''}"
        with self._audit.begin("config", issuer, told) as note:
            done = await self._adjust.change(key, value, confirmed=confirmed, issuer=issuer)
            note.says(done.text, ok=done.ok)
        yield asdict(done)

    async def _rearm(self, command: dict[str, Any]) -> Answers:
        issuer, reason = _text(command, "issuer", "unknown"), _text(command, "reason", "")
        with self._audit.begin("rearm", issuer, reason) as note:
            done = await self._adjust.rearm(issuer, reason)
            note.says(done.text, ok=done.ok)
        yield {"ok": done.ok, "text": done.text}

    async def _rehearse(self, command: dict[str, Any]) -> Answers:
        issuer, mono_ns = _text(command, "issuer", "unknown"), command.get("mono_ns")
        if isinstance(mono_ns, bool) or not isinstance(mono_ns, int) or not self._rehearsals.is_past(mono_ns):
            raise BadCommand("rehearse: mono_ns, when the key was hit by the machine's monotonic clock, please")
        with self._audit.begin("rehearse", issuer, "") as note:
            done = await self._rehearsals.rehearse(issuer, mono_ns)
            note.says(done.text, ok=done.ok)
        yield asdict(done)

    async def _acknowledge(self, command: dict[str, Any]) -> Answers:
        issuer, kind, since_ns = _text(command, "issuer", "unknown"), command.get("kind"), command.get("since_ns", 0)
        if not isinstance(kind, str):
            raise BadCommand('acknowledge: the kind of the alert as a text; "" for all that stand')
        if isinstance(since_ns, bool) or not isinstance(since_ns, int):
            raise BadCommand("since_ns: when the alert began, ns, as it says itself")
        with self._audit.begin("acknowledge", issuer, kind or "all") as note:
            ok, text = self._alerts.acknowledge(kind, since_ns, issuer)
            note.says(text, ok=ok)
        yield {"ok": ok, "text": text}

    async def _start_anew(self, command: dict[str, Any]) -> Answers:
        issuer = _text(command, "issuer", "unknown")
        with self._audit.begin("start", issuer, "") as note:
            names = self._start(issuer)
            note.says(f"started: {', '.join(names) or 'nothing was given up'}", ok=True)
        yield {"ok": True, "started": names}

    async def _down(self, command: dict[str, Any]) -> Answers:
        issuer = _text(command, "issuer", "unknown")
        progress = _flag(command, "progress")
        names: asyncio.Queue[str | None] = asyncio.Queue()
        note = self._audit.begin("down", issuer, "")
        stopping = asyncio.ensure_future(self._stop(issuer, names.put_nowait))
        stopping.add_done_callback(lambda done: _end(note, done))
        stopping.add_done_callback(lambda _: names.put_nowait(None))
        while (name := await names.get()) is not None:
            if progress:
                yield {"progress": {"stopping": name}}
        await stopping
        yield {"ok": True}

    async def _audited(self, command: dict[str, Any]) -> Answers:
        action, detail = _text(command, "action", ""), _text(command, "detail", "")
        if not action:
            raise BadCommand("audit: action and detail, please")
        if action in self._by_name:
            raise BadCommand(f"audit: {action} notes itself; ask for it instead")
        self._audit.note(action, _text(command, "issuer", "unknown"), detail)
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


def _end(note: Note, stopping: asyncio.Future[None]) -> None:
    failed = stopping.cancelled() or stopping.exception() is not None
    note.ends("not all could be stopped" if failed else "the system is stopped", ok=not failed)


def _flag(command: dict[str, Any], key: str) -> bool:
    value = command.get(key, False)
    if not isinstance(value, bool):
        raise BadCommand(f"{key}: true or false, please")
    return value
