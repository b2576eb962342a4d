"""What the blackbox tests share."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from schemas.blackbox import BlackboxReader, Direction, Record
from schemas.blackbox.segments import SystemDisk


def until(condition: Callable[[], object], limit_s: float = 10.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.001)


def messages(directory: Path) -> list[Record]:
    """All records but the blackbox's own notes."""
    return [record for record in BlackboxReader(directory).read() if record.direction is not Direction.NOTE]


def notes(directory: Path) -> list[tuple[str, str]]:
    found = BlackboxReader(directory).read(channel="blackbox")
    return [(record.topic, record.payload.decode()) for record in found]


def dead_pid() -> int:
    """A process id that was real and is over."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


class FaultyDisk(SystemDisk):
    """A disk with `room` bytes left, that can be stopped altogether."""

    def __init__(self, room: int = 1 << 40) -> None:
        self.room = room
        self.writes = 0
        self.syncs = 0
        self.refuses_files = False
        self.left = 1 << 40

    def free(self, directory: Path) -> int:
        return self.left

    def create(self, path: Path) -> int:
        if self.refuses_files:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return super().create(path)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = super().write(descriptor, data[: self.room])
        self.room -= count
        self.writes += 1
        return count

    def sync(self, descriptor: int) -> None:
        self.syncs += 1
        super().sync(descriptor)
