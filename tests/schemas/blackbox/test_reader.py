from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemas.blackbox import (
    BlackboxReader,
    BlackboxWriter,
    Direction,
    SegmentBroken,
    SegmentDecoder,
    SegmentHeader,
    SegmentOk,
    scan,
)
from schemas.blackbox.record import NO_HASH, Lane, chain, encode_header, encode_record
from schemas.clock import NS_PER_S
from tests.support.clock import ManualClock


def segment(
    directory: Path, process: str, pid: int, *, start: int, times: list[int], boot: bytes = bytes(16), wall: int = 0
) -> Path:
    """A run of one segment with one record per monotonic time; wall time is monotonic time plus `wall`."""
    header = SegmentHeader(
        process=process, pid=pid, number=0, wall_ns=start + wall, monotonic_ns=start, boot=boot, prev=NO_HASH
    )
    parts = [encode_header(header)]
    for at in times:
        payload = b"%s %d" % (process.encode(), at)
        parts.append(encode_record(chain(parts[-1]), at, at + wall, Lane(Direction.SENT, "5555", "t"), payload))
    path = directory / process / f"{start + wall:020d}-{pid}-000000.bbx"
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(b"".join(parts))
    return path


def payloads(reader: BlackboxReader, process: str | None = None) -> list[str]:
    return [record.payload.decode() for record in reader.read(process)]


def test_processes_are_merged_by_monotonic_time_and_boots_one_after_another(tmp_path: Path) -> None:
    segment(tmp_path, "engine", 1, start=10, times=[11, 14, 20])
    segment(tmp_path, "brain", 2, start=12, times=[13, 15])
    segment(tmp_path, "brain", 3, start=16, times=[17])
    segment(tmp_path, "engine", 1, start=5, times=[6, 12], boot=b"b" * 16, wall=1000)
    reader = BlackboxReader(tmp_path)
    assert payloads(reader) == [
        "engine 11", "brain 13", "engine 14", "brain 15", "brain 17", "engine 20", "engine 6", "engine 12",
    ]  # fmt: skip
    assert payloads(reader, "brain") == ["brain 13", "brain 15", "brain 17"]
    assert reader.torn == []


def test_records_are_chosen_by_wall_time_topic_and_channel(tmp_path: Path) -> None:
    clock = ManualClock(wall_ns=100 * NS_PER_S)
    writer = BlackboxWriter(tmp_path, "engine", clock)
    for channel, topic in [("5555", "tick.BTC"), ("5556", "request"), ("5555", "state.account")]:
        writer.record(Direction.SENT, channel, topic, b"", vital=True)
        clock.advance(s=1)
    writer.close()
    reader = BlackboxReader(tmp_path)
    assert [r.topic for r in reader.read(channel="5555")] == ["tick.BTC", "state.account"]
    assert [r.channel for r in reader.read(topic="request")] == ["5556"]
    assert [r.topic for r in reader.read(since_ns=101 * NS_PER_S, until_ns=102 * NS_PER_S)] == ["request"]


def test_a_torn_tail_is_told_and_all_before_it_and_after_that_run_is_given(tmp_path: Path) -> None:
    torn = segment(tmp_path, "engine", 1, start=10, times=[11, 12])
    size = torn.stat().st_size
    torn.write_bytes(torn.read_bytes()[:-1])
    segment(tmp_path, "engine", 2, start=20, times=[21])
    reader = BlackboxReader(tmp_path)
    assert payloads(reader) == ["engine 11", "engine 21"]
    (tail,) = reader.torn
    assert (tail.path, tail.reason) == (torn, "the record is cut off")
    assert 0 < tail.offset < size
    decoder = SegmentDecoder()
    assert len(list(decoder.receive(torn.read_bytes()[: tail.offset]))) == 1
    read: list[int] = []
    first, second = reader.verify(read.append)
    assert first == SegmentBroken(torn, tail.offset, tail.reason, 1, 11, decoder.last_hash.hex())
    assert sum(read) == sum(each.path.stat().st_size for each in reader.segments())
    assert isinstance(second, SegmentOk)


@pytest.mark.parametrize("content", [b"", b"SOVB", b"not a segment at all", bytes(5000)])
def test_a_segment_without_a_header_is_told(tmp_path: Path, content: bytes) -> None:
    path = segment(tmp_path, "engine", 1, start=10, times=[11])
    path.write_bytes(content)
    reader = BlackboxReader(tmp_path)
    assert payloads(reader) == []
    assert [(t.path, t.offset) for t in reader.torn] == [(path, 0)]
    assert [type(found) for found in reader.verify()] == [SegmentBroken]


def test_a_segment_exchanged_for_one_of_another_run_is_noticed(tmp_path: Path) -> None:
    first = segment(tmp_path, "engine", 1, start=10, times=[11])
    second = segment(tmp_path, "engine", 2, start=20, times=[21])
    second.write_bytes(first.read_bytes())
    ok, broken = BlackboxReader(tmp_path).verify()
    assert isinstance(ok, SegmentOk)
    assert isinstance(broken, SegmentBroken)
    assert (broken.offset, broken.reason) == (0, "the segment does not follow the one before it in its run")


def test_a_cut_between_two_segments_of_a_run_is_noticed(tmp_path: Path) -> None:
    clock = ManualClock()
    writer = BlackboxWriter(tmp_path, "engine", clock, segment_bytes=1)
    for number in range(3):
        written = writer.status.written
        writer.record(Direction.SENT, "c", "t", b"%d" % number, vital=True)
        while writer.status.written == written:
            pass
    writer.close()
    reader = BlackboxReader(tmp_path)
    paths = [s.path for s in reader.segments()]
    assert len(paths) == 5  # the header alone, three records, the note of the orderly end
    data = paths[2].read_bytes()
    paths[2].write_bytes(data[: data.index(b"ct1") - 43])  # its only record, from its length on
    verdicts = list(reader.verify())
    assert [type(v) for v in verdicts] == [SegmentOk, SegmentOk, SegmentOk, SegmentBroken, SegmentOk]


def test_an_empty_or_missing_directory_holds_nothing(tmp_path: Path) -> None:
    reader = BlackboxReader(tmp_path / "none")
    assert (reader.segments(), list(reader.read()), list(reader.verify())) == ([], [], [])


def test_a_cut_at_any_byte_loses_at_most_the_record_that_it_goes_through(tmp_path: Path) -> None:
    """Kill -9 and a full disk leave such segments: every byte of a small one is tried."""
    whole = segment(tmp_path, "engine", 1, start=10, times=[11, 12, 13])
    data = whole.read_bytes()
    decoder = SegmentDecoder()
    ends = []
    for size in range(1, len(data) + 1):  # where each record, and before them the header, is whole
        before = decoder.offset
        list(decoder.receive(data[size - 1 : size]))
        if decoder.offset != before:
            ends.append(size)
    assert len(ends) == 4
    reader = BlackboxReader(tmp_path)
    for cut in range(len(data) + 1):
        whole.write_bytes(data[:cut])
        kept = sum(cut >= end for end in ends[1:])
        assert payloads(reader) == ["engine 11", "engine 12", "engine 13"][:kept]
        assert [one.payload for one in scan(reader.segments()[0], [b"engine "])] == [
            b"engine 11", b"engine 12", b"engine 13",
        ][:kept]  # fmt: skip
        (found,) = reader.verify()
        assert isinstance(found, SegmentOk) == (cut in ends)
        if isinstance(found, SegmentBroken):
            assert (found.records, found.offset) == (kept, max([end for end in ends if end <= cut], default=0))


def test_a_scan_finds_by_the_bytes_of_a_record_and_checks_them(tmp_path: Path) -> None:
    path = segment(tmp_path, "engine", 1, start=10, times=[11, 12, 13, 21])
    (here,) = BlackboxReader(tmp_path).segments()
    assert [one.payload for one in scan(here, [b"engine 1", b"12"])] == [b"engine 11", b"engine 12", b"engine 13"]
    assert [one.payload for one in scan(here, [b"nothing"])] == []
    assert list(scan(here, [b"engine"], passed_over=(b"t",))) == []
    data = path.read_bytes()
    path.write_bytes(data.replace(b"engine 12", b"engine 19"))  # the CRC tells
    assert [one.payload for one in scan(here, [b"engine 1"])] == [b"engine 11", b"engine 13"]
    path.unlink()
    assert list(scan(here, [b"engine"])) == []


def test_records_of_a_time_are_read_from_the_segments_of_that_time_alone(tmp_path: Path) -> None:
    early = segment(tmp_path, "engine", 1, start=10, times=[11])
    os.utime(early, ns=(11, 11))
    early.chmod(0o600)
    later = 1_000 * NS_PER_S
    segment(tmp_path, "engine", 2, start=later, times=[later + 1, later + 2])
    reader = BlackboxReader(tmp_path)
    assert [one.monotonic_ns for one in reader.read(since_ns=later + 2)] == [later + 2]
    assert [one.monotonic_ns for one in reader.read(until_ns=100)] == [11]
    early.write_bytes(b"broken")
    os.utime(early, ns=(11, 11))
    assert [one.monotonic_ns for one in reader.read(since_ns=later)] == [later + 1, later + 2]
