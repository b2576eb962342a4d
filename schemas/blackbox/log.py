"""The segments of one run: a chain of records, written whole or tried again from where the disk stopped."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from schemas.blackbox.decode import NOTE_CHANNEL
from schemas.blackbox.queue import Item
from schemas.blackbox.record import NO_HASH, Lane, SegmentHeader, chain, encode_header, encode_record
from schemas.blackbox.segments import Disk, boot_id, prune, segment_name
from schemas.blackbox.tap import Direction
from schemas.clock import Clock


class SegmentLog:
    """Encodes and writes; used by the writer thread alone.

    An error of the disk ends in `error` and nothing is lost by it: the next write() goes on at the very byte.
    """

    def __init__(
        self, directory: Path, process: str, clock: Clock, *, segment_bytes: int, keep_bytes: int, disk: Disk
    ) -> None:
        self.written = 0
        """Messages handed to the operating system, notes not among them."""
        self.error: str | None = None
        self.unsynced = False
        self._directory = directory
        self._process = process
        self._clock = clock
        self._segment_bytes = segment_bytes
        self._keep_bytes = keep_bytes
        self._disk = disk
        self._pid = os.getpid()
        self._run_wall_ns = clock.wall_ns()
        self._number = 0
        self._descriptor: int | None = None
        self._size = 0
        self._hash = NO_HASH
        self._waiting = memoryview(b"")
        self._messages = 0
        self._begin_segment()

    def append(self, items: Iterable[Item]) -> None:
        """Encodes messages behind what waits to be written. A full segment ends first, if nothing waits."""
        parts = [bytes(self._waiting)]
        if self._size >= self._segment_bytes and not self._waiting and self._descriptor is not None:
            self._end_segment(self._descriptor)
            parts = [bytes(self._waiting)]
        prev = self._hash
        for monotonic_ns, wall_ns, lane, message in items:
            encoded = encode_record(prev, monotonic_ns, wall_ns, lane, message)
            prev = chain(encoded)
            parts.append(encoded)
            self._messages += lane.direction != Direction.NOTE
        self._hash = prev
        waiting = b"".join(parts)
        self._size += len(waiting) - len(parts[0])
        self._waiting = memoryview(waiting)

    def note(self, topic: str, text: str) -> None:
        """Encodes a remark of the blackbox about itself."""
        clock = self._clock
        lane = Lane(Direction.NOTE, NOTE_CHANNEL, topic, vital=True)
        self.append([(clock.monotonic_ns(), clock.wall_ns(), lane, text.encode())])

    def write(self) -> bool:
        """Writes all that waits. False if the disk refuses; `error` says why."""
        try:
            if self._descriptor is None:
                self._descriptor = self._create()
                prune(self._directory, self._keep_bytes, self._pid)
            while self._waiting:
                count = self._disk.write(self._descriptor, self._waiting)
                if not count:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                self._waiting = self._waiting[count:]
                self.unsynced = True
        except OSError as error:
            self.error = f"{self._directory / self._process}: {error.strerror or error}"
            return False
        self.error = None
        self.written += self._messages
        self._messages = 0
        return True

    def sync(self) -> None:
        """Makes what was written survive a power cut; a failure ends in `error`."""
        if self._descriptor is None:
            return
        try:
            self._disk.sync(self._descriptor)
            self.unsynced = False
        except OSError as error:
            self.error = f"{self._directory / self._process}: {error.strerror or error}"

    def close(self) -> None:
        """Syncs and closes the file."""
        self.sync()
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            self._disk.close(descriptor)

    def _begin_segment(self) -> None:
        header = SegmentHeader(
            process=self._process,
            pid=self._pid,
            number=self._number,
            wall_ns=self._clock.wall_ns(),
            monotonic_ns=self._clock.monotonic_ns(),
            boot=boot_id(),
            prev=self._hash,
        )
        encoded = encode_header(header)
        self._hash = chain(encoded)
        self._size = len(encoded)
        self._waiting = memoryview(encoded)

    def _end_segment(self, descriptor: int) -> None:
        self.sync()
        self._descriptor = None
        try:
            self._disk.close(descriptor)
        except OSError as error:
            self.error = f"{self._directory / self._process}: {error.strerror or error}"
        self._number += 1
        self._begin_segment()

    def _create(self) -> int:
        """The segment's file. A second writer of one process at the same instant begins a nanosecond later."""
        while True:
            name = segment_name(self._run_wall_ns, self._pid, self._number)
            try:
                return self._disk.create(self._directory / self._process / name)
            except FileExistsError:
                if self._number:
                    raise
                self._run_wall_ns += 1
