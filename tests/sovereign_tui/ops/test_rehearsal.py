"""Rehearsing a HALT: what is told of the way there and back."""

from __future__ import annotations

import asyncio

from schemas.clock import NS_PER_MS
from schemas.messages import SignalKind
from sovereign_tui.ops.rehearsal import RehearsalDesk, Rehearsed
from tests.sovereign_tui.ops.test_adjust import Engine
from tests.support.clock import ManualClock


def rehearsed(engine: Engine, *, age_ms: int = 3) -> Rehearsed:
    clock = ManualClock()
    desk = RehearsalDesk(asker=engine.asker, clock=clock, log=lambda level, text: engine.log.append((level, text)))
    return asyncio.run(desk.rehearse("me", clock.monotonic_ns() - age_ms * NS_PER_MS))


def test_the_engines_answer_and_both_times_from_the_key() -> None:
    engine = Engine()
    assert rehearsed(engine) == Rehearsed(ok=True, text="said", ops_ms=3.0, engine_ms=3.0)
    assert engine.sent == [(SignalKind.REHEARSE, "", {})]
    assert engine.log == [("info", "HALT rehearsed by me in 3.0 ms: said")]


def test_an_engine_that_could_not_latch_or_says_nothing_is_no_success() -> None:
    assert rehearsed(Engine(lambda sent: False)) == Rehearsed(ok=False, text="said", ops_ms=3.0, engine_ms=3.0)
    silent = Engine(None)
    text = "the engine has not answered within 0.05 s"
    assert rehearsed(silent) == Rehearsed(ok=False, text=text, ops_ms=3.0, engine_ms=None)
    assert len(set(silent.ids)) == 1, "repeated under one id"


def test_a_key_can_only_have_been_hit_before() -> None:
    desk = RehearsalDesk(asker=Engine().asker, clock=ManualClock(monotonic_ns=50), log=lambda level, text: None)
    assert [desk.is_past(at) for at in (-1, 0, 1, 50, 51)] == [False, False, True, True, False]
