"""What each command leaves on the audit tape, whoever waits for its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import Any, cast

import pytest

from schemas.clock import SystemClock
from schemas.messages import AuditEntry, AuditTrail
from schemas.settings import Home
from sovereign_tui.ops.adjust import AdjustDesk, Adjusted
from sovereign_tui.ops.alert_desk import AlertDesk
from sovereign_tui.ops.audit import AuditDesk
from sovereign_tui.ops.commands import Commands
from sovereign_tui.ops.control import BadCommand
from sovereign_tui.ops.halts import HaltDesk
from sovereign_tui.ops.rehearsal import RehearsalDesk, Rehearsed
from sovereign_tui.ops.resume import Resumed, ResumeDesk
from tests.sovereign_tui.ops.test_halts import Hub, confirmed


class Resumes:
    async def resume(self, wanted: str | None, issuer: str) -> Resumed:
        return Resumed(ok=wanted == "h1", halt_id="h1", text="lifted" if wanted == "h1" else "another stands")


class Adjust:
    async def change(self, key: str, value: str, *, confirmed: bool, issuer: str) -> Adjusted:
        return Adjusted(ok=confirmed, text=f"{key}: {value}")

    async def rearm(self, issuer: str, reason: str) -> Adjusted:
        return Adjusted(ok=True, text="re-armed")


class Alerts:
    def acknowledge(self, kind: str, since_ns: int, issuer: str) -> tuple[bool, str]:
        return kind != "halt", f"{kind or 'all'} since {since_ns}"


class Rehearsals:
    def is_past(self, mono_ns: int) -> bool:
        return mono_ns == 7

    async def rehearse(self, issuer: str, mono_ns: int) -> Rehearsed:
        return Rehearsed(ok=True, text="it could", ops_ms=1.0, engine_ms=2.0)


class Scene:
    def __init__(self, home: Home) -> None:
        self.hub = Hub(home.runtime)
        self.trails: list[AuditTrail] = []
        self.order: list[str] = []
        clock = SystemClock()
        self.halts = HaltDesk(home=home, clock=clock, hub=self.hub, deadline_s=5, engine=lambda: "RUNNING")
        self.audit = AuditDesk(
            path=home.data / "audit.jsonl", clock=clock, publish=self.show, log=lambda level, text: None
        )
        self.commands = Commands(
            picture=cast(Any, None), halts=self.halts, resumes=cast(ResumeDesk, Resumes()),
            adjust=cast(AdjustDesk, Adjust()), audit=self.audit,
            alerts=cast(AlertDesk, Alerts()), rehearsals=cast(RehearsalDesk, Rehearsals()),
            start=lambda issuer: ["brain"], stop=self.stop,
            log=lambda level, text: None,
        )  # fmt: skip

    def show(self, trail: AuditTrail) -> None:
        self.trails.append(trail)
        self.order.append(f"trail after {len(self.hub.signals)} signals")

    async def stop(self, issuer: str, progress: Callable[[str], None]) -> None:
        progress("brain")
        await asyncio.sleep(0)

    async def ask(self, cmd: str, **fields: Any) -> list[dict[str, Any]]:
        return [answer async for answer in self.commands({"cmd": cmd, "issuer": "me", **fields})]

    @property
    def last(self) -> AuditEntry:
        return self.trails[-1].entries[-1]

    async def over(self) -> AuditEntry:
        async with asyncio.timeout(10):
            while self.last.ok is None:
                await asyncio.sleep(0.001)
        return self.last


@pytest.fixture
def play(home: Home) -> Callable[[Callable[[Scene], Coroutine[Any, Any, None]]], None]:
    def run(scenario: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
        async def both() -> None:
            await scenario(Scene(home))

        asyncio.run(both())

    return run


@pytest.mark.parametrize(
    ("command", "detail", "outcome", "ok"),
    [
        ({"cmd": "resume", "halt_id": "h1"}, "halt h1", "lifted", True),
        ({"cmd": "resume", "halt_id": None}, "halt not named", "another stands", False),
        ({"cmd": "config", "key": "risk.x", "value": "3"}, "risk.x = 3", "risk.x: 3", False),
        ({"cmd": "config", "key": "a", "value": "3", "confirmed": True}, "a = 3, confirmed", "a: 3", True),
        ({"cmd": "rearm", "reason": "looked"}, "looked", "re-armed", True),
        ({"cmd": "acknowledge", "kind": "loss_80", "since_ns": 7}, "loss_80", "loss_80 since 7", True),
        ({"cmd": "acknowledge", "kind": ""}, "all", "all since 0", True),
        ({"cmd": "acknowledge", "kind": "halt"}, "halt", "halt since 0", False),
        ({"cmd": "rehearse", "mono_ns": 7}, "", "it could", True),
        ({"cmd": "start"}, "", "started: brain", True),
        ({"cmd": "down"}, "", "the system is stopped", True),
    ],
)
def test_what_does_something_is_one_entry_begun_and_completed(
    play: Any, command: dict[str, Any], detail: str, outcome: str, ok: bool
) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.ask(**command)
        (begun,), (done,) = scene.trails[0].entries, scene.trails[-1].entries
        assert (begun.action, begun.issuer, begun.detail, begun.ok) == (command["cmd"], "me", detail, None)
        assert (done.number, done.outcome, done.ok) == (begun.number, outcome, ok)
        assert done.took_ms is not None

    play(scenario)


@pytest.mark.parametrize("command", [{"cmd": "ping"}, {"cmd": "log", "text": "x"}])
def test_what_does_nothing_leaves_no_entry(play: Any, command: dict[str, Any]) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.ask(**command)
        assert scene.trails == []

    play(scenario)


def test_a_halt_is_acted_upon_first_and_its_entry_says_how_fast_it_latched(play: Any) -> None:
    async def scenario(scene: Scene) -> None:
        asking = asyncio.create_task(scene.ask("halt", reason="why", mono_ns=SystemClock().monotonic_ns()))
        await scene.hub.published(1)
        await asyncio.sleep(0)
        assert scene.order == ["trail after 1 signals"], "the tape comes behind the signal"
        assert (scene.last.action, scene.last.detail, scene.last.ok) == ("halt", "why", None)
        scene.halts.on_ack(confirmed(scene.hub.signals[0][1]))
        (final,) = await asking
        done = await scene.over()
        assert (done.outcome, done.ok, final["verified"]) == (f"VERIFIED, halt {final['id']}", True, True)
        assert done.took_ms is not None
        assert 0 <= done.took_ms < 5_000

    play(scenario)


def test_a_halt_whose_client_goes_away_is_completed_all_the_same(play: Any) -> None:
    async def scenario(scene: Scene) -> None:
        async with aclosing(cast(Any, scene.commands({"cmd": "halt", "progress": True}))) as answers:
            async for _ in answers:
                break
        assert scene.last.ok is None
        scene.halts.on_ack(confirmed(scene.hub.signals[0][1]))
        assert (await scene.over()).ok is True

    play(scenario)


def test_a_screen_notes_what_it_does_itself_and_cannot_pretend_a_command(play: Any) -> None:
    async def scenario(scene: Scene) -> None:
        assert await scene.ask("audit", action="attach", detail="tty 3") == [{"ok": True}]
        assert (scene.last.issuer, scene.last.action, scene.last.detail, scene.last.ok) == (
            "me", "attach", "tty 3", True,
        )  # fmt: skip
        for bad in ({}, {"action": ""}, {"action": 7}, {"action": "halt"}):
            with pytest.raises(BadCommand):
                await scene.ask("audit", **bad)
        assert len(scene.trails[-1].entries) == 1

    play(scenario)


@pytest.mark.parametrize("mono_ns", [None, 0, 8, True, "7", 7.0])
def test_a_rehearsal_has_to_say_when_the_key_was_hit(play: Any, mono_ns: Any) -> None:
    async def scenario(scene: Scene) -> None:
        assert await scene.ask("rehearse", mono_ns=7) == [
            {"ok": True, "text": "it could", "ops_ms": 1.0, "engine_ms": 2.0}
        ]
        with pytest.raises(BadCommand):
            await scene.ask("rehearse", mono_ns=mono_ns)

    play(scenario)


@pytest.mark.parametrize("bad", [{}, {"kind": 7}, {"kind": "halt", "since_ns": "x"}, {"kind": "", "since_ns": True}])
def test_an_acknowledgement_that_cannot_be_understood_does_nothing(play: Any, bad: dict[str, Any]) -> None:
    async def scenario(scene: Scene) -> None:
        with pytest.raises(BadCommand):
            await scene.ask("acknowledge", **bad)
        assert scene.trails == []

    play(scenario)


@pytest.mark.parametrize("cmd", ["halt", "flatten"])
def test_whatever_stands_beside_it_a_halt_is_carried_out(play: Any, cmd: str) -> None:
    async def scenario(scene: Scene) -> None:
        wrong: dict[str, Any] = {"issuer": 5, "reason": ["x"], "progress": "yes", "mono_ns": "7", "id": {}}
        asking = asyncio.create_task(scene.ask(cmd, **wrong))
        async with asyncio.timeout(5):
            while not scene.hub.signals:
                await asyncio.sleep(0.001)
        assert scene.audit._trail[1].issuer == "unknown"
        asking.cancel()

    play(scenario)
