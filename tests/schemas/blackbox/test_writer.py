from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from schemas.blackbox import BlackboxReader, BlackboxWriter, Direction, Record, SegmentOk, Tap
from schemas.clock import SystemClock
from tests.schemas.blackbox.support import FaultyDisk, dead_pid, messages, notes, until
from tests.support.clock import ManualClock


def fill(tap: Tap, count: int, *, vital: bool = False, size: int = 100, start: int = 0) -> None:
    for number in range(start, start + count):
        tap.record(Direction.SENT, "5555", "tick.BTC", b"%0*d" % (size, number), vital=vital)


def numbers(directory: Path) -> list[int]:
    return [int(record.payload) for record in messages(directory)]


def test_messages_are_on_disk_in_order_with_both_times(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = BlackboxWriter(tmp_path, "engine", clock)
    writer.record(Direction.RECEIVED, "5556", "request", memoryview(b"order"), vital=True)
    clock.advance(ms=1)
    writer.record(Direction.SENT, "5555", "tick.BTC", b"tick", vital=False)
    assert writer.close()
    common = {"process": "engine"}
    first, second = messages(tmp_path)
    assert first == Record(
        **common,
        monotonic_ns=5_000_000_000,
        wall_ns=1_721_347_020_000_000_000,
        direction=Direction.RECEIVED,
        channel="5556",
        topic="request",
        payload=b"order",
    )
    assert (second.monotonic_ns, second.payload) == (5_001_000_000, b"tick")
    assert notes(tmp_path) == [("closed", "")]
    assert writer.status.written == 2


def test_a_topic_that_cannot_be_encoded_raises_nothing_into_the_caller(tmp_path: Path) -> None:
    writer = BlackboxWriter(tmp_path, "ops", SystemClock())
    writer.record(Direction.SENT, "gate", "a\ud800b", b"p", vital=True)
    assert writer.close()
    assert [(record.topic, record.payload) for record in messages(tmp_path)] == [("a?b", b"p")]


def test_the_payload_is_copied_not_borrowed(tmp_path: Path) -> None:
    buffer = bytearray(b"before")
    writer = BlackboxWriter(tmp_path, "engine", SystemClock())
    writer.record(Direction.SENT, "c", "t", memoryview(buffer), vital=False)
    buffer[:] = b"after!"
    writer.close()
    assert [record.payload for record in messages(tmp_path)] == [b"before"]


@pytest.mark.parametrize("vital", [False, True])
def test_a_lane_records_what_record_does_without_the_header_of_each_message(tmp_path: Path, vital: bool) -> None:
    writer = BlackboxWriter(tmp_path, "engine", ManualClock())
    keep = writer.lane(Direction.SENT, "5555", "tick.BTC", vital=vital, skip=3)
    for message in (b"hdrone", memoryview(b"hdrtwo"), b"hdr"):
        keep(message)
    for payload in (b"one", b"two", b""):
        writer.record(Direction.SENT, "5555", "tick.BTC", payload, vital=vital)
    assert writer.close()
    records = list(messages(tmp_path))
    assert records[:3] == records[3:]
    assert [record.payload for record in records[:3]] == [b"one", b"two", b""]
    assert (writer.status.written, writer.status.vital_queued) == (6, 0)


def test_a_lane_drops_ticks_into_a_full_queue_and_counts_them_and_keeps_commands(tmp_path: Path) -> None:
    disk = FaultyDisk(room=0)
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), queue_records=10, disk=disk)
    until(lambda: writer.status.error)
    ticks = writer.lane(Direction.SENT, "5555", "tick.BTC", vital=False)
    orders = writer.lane(Direction.RECEIVED, "5556", "request", vital=True)
    for number in range(15):
        ticks(b"%d" % number)
    for number in range(15, 20):
        orders(b"%d" % number)
    status = writer.status
    assert (status.dropped, status.vital_queued, status.lost_vital) == (5, 5, 0)
    disk.room = 1 << 30
    assert writer.close()
    assert numbers(tmp_path) == [*range(10), *range(15, 20)]


def test_a_vital_record_is_written_at_once_and_the_rest_by_and_by(tmp_path: Path) -> None:
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), flush_ms=60_000)
    fill(writer, 3)
    fill(writer, 1, vital=True, start=3)
    until(lambda: writer.status.written == 4)
    assert writer.status.vital_queued == 0
    assert numbers(tmp_path) == [0, 1, 2, 3]
    assert writer.close()


def test_a_full_queue_drops_ticks_counts_them_records_the_count_and_keeps_commands(tmp_path: Path) -> None:
    disk = FaultyDisk(room=0)
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), queue_records=10, disk=disk)
    until(lambda: writer.status.error)
    fill(writer, 15)
    fill(writer, 5, vital=True, start=15)
    status = writer.status
    assert (status.dropped, status.vital_queued, status.lost_vital) == (5, 5, 0)
    disk.room = 1 << 30
    assert writer.close()
    assert numbers(tmp_path) == [*range(10), *range(15, 20)]
    assert notes(tmp_path) == [("dropped", "5"), ("closed", "")]


def test_on_a_nearly_full_disk_only_what_is_vital_is_recorded_until_there_is_space_again(tmp_path: Path) -> None:
    disk = FaultyDisk()
    disk.left = 99
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), min_free_bytes=100, disk=disk)
    until(lambda: writer.status.sparing)
    fill(writer, 3)
    fill(writer, 2, vital=True, start=3)
    assert (writer.status.dropped, writer.status.error) == (3, None)
    disk.left = 100
    until(lambda: not writer.status.sparing)
    fill(writer, 2, start=5)
    assert writer.close()
    assert numbers(tmp_path) == [3, 4, 5, 6]
    assert notes(tmp_path) == [("dropped", "3"), ("closed", "")]


def test_a_full_disk_is_shown_and_writing_goes_on_at_the_byte_where_it_stopped(tmp_path: Path) -> None:
    disk = FaultyDisk(room=333)
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), disk=disk)
    fill(writer, 50, vital=True)
    until(lambda: writer.status.error)
    assert "No space left" in str(writer.status.error)
    assert writer.status.vital_queued > 0
    until(lambda: disk.room == 0)
    disk.room = 1 << 30
    until(lambda: writer.status.vital_queued == 0)
    assert writer.status.error is None
    assert writer.close()
    assert numbers(tmp_path) == list(range(50))


def test_an_unwritable_place_is_shown_never_raised_and_used_once_it_can_be(tmp_path: Path) -> None:
    disk = FaultyDisk()
    disk.refuses_files = True
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), disk=disk)
    fill(writer, 3, vital=True)
    until(lambda: writer.status.error)
    assert not writer.close(deadline_s=0.05)
    disk.refuses_files = False
    assert writer.close()
    assert numbers(tmp_path) == [0, 1, 2]


def test_a_file_in_the_place_of_the_directory_is_an_error_shown(tmp_path: Path) -> None:
    (tmp_path / "box").write_text("")
    writer = BlackboxWriter(tmp_path / "box", "engine", SystemClock())
    until(lambda: writer.status.error)
    assert not writer.close(deadline_s=0.01)
    (tmp_path / "box").unlink()
    assert writer.close()


def test_segments_rotate_by_size_in_one_chain_private_to_the_user(tmp_path: Path) -> None:
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), segment_bytes=20_000)
    for start in range(0, 1000, 50):
        fill(writer, 50, start=start)
        until(lambda start=start: writer.status.written == start + 50)
    assert writer.close()
    found = list(BlackboxReader(tmp_path).verify())
    assert len(found) > 5
    assert all(isinstance(segment, SegmentOk) for segment in found)
    assert [isinstance(s, SegmentOk) and s.closed for s in found] == [False] * (len(found) - 1) + [True]
    assert numbers(tmp_path) == list(range(1000))
    directory = tmp_path / "engine"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(p.stat().st_mode) for p in directory.iterdir()} == {0o600}
    assert max(p.stat().st_size for p in directory.iterdir()) < 40_000


def test_the_oldest_segments_go_first_and_never_one_that_is_written(tmp_path: Path) -> None:
    other = tmp_path / "brain"
    other.mkdir()
    over = other / f"{1:020d}-{dead_pid()}-000000.bbx"
    live = other / f"{2:020d}-{os.getppid()}-000000.bbx"
    for path in (over, live):
        path.write_bytes(bytes(1000))
    (other / "notes.txt").write_text("not a segment")
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), segment_bytes=10_000, keep_bytes=35_000)
    for start in range(0, 1000, 50):
        fill(writer, 50, start=start)
        until(lambda start=start: writer.status.written == start + 50)
    assert writer.close()
    assert not over.exists()
    assert live.exists()
    assert (other / "notes.txt").exists()
    kept = numbers(tmp_path)
    assert kept == list(range(kept[0], 1000))
    assert kept[0] > 0
    mine = list(BlackboxReader(tmp_path).segments("engine"))
    assert sum(segment.path.stat().st_size for segment in mine) < 35_000 + 2 * 10_000
    assert all(isinstance(s, SegmentOk) for s in BlackboxReader(tmp_path).verify() if s.path.parent.name == "engine")


def test_a_batch_is_one_write_and_syncs_are_rare(tmp_path: Path) -> None:
    disk = FaultyDisk()
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), flush_ms=60_000, disk=disk)
    began = time.monotonic()
    fill(writer, 500)
    fill(writer, 1, vital=True, start=500)
    until(lambda: writer.status.written == 501)
    assert disk.writes <= 4
    for start in range(501, 601):
        fill(writer, 1, vital=True, start=start)
        until(lambda start=start: writer.status.written == start + 1)
    elapsed = time.monotonic() - began
    assert disk.syncs <= elapsed / 0.05 + 1
    assert writer.close()


def test_two_writers_of_one_process_at_one_instant_keep_apart(tmp_path: Path) -> None:
    clock = ManualClock()
    writers = [BlackboxWriter(tmp_path, "engine", clock) for _ in range(3)]
    for number, writer in enumerate(writers):
        fill(writer, 1, start=number)
    assert all(writer.close() for writer in writers)
    assert sorted(numbers(tmp_path)) == [0, 1, 2]
    assert len(BlackboxReader(tmp_path).segments()) == 3


def test_closing_twice_is_nothing_and_later_records_are_not_written(tmp_path: Path) -> None:
    writer = BlackboxWriter(tmp_path, "engine", SystemClock())
    assert writer.close()
    fill(writer, 1)
    assert writer.close()
    assert numbers(tmp_path) == []


@pytest.mark.parametrize("vital", [False, True])
def test_a_record_costs_the_caller_little(tmp_path: Path, vital: bool) -> None:
    """The bound is loose (a loaded machine); the figure itself is about 1 us."""
    writer = BlackboxWriter(tmp_path, "engine", SystemClock(), queue_records=200_000)
    best = float("inf")
    for _ in range(10):
        began = time.perf_counter_ns()
        fill(writer, 1000, vital=vital)
        best = min(best, (time.perf_counter_ns() - began) / 1000)
    assert writer.close()
    assert best < 10_000
