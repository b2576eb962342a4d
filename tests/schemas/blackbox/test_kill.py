from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from schemas.blackbox import BlackboxReader, BlackboxWriter, SegmentBroken, SegmentOk
from schemas.clock import SystemClock
from tests.schemas.blackbox.support import messages, notes

WRITE = """
import sys
from pathlib import Path
from schemas.blackbox import BlackboxWriter, Direction
from schemas.clock import SystemClock
writer = BlackboxWriter(Path(sys.argv[1]), "engine", SystemClock())
number = 0
while True:
    for _ in range(20):
        writer.record(Direction.SENT, "5556", "reply", b"%d" % number, vital=True)
        number += 1
    while writer.status.vital_queued:
        pass
    print(number, flush=True)
"""


def killed_writer(directory: Path) -> tuple[int, int]:
    """Kills a process while it records. Returns how many records it knew to be written, and its pid."""
    command = [sys.executable, "-c", WRITE, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=os.getcwd(), text=True) as process:
        assert process.stdout is not None
        for _ in range(30):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        lines = process.stdout.read().splitlines()
        confirmed = [int(line) for line in lines if line.isdigit()]
    return max([600, *confirmed]), process.pid


def test_a_killed_writer_loses_nothing_that_it_reported_as_written(tmp_path: Path) -> None:
    confirmed, _ = killed_writer(tmp_path)
    found = [int(record.payload) for record in messages(tmp_path)]
    assert found == list(range(len(found)))
    assert len(found) >= confirmed


def test_a_torn_tail_is_left_as_it_is_told_and_noted_by_the_next_run(tmp_path: Path) -> None:
    killed_writer(tmp_path)
    (segment,) = BlackboxReader(tmp_path).segments()
    (found,) = BlackboxReader(tmp_path).verify()
    whole = segment.path.read_bytes()
    end = found.offset if isinstance(found, SegmentBroken) else len(whole)
    torn = whole[: end - 3]
    segment.path.write_bytes(torn)
    count = len(messages(tmp_path))

    writer = BlackboxWriter(tmp_path, "engine", SystemClock())
    tail = writer.status.torn
    assert tail is not None
    assert (tail.path, tail.reason) == (segment.path, "the record is cut off")
    assert writer.close()
    assert segment.path.read_bytes() == torn
    assert notes(tmp_path) == [("torn", str(tail)), ("closed", "")]
    assert len(messages(tmp_path)) == count
    first, second = BlackboxReader(tmp_path).verify()
    assert isinstance(first, SegmentBroken)
    assert (first.offset, first.records) == (tail.offset, count)
    assert isinstance(second, SegmentOk)
    assert second.closed
