"""A rehearsed halt: it looks, answers once, and leaves everything as it was."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from engine.safety.latch import HaltLatch
from engine.safety.rehearsal import Rehearsal
from schemas.messages import Signal, SignalKind

Answered = list[tuple[str, bool, str]]


class Scene:
    def __init__(self, tmp_path: Path) -> None:
        self.latch = HaltLatch(latch=tmp_path / "halt.json", request=tmp_path / "HALT")
        self.halt_id: str | None = None
        self.port_open = True
        self.answered: Answered = []

    def hears(self, *ids: str) -> Answered:
        async def scenario() -> None:
            rehearsal = Rehearsal(latch=self.latch, halt_id=lambda: self.halt_id, port_open=lambda: self.port_open)
            for id_ in ids:
                signal = Signal(kind=SignalKind.REHEARSE, id=id_, issuer="me", reason="", timestamp_ns=1)
                rehearsal.on_signal(signal, lambda said, ok, text: self.answered.append((said.id, ok, text)))
            async with asyncio.timeout(10):
                while len(self.answered) < len(set(ids)):
                    await asyncio.sleep(0.001)

        asyncio.run(scenario())
        return self.answered


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_it_says_that_it_could_latch_and_touches_nothing(scene: Scene, tmp_path: Path) -> None:
    scene.latch.reserve()
    file = tmp_path / "halt.json"
    before = file.read_bytes(), file.stat().st_mtime_ns
    text = "the latch can be written; no halt stands; the command port is open; nothing was changed"
    assert scene.hears("r1") == [("r1", True, text)]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before
    assert [path.name for path in tmp_path.iterdir()] == ["halt.json"]


def test_an_id_that_is_repeated_is_answered_once(scene: Scene) -> None:
    scene.latch.reserve()
    assert [id_ for id_, _, _ in scene.hears("r1", "r1", "r2", "r1")] == ["r1", "r2"]


def test_a_halt_that_stands_and_a_closed_port_are_said(scene: Scene) -> None:
    scene.latch.reserve()
    scene.halt_id, scene.port_open = "h1", False
    ((_, ok, text),) = scene.hears("r1")
    assert ok
    assert "halt h1 stands; the command port is closed" in text


def test_a_latch_that_cannot_be_written_is_said(scene: Scene, tmp_path: Path) -> None:
    file = tmp_path / "halt.json"
    assert scene.latch.problem() == f"{file}: No such file or directory"
    file.write_bytes(b"{}")
    assert scene.latch.problem() == f"{file}: it has no space of its own"
    file.unlink()
    file.mkdir()
    ((_, ok, text),) = scene.hears("r1")
    assert not ok
    assert text.startswith(f"the latch could not be written: {file}: Is a directory; no halt stands")


def test_a_disk_that_stands_still_keeps_nobody_waiting(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    still = threading.Event()
    monkeypatch.setattr("engine.safety.rehearsal.LATCH_WITHIN_S", 0.01)
    monkeypatch.setattr(scene.latch, "problem", lambda: still.wait(0.2) and "")
    ((_, ok, text),) = scene.hears("r1")
    assert not ok
    assert "its disk has not answered within 10 ms" in text
    still.set()


def test_however_often_it_is_rehearsed_a_disk_that_stands_still_holds_one_thread(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    still, looking = threading.Event(), []
    monkeypatch.setattr("engine.safety.rehearsal.LATCH_WITHIN_S", 0.01)

    def problem() -> str:
        looking.append(threading.current_thread().name)
        still.wait(0.5)
        return ""

    monkeypatch.setattr(scene.latch, "problem", problem)
    answered = scene.hears(*(f"r{number}" for number in range(20)))
    still.set()
    assert len(answered) == 20
    assert not any(ok for _, ok, _ in answered)
    assert len(looking) == 1
