"""The blackbox of a process: what the channels tell it, on disk within milliseconds, without holding them up."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from schemas.blackbox.decode import CLOSED_TOPIC, DROPPED_TOPIC, TORN_TOPIC
from schemas.blackbox.log import SegmentLog
from schemas.blackbox.queue import RecordQueue
from schemas.blackbox.segments import Disk, SystemDisk, TornTail, find_torn, list_segments
from schemas.clock import Clock

GIB: Final = 1 << 30
MIB: Final = 1 << 20
_SLICE: Final = 32
"""Records encoded before the thread lets go of the GIL: some 50 us that the hot path may have to wait."""
_SLICES: Final = 32
"""Slices per write."""
_BREATH_S: Final = 50e-6
_RETRY_S: Final = 0.25
_RETRY_CLOSING_S: Final = 0.02
_SYNC_S: Final = 0.05
_LOOK_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BlackboxStatus:
    """How the blackbox is. All counts since the start of this run."""

    written: int
    """Records handed to the operating system: they survive a kill of the process."""
    dropped: int
    """Records that are not vital, dropped because the queue was full."""
    vital_queued: int
    """Vital records that are in memory only."""
    lost_vital: int
    """Vital records given up: the disk refused for too long."""
    sparing: bool
    """The disk is nearly full: only vital records are written."""
    error: str | None
    """Why nothing can be written at present; None while all is well."""
    torn: TornTail | None
    """Where the segment of the run before breaks off, if it does."""


class BlackboxWriter:
    """Implements Tap. `record` queues; a daemon thread writes.

    The thread wakes every `flush_ms`, at once for a vital record unless `vital_wakes` is False, and hands each batch
    over in one write (safe from a kill of the process); at most every 50 ms it syncs (safe from a power cut).
    Full queue (`queue_records`): what is not vital is dropped, counted, and the count is recorded.
    Refusing disk: shown in `status`, tried again every 250 ms; vital records wait in memory, up to 200,000.
    Nothing here ever raises into the caller, the constructor included.
    Less than `min_free_bytes` left on the disk: only what is vital is written, and the rest is counted as dropped.
    A segment ends at `segment_bytes`; beyond `keep_bytes` in `directory` the oldest are deleted.
    """

    def __init__(
        self,
        directory: Path,
        process: str,
        clock: Clock,
        *,
        segment_bytes: int = 64 * MIB,
        queue_records: int = 65_536,
        flush_ms: float = 20.0,
        keep_bytes: int = 20 * GIB,
        min_free_bytes: int = 0,
        vital_wakes: bool = True,
        disk: Disk | None = None,
    ) -> None:
        self._queue = RecordQueue(clock, limit=queue_records, vital_wakes=vital_wakes)
        self.record, self.lane = self._queue.record, self._queue.lane
        self._directory, self._disk, self._min_free_bytes = directory, disk or SystemDisk(), min_free_bytes
        self._sparing = False
        self._log = SegmentLog(
            directory,
            process,
            clock,
            segment_bytes=segment_bytes,
            keep_bytes=keep_bytes,
            disk=self._disk,
        )
        self._flush_s = flush_ms / 1000
        self._closing = threading.Event()
        self._drops_told = 0
        self._crowded = queue_records // 4
        self._vital_encoded = 0
        self._vital_done = 0
        self._ended = False
        self._torn = _torn_before(directory, process)
        if self._torn is not None:
            self._log.note(TORN_TOPIC, str(self._torn))
        self._thread = threading.Thread(target=self._run, name=f"blackbox-{process}", daemon=True)
        self._thread.start()

    @property
    def status(self) -> BlackboxStatus:
        """How it is at this moment."""
        queue, log = self._queue, self._log
        return BlackboxStatus(
            written=log.written,
            dropped=queue.dropped,
            vital_queued=queue.vital_taken - self._vital_done,
            lost_vital=queue.lost_vital,
            sparing=self._sparing,
            error=log.error,
            torn=self._torn,
        )

    def close(self, deadline_s: float = 5.0) -> bool:
        """Writes all that is queued and a note of the orderly end. False if the disk did not take it in time.

        Idempotent. Records that come later are not written.
        """
        self._closing.set()
        self._queue.wake.set()
        self._thread.join(deadline_s)
        return not self._thread.is_alive() and self._log.error is None

    def _run(self) -> None:
        queue, log = self._queue, self._log
        synced_s = time.monotonic()
        looked_s = -_LOOK_S
        while not (self._closing.is_set() and self._finish()):
            queue.wake.wait(self._flush_s)
            if log.error:
                self._pause()
            queue.wake.clear()
            if time.monotonic() - looked_s >= _LOOK_S:
                looked_s = time.monotonic()
                self._look_for_space()
            self._flush()
            if log.unsynced and time.monotonic() - synced_s >= _SYNC_S:
                log.sync()
                synced_s = time.monotonic()
        log.close()

    def _look_for_space(self) -> None:
        """The journal and the latch are on the same disk, and need it more."""
        try:
            self._sparing = self._disk.free(self._directory) < self._min_free_bytes
        except OSError:
            return  # the next write says what is wrong
        self._queue.spare(self._sparing)

    def _pause(self) -> None:
        """Vital records wake the thread at once; that must not make it spin on a disk that refuses."""
        if self._closing.is_set():
            time.sleep(_RETRY_CLOSING_S)
        else:
            self._closing.wait(_RETRY_S)

    def _flush(self) -> bool:
        """Writes what is queued. False if the disk refuses."""
        log = self._log
        self._tell_drops()
        while log.write():
            self._vital_done = self._vital_encoded
            if not self._encode():
                self._tell_drops()
                return log.write()
        return False

    def _encode(self) -> bool:
        """Encodes what is queued, up to what one write may hold. False if there was nothing."""
        queue = self._queue
        for number in range(_SLICES):
            items = queue.take(_SLICE)
            if not items:
                return number > 0
            self._log.append(items)
            self._vital_encoded += sum(lane.vital for _, _, lane, _ in items)
            if len(items) == _SLICE and len(queue) < self._crowded and not self._closing.is_set():
                time.sleep(_BREATH_S)
        return True

    def _tell_drops(self) -> None:
        dropped = self._queue.dropped + self._queue.lost_vital
        if dropped != self._drops_told:
            self._log.note(DROPPED_TOPIC, str(dropped - self._drops_told))
            self._drops_told = dropped

    def _finish(self) -> bool:
        if not self._flush():
            return False
        if not self._ended:
            self._ended = True
            self._log.note(CLOSED_TOPIC, "")
        return self._log.write()


def _torn_before(directory: Path, process: str) -> TornTail | None:
    """The torn tail of the newest run of this process that is over."""
    try:
        ended = [s for s in list_segments(directory) if s.process == process and not psutil.pid_exists(s.pid)]
        return find_torn(ended[-1]) if ended else None
    except OSError:
        return None  # the writer will meet the same disk, and say so in its status
