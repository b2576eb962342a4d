from __future__ import annotations

import os
import struct
import time
from itertools import pairwise
from pathlib import Path

import pytest

from schemas.blackbox import NOTE_CHANNEL
from schemas.clock import NS_PER_S
from schemas.messages import MarketTick
from schemas.topology import ENGINE, OPS
from sovereign_tui.replay import walk
from sovereign_tui.replay.index import SessionIndex
from sovereign_tui.replay.source import ReplaySource
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.replay import support as s
from tests.sovereign_tui.replay.support import Screen, Tape
from tests.support.clock import ManualClock


def _file(directory: Path, process: str) -> Path:
    return sorted((directory / process).glob("*.bbx"))[0]


def _at(path: Path, needle: bytes, number: int = 0) -> int:
    data, at = path.read_bytes(), -1
    for _ in range(number + 1):
        at = data.index(needle, at + 1)
    return at


def _patch(path: Path, at: int, data: bytes) -> None:
    whole = bytearray(path.read_bytes())
    whole[at : at + len(data)] = data
    path.write_bytes(bytes(whole))


def _damage(tape: Tape, path: Path, at: int, data: bytes) -> None:
    _patch(path, at, data)
    os.utime(path, ns=(tape.clock.wall_ns(), tape.clock.wall_ns()))


def _end_view(directory: Path) -> tuple[s.World, tuple[str, ...]]:
    source, _ = s.opened(directory)
    source.seek_share(1.0)
    return Screen(source).poll(), source.problems


def test_the_pass_tells_how_far_it_is_in_small_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tape = Tape(tmp_path, segment_bytes=60_000)
    s.life(tape)
    monkeypatch.setattr(walk, "PIECE", 4_096)
    index = SessionIndex(tmp_path, s.only(tmp_path))
    assert not index.complete
    seen = list(index.steps())
    size = sum(path.stat().st_size for process in (OPS, ENGINE) for path in (tmp_path / process).glob("*.bbx"))
    assert (seen[-1], index.complete, index.problems) == ((size, size), True, ())
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert max(later - earlier for (earlier, _), (later, _) in pairwise(seen)) < 4_096 + 100  # and a header
    assert len(list((tmp_path / ENGINE).glob("*.bbx"))) > 2


def test_it_keeps_little_of_many_ticks(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    for number in range(3_000):
        tape.clock.advance(ms=10)
        tape.say(make.tick(number + 1))
    tape.end()
    index = s.indexed(tmp_path)
    (track,) = index.tracks.values()
    assert len(track.times) == 7  # 30 s, from within a keyframe
    assert index.rate(index.last_ns) == (100.0, index.last_ns // NS_PER_S * NS_PER_S)


def test_a_damaged_record_is_left_out_and_told(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    s.life(tape, 3)
    path = _file(tmp_path, OPS)
    _damage(tape, path, _at(path, b"line 2") + 5, b"9")
    world, problems = _end_view(tmp_path)
    assert [line.text for line in world.view.log] == ["line 0", "line 1"]
    assert problems == (f"{path.name}: 1 damaged records are left out",)


def test_a_record_of_a_time_that_cannot_be_takes_no_memory_and_no_other_with_it(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    tape.say(make.tick(1))
    begun_ns = tape.clock.monotonic_ns()
    tape.clock.advance(ms=200 * 365 * 86_400_000)
    tape.say(make.tick(2))
    tape.clock.advance(ms=3_000 - 200 * 365 * 86_400_000)
    tape.say(make.tick(3))
    tape.end()
    source, _ = s.opened(tmp_path)
    name = _file(tmp_path, ENGINE).name
    assert source.problems == (f"{name}: 1 damaged records are left out",)
    assert source.index.last_ns - begun_ns == 3 * NS_PER_S
    source.seek_share(1.0)
    shown = [message.sequence for message, _ in source.poll() if isinstance(message, MarketTick)]
    assert shown == [3]


def test_a_damaged_length_ends_its_file_and_the_files_after_it_are_shown(tmp_path: Path) -> None:
    tape = Tape(tmp_path, segment_bytes=30_000)
    s.life(tape, 20)
    path = _file(tmp_path, ENGINE)
    at = _at(path, b"state.engine") - 3 - 40 - len(b"tcp://here")
    assert struct.unpack_from("<I", path.read_bytes(), at)[0] < 1_000
    _damage(tape, path, at, struct.pack("<I", 1 << 30))
    world, problems = _end_view(tmp_path)
    assert problems == (
        f"{path.name}: the record's length is damaged at byte {at}; the rest of the file is left out",
    )  # fmt: skip
    assert str(world.view.account.value.realised_today) == "19.5"  # type: ignore[union-attr]


def test_a_file_that_is_cut_off_is_shown_up_to_there(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    s.life(tape, 3)
    path = _file(tmp_path, OPS)
    cut = _at(path, b"line 2")
    _damage(tape, path, 0, b"")
    with path.open("r+b") as file:
        file.truncate(cut)
    _damage(tape, path, 0, b"")
    world, problems = _end_view(tmp_path)
    assert [line.text for line in world.view.log] == ["line 0", "line 1"]
    assert len(problems) == 1
    assert problems[0].startswith(f"{path.name}: cut off at byte ")
    assert problems[0].endswith("; all before it is shown")


def test_files_that_were_deleted_are_told_and_the_rest_is_shown(tmp_path: Path) -> None:
    tape = Tape(tmp_path, segment_bytes=30_000)
    s.life(tape, 20)
    first, *_, last = sorted((tmp_path / ENGINE).glob("*.bbx"))
    source, _ = s.opened(tmp_path)
    first.unlink()
    source.seek_share(0.1)
    screen = Screen(source)
    assert screen.poll().view.engine.value is None
    source.seek_share(1.0)
    assert screen.poll().view.engine.value is not None
    _, problems = _end_view(tmp_path)
    second = sorted((tmp_path / ENGINE).glob("*.bbx"))[0]
    assert problems == (f"{second.name}: the beginning of the run is missing, deleted as too old",)
    source.seek_share(1.0)
    last.unlink()
    source.seek_share(0.99)
    source.poll()
    assert source.problems[-1].endswith("records were deleted since the session was opened")


def test_a_file_in_the_middle_that_is_missing_is_told(tmp_path: Path) -> None:
    tape = Tape(tmp_path, segment_bytes=30_000)
    s.life(tape, 20)
    _, second, third, *_ = sorted((tmp_path / ENGINE).glob("*.bbx"))
    second.unlink()
    world, problems = _end_view(tmp_path)
    assert problems == (f"{third.name}: files before it are missing, deleted as too old",)
    assert world.view.engine.value is not None


def test_a_session_that_is_being_written_grows(tmp_path: Path) -> None:
    tape = Tape(tmp_path, ManualClock(wall_ns=time.time_ns()), segment_bytes=20_000)
    tape.start(OPS, ENGINE)
    tape.say(make.log("first", 1))
    source, real = s.opened(tmp_path)
    assert source.index.live
    source.clock.play()
    screen = Screen(source)
    source.seek_share(1.0)
    assert [line.text for line in screen.poll().view.log] == ["first"]
    for second in range(2, 30):
        tape.clock.advance(s=1)
        for number in range(4):
            tape.say(make.tick(second * 4 + number))
        tape.say(make.log(f"line {second}", second))
    assert [line.text for line in screen.poll().view.log] == ["first"]  # it is looked at once a second
    real.advance(s=1)
    screen.poll()
    real.advance(s=40)
    world = screen.poll()
    assert len(world.view.log) == 29
    assert source.clock.playing
    assert len(list((tmp_path / ENGINE).glob("*.bbx"))) > 2
    tape.clock.advance(s=1)
    tape.end()
    for _ in range(3):
        real.advance(s=2)
        screen.poll()
    assert not source.index.live
    assert not source.clock.playing
    assert source.problems == ()


def test_half_a_record_of_a_process_that_writes_is_no_damage(tmp_path: Path) -> None:
    tape = Tape(tmp_path, ManualClock(wall_ns=time.time_ns()))
    tape.start(OPS, ENGINE)
    tape.say(make.log("first", 1))
    tape.clock.advance(s=1)
    tape.say(make.log("second", 2))
    path = _file(tmp_path, OPS)
    whole = path.read_bytes()
    path.write_bytes(whole[:-3])
    index = s.indexed(tmp_path)
    assert index.problems == ()
    source = ReplaySource(index, ManualClock())
    source.seek_share(1.0)
    assert [line.text for line in Screen(source).poll().view.log] == ["first"]
    path.write_bytes(whole)
    index.build()
    source = ReplaySource(index, ManualClock())
    source.seek_share(1.0)
    assert [line.text for line in Screen(source).poll().view.log] == ["first", "second"]


def test_the_wall_time_of_a_position_follows_the_wall_clock_of_then(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS, ENGINE)
    tape.clock.advance(s=5)
    tape.say(make.pulse(1))
    before = tape.clock.monotonic_ns(), tape.clock.wall_ns()
    tape.clock.step_wall(s=3600)
    tape.clock.advance(s=5)
    tape.say(make.pulse(2))
    after = tape.clock.monotonic_ns(), tape.clock.wall_ns()
    tape.end()
    index = s.indexed(tmp_path)
    assert [index.wall_of(at_ns) for at_ns in (before[0], after[0])] == [before[1], after[1]]


def test_a_session_without_a_message_can_be_opened(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    tape.start(OPS)
    tape.end()
    source, _ = s.opened(tmp_path)
    assert (source.poll(), source.position, source.events) == ([], 0.0, ())
    assert NOTE_CHANNEL.encode() in _file(tmp_path, OPS).read_bytes()
