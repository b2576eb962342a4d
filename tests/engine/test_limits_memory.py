"""What the limits remember, and when it is on disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.limits import Limits
from engine.risk.gate import Cleared
from engine.risk.ledger import Ledger
from engine.risk.memory import Remembered, RiskMemory
from engine.risk.trading_state import TradingCauses
from engine.risk.view import Refusal, Traffic
from schemas.messages import RejectCode
from schemas.settings import Settings
from tests.support.clock import ManualClock
from tests.support.orders import order, view
from tests.support.virtual import LoopClock, run_virtually


def limits(path: Path, log: Callable[[str, str], None] = lambda level, text: None) -> Limits:
    clock = ManualClock()
    return Limits(
        settings=Settings.model_validate({"risk": {"max_executions": 1}}), clock=clock, memory=RiskMemory(path),
        ledger=Ledger(day_starts_utc_hour=0), causes=TradingCauses(clock=clock, on_change=lambda cause, raised: None),
        log=log,
    )  # fmt: skip


def test_a_latched_throttle_is_on_disk_before_the_next_second_and_outlives_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"

    async def crash_soon(clock: LoopClock) -> float:
        here = limits(path)
        keeping = asyncio.create_task(here.keep())
        await asyncio.sleep(0.4)
        began_ns = clock.monotonic_ns()
        assert isinstance(here.judge(order(), view()), Cleared)
        refusal = here.judge(order(intent_id="i2"), view(traffic=Traffic(last_second=1, in_window=1, latched="")))
        assert isinstance(refusal, Refusal)
        assert refusal.code is RejectCode.THROTTLED
        while not path.exists():
            await asyncio.sleep(0.001)
        took_s = (clock.monotonic_ns() - began_ns) / 1e9
        keeping.cancel()  # nothing is written on the way out
        return took_s

    assert run_virtually(crash_soon) < 0.5
    assert limits(path).traffic.latched == "1 orders in 600 s"


def test_what_is_saved_last_stays_though_a_slow_disk_is_still_at_what_was_true_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "limits.json"
    here, write, begun, goes_on = limits(path), RiskMemory.write, threading.Event(), threading.Event()

    def slow(memory: RiskMemory, value: Remembered) -> None:
        if not begun.is_set():
            begun.set()
            assert goes_on.wait(10)
        write(memory, value)

    monkeypatch.setattr(RiskMemory, "write", slow)
    before, after = threading.Thread(target=here.save), threading.Thread(target=here.save)
    before.start()
    assert begun.wait(10)
    here.judge(order(intent_id="i2"), view(traffic=Traffic(last_second=1, in_window=1, latched="")))
    after.start()
    after.join(0.2)  # it has had every chance to be the faster one
    goes_on.set()
    for thread in (before, after):
        thread.join(10)
    assert limits(path).traffic.latched == here.traffic.latched == "0 orders in 600 s"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"rubbish", b"[]", b'{"day": "x"}', b'{"latched": "\xff"}', b'{"opening": "NaN"}', b'{"peak": "sNaN"}',
        b'{"peak": "Infinity"}', b'{"x": ' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_cannot_be_what_was_remembered_is_kept_aside_and_waits_for_the_operator(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "limits.json"
    path.write_bytes(content)
    memory = RiskMemory(path)
    assert memory.recalled == Remembered(latched="what the limits remembered was unreadable")
    assert "kept as limits.broken" in memory.problem
    assert path.with_suffix(".broken").read_bytes() == content


def test_a_memory_that_cannot_be_kept_aside_is_said_and_waits_for_the_operator(tmp_path: Path) -> None:
    path = tmp_path / "limits.json"
    path.write_bytes(b"rubbish")
    path.with_suffix(".broken").mkdir()
    memory = RiskMemory(path)
    assert memory.recalled == Remembered(latched="what the limits remembered was unreadable")
    assert "cannot be kept aside" in memory.problem


def test_a_disk_that_takes_nothing_is_said_once_and_again_after_it_did(tmp_path: Path) -> None:
    path, said = tmp_path / "limits.json", list[str]()
    here = limits(path, lambda level, text: said.append(text))
    here._remember(latched="a")
    path.mkdir()
    for _ in range(3):
        here.save()
    assert len(said) == 1
    assert said[0].endswith("mend the data directory's disk")
    path.rmdir()
    here.save()
    here._remember(latched="b")
    path.unlink()
    path.mkdir()
    here.save()
    assert len(said) == 2
