"""The audit tape: shown at once, completed at its end, written beside, read back by the next run."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import NS_PER_MS
from schemas.messages import AuditEntry, AuditTrail, Receipt
from sovereign_tui.ops import tape
from sovereign_tui.ops.audit import KEPT, AuditDesk, halt_outcome
from tests.support.clock import ManualClock

RECEIPT = Receipt(id="h1", asked="h1", requested_ns=4_990_000_000)


class Scene:
    def __init__(self, path: Path) -> None:
        self.clock = ManualClock()
        self.path = path
        self.trails: list[AuditTrail] = []
        self.log: list[tuple[str, str]] = []
        self.desk = AuditDesk(
            path=path, clock=self.clock, publish=self.trails.append, log=lambda *line: self.log.append(line)
        )

    @property
    def last(self) -> AuditEntry:
        return self.trails[-1].entries[-1]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


def entry(number: int) -> AuditEntry:
    return AuditEntry(number=number, timestamp_ns=number, issuer="me", action="rearm", detail="", outcome="x", ok=True)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "audit.jsonl")


def test_an_entry_is_shown_at_its_beginning_and_completed_at_its_end(scene: Scene) -> None:
    with scene.desk.begin("rearm", "me", "looked") as note:
        begun = AuditEntry(
            number=1, timestamp_ns=scene.clock.wall_ns(), issuer="me", action="rearm", detail="looked"
        )  # fmt: skip
        assert scene.trails[-1].entries == (begun,)
        assert not scene.path.exists(), "nothing is written before it is over"
        scene.clock.advance(ms=12)
        note.says("re-armed", ok=True)
    done = msgspec.structs.replace(begun, outcome="re-armed", ok=True, took_ms=12.0)
    assert scene.trails[-1].entries == (done,)
    scene.desk.close()
    assert scene.lines() == [msgspec.to_builtins(done)]
    assert scene.path.stat().st_mode & 0o777 == 0o600


def test_what_breaks_off_is_completed_as_not_done(scene: Scene) -> None:
    with pytest.raises(ValueError, match="no such key"), scene.desk.begin("config", "me", "x = 1"):
        raise ValueError("no such key")
    assert (scene.last.outcome, scene.last.ok) == ("no such key", False)
    with pytest.raises(asyncio.CancelledError), scene.desk.begin("resume", "me", "h1"):
        raise asyncio.CancelledError
    assert (scene.last.outcome, scene.last.ok) == ("broken off", False)


def test_only_the_first_end_counts_and_what_is_under_way_ends_with_ops(scene: Scene) -> None:
    note = scene.desk.begin("down", "me", "")
    scene.desk.begin("resume", "me", "h1")
    note.ends("the system is stopped", ok=True)
    note.ends("again", ok=False)
    scene.desk.close()
    assert [(line["outcome"], line["ok"]) for line in scene.lines()] == [
        ("the system is stopped", True), ("ops ended before it was over", False),
    ]  # fmt: skip


def test_texts_are_one_line_that_cannot_command_a_terminal_and_no_longer_than_a_screen_needs(scene: Scene) -> None:
    scene.desk.note("a" * 500, "\x1b[31mme\n", "d" * 500)
    assert (scene.last.issuer, len(scene.last.action), len(scene.last.detail)) == ("?[31mme?", 32, 200)
    assert (scene.last.outcome, scene.last.ok, scene.last.took_ms) == ("noted", True, None)


def test_the_trail_holds_the_last_hundred_oldest_first(scene: Scene) -> None:
    for number in range(KEPT + 5):
        scene.desk.note("attach", "me", str(number))
    assert [each.number for each in scene.trails[-1].entries] == list(range(6, KEPT + 6))


@pytest.mark.parametrize(
    ("change", "asked_ns", "expected"),
    [
        ({"latched_ns": 5_000_000_000, "verified": True}, 4_997_500_000, ("VERIFIED, halt h1", True, 2.5)),
        ({"latched_ns": 5_000_000_000, "verified": True}, 0, ("VERIFIED, halt h1", True, 10.0)),
        ({"latched_ns": 4_000_000_000, "verified": True}, 4_997_500_000, ("VERIFIED, halt h1", True, 0.0)),
        ({"latched_ns": 5_000_000_000, "problems": ("1 open",)}, 0, ("NOT VERIFIED, halt h1: 1 open", False, 10.0)),
        ({}, 0, ("NOT VERIFIED, halt h1, not latched", False, None)),
        ({"latched_ns": 5_000_000_000, "verified": True, "flatten": True}, 0, ("NOT VERIFIED, halt h1", False, 10.0)),
    ],
)
def test_a_halt_is_timed_from_the_key_to_the_latch(
    scene: Scene, change: dict[str, Any], asked_ns: int, expected: tuple[str, bool, float | None]
) -> None:
    final = msgspec.structs.replace(RECEIPT, **change)

    async def outcome() -> Receipt:
        return final

    async def scenario() -> None:
        scene.desk.begin_halt(RECEIPT, outcome(), action="halt", issuer="me", detail="why", mono_ns=asked_ns)
        assert (scene.last.action, scene.last.outcome, scene.last.ok) == ("halt", "", None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(scenario())
    assert (scene.last.outcome, scene.last.ok, scene.last.took_ms) == expected
    assert halt_outcome(final) == expected[0]
    assert scene.desk.mentions("h1")
    assert not scene.desk.mentions("h2")


def test_a_halt_file_that_the_engine_found_before_we_were_asked_is_one_entry(scene: Scene) -> None:
    async def scenario() -> None:
        over = asyncio.Event()

        async def outcome() -> Receipt:
            await over.wait()
            return msgspec.structs.replace(RECEIPT, latched_ns=RECEIPT.requested_ns + NS_PER_MS, verified=True)

        scene.desk.begin_halt(RECEIPT, outcome(), action="halt", issuer="me", detail="halt file: why")
        scene.desk.begin_halt(RECEIPT, outcome(), action="halt", issuer="me@tty", detail="why")
        over.set()
        for _ in range(5):
            await asyncio.sleep(0)

    asyncio.run(scenario())
    (only,) = scene.trails[-1].entries
    assert (only.number, only.issuer, only.detail, only.ok, only.took_ms) == (1, "me@tty", "why", True, 1.0)


def test_the_next_run_goes_on_where_this_one_ended(scene: Scene) -> None:
    for number in range(KEPT + 5):
        scene.desk.note("attach", "me", str(number))
    scene.desk.close()
    again = Scene(scene.path)
    again.desk.recall()
    assert again.trails == [msgspec.structs.replace(scene.trails[-1], timestamp_ns=again.clock.wall_ns())]
    again.desk.note("detach", "me", "")
    assert again.last.number == KEPT + 6
    assert again.log == []


def test_a_torn_last_line_is_left_out_said_once_and_does_not_spoil_the_next(scene: Scene) -> None:
    scene.desk.note("attach", "me", "")
    scene.desk.close()
    with scene.path.open("ab") as file:
        file.write(b'{"number": 2, "times')
    again = Scene(scene.path)
    again.desk.recall()
    assert [each.number for each in again.trails[-1].entries] == [1]
    assert again.log == [
        ("warning", f"audit tape {scene.path}: 1 lines of it are damaged and left out; all commands go on")
    ]
    again.desk.note("detach", "me", "")
    again.desk.close()
    assert [each.number for each in tape.recall(scene.path, KEPT).entries] == [1, 2]


def test_a_disk_that_takes_nothing_stops_nothing_is_said_once_and_gets_it_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, entries: Any) -> None:
        raise OSError(28, "No space left on device")

    async def scenario() -> None:
        monkeypatch.setattr("sovereign_tui.ops.audit._AGAIN_S", 0.001)
        keeping = asyncio.create_task(scene.desk.keep())
        with monkeypatch.context() as trouble:
            trouble.setattr(tape, "append", full)
            scene.desk.note("attach", "me", "")
            async with asyncio.timeout(10):
                while not scene.log:
                    await asyncio.sleep(0.005)
            scene.desk.note("detach", "me", "")
        async with asyncio.timeout(10):
            while not scene.path.exists() or len(scene.lines()) < 2:
                await asyncio.sleep(0.005)
        keeping.cancel()

    asyncio.run(scenario())
    assert [line["number"] for line in scene.lines()] == [1, 2]
    what = "cannot be written (No space left on device); the entries wait; all commands go on"
    assert scene.log == [("warning", f"audit tape {scene.path}: {what}")]


def test_a_tape_that_cannot_be_read_stops_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path)  # a directory
    scene.desk.recall()
    scene.desk.note("attach", "me", "")
    scene.desk.close()
    assert [text.split(": ")[1].split(" (")[0] for _, text in scene.log] == ["cannot be read", "cannot be written"]
    assert "1 entries are lost" in scene.log[1][1]
    assert scene.last.number == 1


def test_a_write_that_fails_halfway_leaves_the_tape_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    tape.append(path, [entry(1)])
    before = path.read_bytes()
    real = tape.os.write

    def short(descriptor: int, data: bytes) -> int:
        if len(data) < 50:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[: len(data) - 40])

    monkeypatch.setattr(tape.os, "write", short)
    with pytest.raises(OSError, match="No space"):
        tape.append(path, [entry(2)])
    assert path.read_bytes() == before


@given(st.binary(max_size=300), st.integers(1, 5))
def test_whatever_lies_in_the_file_reading_it_back_never_fails(tmp_path_factory: Any, junk: bytes, most: int) -> None:
    path = tmp_path_factory.mktemp("tape") / "audit.jsonl"
    tape.append(path, [entry(1)])
    with path.open("ab") as file:
        file.write(junk)
    tape.append(path, [entry(2)])
    found = tape.recall(path, most)
    assert found.entries[-1] == entry(2)
    assert len(found.entries) <= most


def test_only_the_end_of_a_long_tape_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    tape.append(path, [entry(number) for number in range(1, 50)])
    monkeypatch.setattr(tape, "_TAIL", 500)
    found = tape.recall(path, KEPT)
    assert found.damaged == 0
    assert 1 < len(found.entries) < 10
    assert found.entries[-1] == entry(49)


def test_a_pipe_in_the_place_of_the_tape_holds_up_nobody(scene: Scene) -> None:
    os.mkfifo(scene.path)
    scene.desk.recall()
    scene.desk.note("view", "me", "")
    scene.desk.close()
    why = "(no regular file; move it away)"
    assert scene.log == [
        ("warning", f"audit tape {scene.path}: cannot be read {why}; all commands go on"),
        ("warning", f"audit tape {scene.path}: cannot be written {why}; 1 entries are lost; all commands go on"),
    ]


def test_a_disk_that_stands_still_does_not_keep_ops_from_its_end(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    still = threading.Event()
    monkeypatch.setattr(tape, "append", lambda path, entries: still.wait(60))
    monkeypatch.setattr("sovereign_tui.ops.audit._LAST_S", 0.05)

    async def scenario() -> None:
        keeping = asyncio.create_task(scene.desk.keep())
        scene.desk.note("view", "me", "")
        await asyncio.sleep(0.05)
        scene.desk.close()
        keeping.cancel()

    ended = threading.Thread(target=lambda: asyncio.run(scenario()), daemon=True)
    ended.start()
    ended.join(10)
    try:
        assert not ended.is_alive(), "the loop waits for the thread that hangs"
        assert "its disk does not answer; 1 entries are lost" in scene.log[-1][1]
    finally:
        still.set()
