"""The watchers: what makes the engine halt by itself, and what makes everything stale."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.latch import HaltLatch, Latched
from engine.safety.watches import BrainWatch, SilenceWatch
from engine.touch import Touch
from engine.vigil import Vigil
from schemas.clock import NS_PER_MS, NS_PER_S
from schemas.messages import Cause, Heartbeat
from schemas.settings import Settings
from schemas.settings.tree import Safety
from tests.support.virtual import LoopClock, run_virtually


class Scene:
    """A vigil over neighbours that are well, with a fresh tick at every look."""

    def __init__(self, clock: LoopClock, home: Path, **safety: Any) -> None:
        self.clock, self.slept_ns, self.lag_ns = clock, 0, 0
        self.halts: list[tuple[str, Latched]] = []
        self.stale: list[str] = []
        self.deaths: list[bool] = []
        self.asked_anew = 0
        self.brain, self.ops = BrainWatch(3, 3), SilenceWatch(3)
        self.causes = TradingCauses(clock=clock, on_change=self._on_change)
        halt = SimpleNamespace(halt_id=None, take=self._take)
        self.halt = halt
        trading = SimpleNamespace(
            account=None, terms=None, clock_watch=SimpleNamespace(offset_ns=lambda: 0), ask_anew=self._ask_anew
        )
        limits = SimpleNamespace(risk=Settings().risk, look=lambda account, mark, terms: None)
        self.desk = SimpleNamespace(is_open=True)
        self.vigil = Vigil(
            settings=Safety(**safety), market=cast(Any, self), trading=cast(Any, trading), limits=cast(Any, limits),
            desk=cast(Any, self.desk), causes=self.causes, brain=self.brain, ops=self.ops, halt=cast(Any, halt),
            latch=HaltLatch(latch=home / "halt.json", request=home / "HALT"),
            brain_death=cast(Any, SimpleNamespace(look=lambda *, dead: self.deaths.append(dead), closing=False)),
            asleep=self.stale.append, loop_lag_ns=lambda: self.lag_ns, clock=clock,
            boot_ns=lambda: clock.monotonic_ns() + self.slept_ns,
        )  # fmt: skip
        self.causes.hold(CauseName.RECONCILING, False)

    def _on_change(self, cause: Cause, raised: bool) -> None:
        self.vigil.on_cause(cause, raised)

    def _take(self, halt: Latched, *, path: str) -> None:
        self.halt.halt_id = halt.id
        self.halts.append((path, halt))

    def _ask_anew(self) -> None:
        self.asked_anew += 1

    @property
    def touch(self) -> Touch:
        now_ns = self.clock.monotonic_ns()
        return Touch(
            bid=1.0, ask=2.0, mark=1.5, sequence=now_ns // NS_PER_S, received_ns=now_ns, mono_ns=now_ns,
            book_valid=True,
        )  # fmt: skip

    async def live(self, seconds: int, *, beats: bool = True) -> None:
        for _ in range(seconds):
            self.ops.heard(self.clock.monotonic_ns())
            if beats:
                tick = self.touch.sequence
                beat = Heartbeat(process="brain", last_tick_sequence=tick, last_decision_sequence=tick, created_ns=0)
                self.brain.on_heartbeat(beat, self.clock.monotonic_ns(), newest=tick)
            await asyncio.sleep(1)


def watched(work: Any, home: Path, **safety: Any) -> None:
    async def run(clock: LoopClock) -> None:
        scene = Scene(clock, home, **safety)
        tasks = [asyncio.create_task(each) for each in (scene.vigil.run(), scene.vigil.watch_file())]
        try:
            await work(scene)
        finally:
            for task in tasks:
                task.cancel()

    run_virtually(run)


def test_while_all_is_well_nothing_is_raised(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.live(20)
        assert (scene.causes.names, scene.halts, scene.stale, set(scene.deaths)) == ("", [], [], {False})

    watched(work, tmp_path)


@pytest.mark.parametrize("name", [CauseName.DAILY_LOSS, CauseName.LIFECYCLE_ERROR])
def test_the_engine_halts_by_itself_on_what_the_settings_name_and_only_once(tmp_path: Path, name: CauseName) -> None:
    async def work(scene: Scene) -> None:
        await scene.live(1)
        for _ in range(2):
            scene.causes.hold(name, True, "too much")
            scene.causes.hold(name, False)
        ((path, halt),) = scene.halts
        assert (path, halt.own, halt.issuer, halt.reason) == ("trip", True, "engine", f"{name.value}: too much")

    async def silent(scene: Scene) -> None:
        await scene.live(1)
        scene.causes.hold(name, True, "too much")
        assert scene.halts == []

    watched(work, tmp_path)
    watched(silent, tmp_path, halt_on=())


def test_orders_that_the_venue_did_not_take_halt_when_they_are_too_many_in_the_window(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        for _ in range(2):
            scene.vigil.on_venue_error("51008 no money")
        await scene.live(11)
        for _ in range(2):
            scene.vigil.on_venue_error("51008 no money")
        assert scene.halts == []
        scene.vigil.on_venue_error("50004 timed out")
        ((_, halt),) = scene.halts
        assert halt.reason == "venue_errors: 3 within 10 s; the last: 50004 timed out"

    watched(work, tmp_path, venue_errors=3, venue_errors_window_s=10)


def test_a_halt_file_is_found_within_milliseconds_and_not_asked_for_again(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.live(1)
        (tmp_path / "HALT").touch()
        await asyncio.sleep(0.021)
        assert [path for path, _ in scene.halts] == ["halt file"]
        await scene.live(1)
        assert len(scene.halts) == 1

    watched(work, tmp_path)


def test_whoever_made_a_halt_file_may_say_so_and_it_is_taken_once(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.live(1)
        scene.vigil.look_at_file()
        assert scene.halts == []
        (tmp_path / "HALT").write_text('{"id": "f1", "issuer": "ann@desk", "reason": "no more"}')
        scene.vigil.look_at_file()
        assert [(path, halt.id) for path, halt in scene.halts] == [("halt file", "f1")]
        scene.vigil.look_at_file()
        await scene.live(1)
        assert len(scene.halts) == 1

    watched(work, tmp_path)


def test_a_halt_file_on_top_of_a_halt_that_stands_is_taken_once(tmp_path: Path) -> None:
    """The operator's on top of the engine's own, where no ops tells of it."""

    async def work(scene: Scene) -> None:
        await scene.live(1)
        scene.vigil._trip("daily_loss: -3 %")
        (tmp_path / "HALT").write_text('{"id": "f1", "issuer": "ann@desk", "reason": "no more"}')
        await scene.live(1)
        assert [(path, halt.own) for path, halt in scene.halts] == [("trip", True), ("halt file", False)]
        (tmp_path / "HALT").rename(tmp_path / "other")
        (tmp_path / "HALT").touch()
        await scene.live(1)
        assert [path for path, _ in scene.halts] == ["trip", "halt file", "halt file"]

    watched(work, tmp_path)


def test_a_sleep_of_the_machine_makes_everything_stale_and_the_brain_prove_itself(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.live(5)
        scene.slept_ns = 3_600 * NS_PER_S
        await asyncio.sleep(0.06)
        assert scene.stale == ["the machine slept for 3600.0 s"]
        assert scene.causes.names == "brain_returning"
        await scene.live(4)
        assert (scene.causes.names, len(scene.stale)) == ("", 1)

    watched(work, tmp_path)


def test_an_event_loop_that_is_late_takes_no_new_risk_until_it_is_not(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        scene.lag_ns = 501 * NS_PER_MS
        await scene.live(1)
        (cause,) = scene.causes.standing()
        assert (cause.name, cause.detail) == ("engine_slow", "the event loop was late by 501 ms, the limit is 500 ms")
        scene.lag_ns = 0
        await scene.live(1)
        assert scene.causes.names == ""

    watched(work, tmp_path)


def test_a_dead_brain_is_found_between_3_and_3_15_s_after_its_last_beat_and_reconciled_when_it_is_back(
    tmp_path: Path,
) -> None:
    async def work(scene: Scene) -> None:
        await scene.live(5)
        beat_ns = scene.clock.monotonic_ns() - NS_PER_S
        scene.causes._on_change = lambda cause, raised: seen.append((cause.name, scene.clock.monotonic_ns() - beat_ns))
        seen: list[tuple[str, int]] = []
        await scene.live(4, beats=False)
        (dead, after_ns), *_ = seen
        assert dead == "brain_dead"
        assert 3 * NS_PER_S < after_ns <= 3.15 * NS_PER_S
        assert (scene.deaths[-1], scene.asked_anew) == (True, 0)
        await scene.live(1)
        assert (scene.causes.names, scene.asked_anew) == ("brain_returning", 1)
        await scene.live(3)
        assert (scene.causes.names, scene.asked_anew, scene.deaths[-1]) == ("", 1, False)

    watched(work, tmp_path)


def test_a_closed_port_hears_no_heartbeat_and_that_is_nobodys_death(tmp_path: Path) -> None:
    async def work(scene: Scene) -> None:
        await scene.live(5)
        scene.desk.is_open = False
        scene.deaths.clear()
        await scene.live(30, beats=False)
        assert (scene.causes.names, scene.deaths) == ("", [])

    watched(work, tmp_path)


@pytest.mark.parametrize("halted_s", [0, 120])
def test_a_brain_that_was_never_heard_has_its_minute_from_when_it_can_be(tmp_path: Path, halted_s: int) -> None:
    async def work(scene: Scene) -> None:
        scene.desk.is_open = not halted_s
        await scene.live(halted_s, beats=False)
        scene.desk.is_open = True
        await scene.live(59, beats=False)
        assert scene.causes.stands(CauseName.BRAIN_DEAD)
        assert not any(scene.deaths)
        await scene.live(2, beats=False)
        assert scene.deaths[-1]

    watched(work, tmp_path)
