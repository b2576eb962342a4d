"""The newest records of all processes, and those that follow."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from schemas.blackbox import BlackboxWriter, Record
from sovereign_tui.forensics.tail import Tail
from tests.schemas.blackbox.support import until
from tests.sovereign_tui.forensics import support as s


def here(directory: Path, process: str | None = None) -> Tail:
    return Tail(directory, process=process, wanted=lambda record: record.topic == "t")


def numbers(records: list[Record]) -> list[int]:
    return [int(record.payload) for record in records]


class Writing:
    """Writers of this very process, which lives."""

    def __init__(self, directory: Path, *, segment_bytes: int = 1 << 20) -> None:
        self._directory, self._size, self._clock = directory, segment_bytes, s.SetClock()
        self._writers: dict[str, BlackboxWriter] = {}

    def write(self, process: str, number: int) -> None:
        self._clock.us = number
        if process not in self._writers:
            self._writers[process] = BlackboxWriter(
                self._directory, process, self._clock, segment_bytes=self._size, flush_ms=1
            )
        writer = self._writers[process]
        count = writer.status.written
        writer.record(s.SENT, "c", "t", b"%d" % number, vital=True)
        writer.record(s.SENT, "c", "other", b"", vital=True)
        until(lambda: writer.status.written == count + 2)

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


def test_the_newest_of_all_processes_come_in_the_order_of_the_clock(tmp_path: Path) -> None:
    writing = Writing(tmp_path)
    for number in range(1, 9):
        writing.write(("engine", "brain")[number % 2], number)
    writing.close()
    assert numbers(here(tmp_path).newest(5)) == [4, 5, 6, 7, 8]
    assert numbers(here(tmp_path).newest(0)) == []
    assert numbers(here(tmp_path).newest(100)) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert numbers(here(tmp_path, "brain").newest(2)) == [5, 7]


def test_older_segments_are_opened_only_where_the_newest_do_not_hold_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = Writing(tmp_path, segment_bytes=200)
    for number in range(1, 9):
        writing.write("engine", number)
    writing.close()
    segments = sorted((tmp_path / "engine").glob("*.bbx"))
    assert len(segments) > 4
    segments[0].write_bytes(b"never read")
    monkeypatch.setattr("sovereign_tui.forensics.tail.psutil.pid_exists", lambda pid: False)
    assert numbers(here(tmp_path).newest(3)) == [6, 7, 8]


def test_what_is_written_later_follows_over_new_segments_and_new_processes(tmp_path: Path) -> None:
    writing = Writing(tmp_path, segment_bytes=200)
    writing.write("engine", 1)
    tail = here(tmp_path)
    assert numbers(tail.newest(10)) == [1]
    assert numbers(tail.poll()) == []
    for number in (2, 3, 4):
        writing.write("engine", number)
    writing.write("brain", 5)
    assert numbers(tail.poll()) == [2, 3, 4, 5]
    writing.write("brain", 6)
    assert numbers(tail.poll()) == [6]
    writing.close()
    assert numbers(tail.poll()) == []
    assert os.getpid()
