"""Processor, memory and open files of the processes, asked of the operating system every two seconds."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable
from typing import Final, TypedDict

import psutil


class Used(TypedDict):
    """Percent of one core since the sample before; resident MiB; descriptors, and how many it may have.

    None: not known.
    """

    cpu_pct: float | None
    memory_mb: float | None
    open_files: int | None
    open_files_limit: int | None


_UNKNOWN: Final = Used(cpu_pct=None, memory_mb=None, open_files=None, open_files_limit=None)


class Usage:
    """The newest sample of each pid."""

    def __init__(self) -> None:
        self._processes: dict[int, psutil.Process] = {}
        self._newest: dict[int, Used] = {}

    def of(self, pid: int) -> Used:
        """The newest sample."""
        return self._newest.get(pid, _UNKNOWN)

    def sample(self, pids: Iterable[int]) -> None:
        """Look at these processes now, and forget all others."""
        alive = {pid for pid in pids if pid}
        self._newest = {pid: used for pid in alive if (used := self._look(pid)) is not None}
        self._processes = {pid: process for pid, process in self._processes.items() if pid in alive}

    def _look(self, pid: int) -> Used | None:
        known = self._processes.get(pid)
        try:
            process = known or psutil.Process(pid)
            self._processes[pid] = process
            cpu = process.cpu_percent()
            memory = process.memory_info().rss / 2**20
            files, limit = process.num_fds(), _limit(process)
        except (psutil.Error, OSError):
            return None  # it has just ended, or ops has no descriptor left to look with
        return Used(
            cpu_pct=cpu if known is not None else None, memory_mb=round(memory, 1), open_files=files,
            open_files_limit=limit,
        )  # fmt: skip


def _limit(process: psutil.Process) -> int | None:
    """The soft limit of open files. Only Linux tells that of another process."""
    if sys.platform != "linux":
        return None
    soft, _ = process.rlimit(psutil.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else None
