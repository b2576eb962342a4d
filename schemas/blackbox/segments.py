"""The files of the blackbox: names, the disk, and what is deleted when there is too much."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Protocol

import psutil

from schemas.blackbox.decode import SegmentDecoder
from schemas.blackbox.record import HASH_SIZE, chain

_NAME: Final = re.compile(r"(?P<start>\d+)-(?P<pid>\d+)-(?P<number>\d+)\.bbx\Z")
_PIECE: Final = 1 << 18
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Disk(Protocol):
    """What the writer needs of the operating system; a test makes it fail."""

    def create(self, path: Path) -> int:
        """A new file, 0600, in a directory made 0700 if there is none; its descriptor. Raises: OSError."""
        ...

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """Bytes written, perhaps fewer than given. Raises: OSError."""
        ...

    def sync(self, descriptor: int) -> None:
        """Returns when what was written survives a power cut. Raises: OSError."""
        ...

    def close(self, descriptor: int) -> None:
        """Raises: OSError."""
        ...

    def free(self, directory: Path) -> int:
        """Bytes that are left for us where the directory is, or will be. Raises: OSError."""
        ...


class SystemDisk:
    """The real one. `fdatasync` where there is one (not on macOS), `fsync` elsewhere."""

    def create(self, path: Path) -> int:
        """See Disk."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def write(self, descriptor: int, data: bytes | memoryview) -> int:
        """See Disk."""
        return os.write(descriptor, data)

    def sync(self, descriptor: int) -> None:
        """See Disk."""
        getattr(os, "fdatasync", os.fsync)(descriptor)

    def close(self, descriptor: int) -> None:
        """See Disk."""
        os.close(descriptor)

    def free(self, directory: Path) -> int:
        """See Disk."""
        while not directory.exists():
            directory = directory.parent
        found = os.statvfs(directory)
        return found.f_bavail * found.f_frsize


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file. Ordered by the start of its run, then by its number in it."""

    process: str
    start_wall_ns: int
    pid: int
    number: int
    path: Path

    @property
    def run(self) -> tuple[str, int, int]:
        """What the segments of one run of one process have in common."""
        return self.process, self.start_wall_ns, self.pid


@dataclass(frozen=True, slots=True)
class TornTail:
    """A segment that stops being readable at `offset` (bytes); all records before it were given."""

    path: Path
    offset: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason} at byte {self.offset}; all records before it are good"


def segment_name(start_wall_ns: int, pid: int, number: int) -> str:
    """The file name of a segment; names of one process sort by age."""
    return f"{start_wall_ns:020d}-{pid}-{number:06d}.bbx"


def list_segments(directory: Path) -> list[Segment]:
    """All segments below the blackbox directory, by process and age. Other files are passed over."""
    found = []
    for path in directory.glob("*/*.bbx"):
        if match := _NAME.match(path.name):
            numbers = int(match["start"]), int(match["pid"]), int(match["number"])
            found.append(Segment(path.parent.name, *numbers, path))
    return sorted(found)


def find_torn(segment: Segment) -> TornTail | None:
    """Reads a whole segment and says where it stops being readable. None if it is whole, or gone."""
    decoder = SegmentDecoder()
    try:
        with segment.path.open("rb") as file:
            while piece := file.read(_PIECE):
                for _ in decoder.receive(piece):
                    pass
    except FileNotFoundError:
        return None
    reason = decoder.finish()
    return None if reason is None else TornTail(segment.path, decoder.offset, reason)


def prune(directory: Path, keep_bytes: int, own_pid: int) -> int:
    """Deletes the oldest segments of all processes until at most `keep_bytes` are left. Returns how many it deleted.

    Never the newest segment of a run whose process lives: somebody writes to it. Raises: OSError.
    """
    segments = list_segments(directory)
    newest = {segment.run: segment for segment in segments}
    sizes = {}
    for segment in segments:
        try:
            sizes[segment] = segment.path.stat().st_size
        except FileNotFoundError:
            continue  # another process prunes too
    total, deleted = sum(sizes.values()), 0
    for segment in sorted(sizes, key=lambda s: (s.start_wall_ns, s.number)):
        if total <= keep_bytes:
            break
        live = segment.pid == own_pid or psutil.pid_exists(segment.pid)
        if segment is newest[segment.run] and live:
            continue
        segment.path.unlink(missing_ok=True)
        total -= sizes[segment]
        deleted += 1
    return deleted


@cache
def boot_id() -> bytes:
    """16 bytes that differ from boot to boot of this machine."""
    try:
        seed = _BOOT_ID.read_bytes()
    except OSError:  # not Linux: the boot's time, to the minute
        seed = str(round(psutil.boot_time() / 60)).encode()
    return chain(seed)[:HASH_SIZE]
