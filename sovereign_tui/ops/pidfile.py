"""Who a pid belongs to: pid files that a recycled pid cannot deceive, and the lock that makes ops the only one."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.whole_file import write_whole

_LOCK_PATIENCE_S: Final = 0.5
_BOOT_ID: Final = "/proc/sys/kernel/random/boot_id"
_SMALL: Final = 65_536


def identity(pid: int) -> str | None:
    """What tells this process from another that once had, or will have, its pid. None: gone, or a zombie."""
    if sys.platform == "linux":
        try:
            fields = _content(f"/proc/{pid}/stat").rpartition(")")[2].split()
            boot = _boot()
        except (OSError, UnicodeDecodeError):
            return None  # no such process
        return None if fields[0] in "ZX" else f"{boot}:{fields[19]}"
    import psutil  # noqa: PLC0415  # slow to load, and only needed where there is no /proc

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.3f}"
    except psutil.Error:
        return None  # no such process, or one of another user


@functools.cache
def _boot() -> str:
    """Which start of the machine this is. Raises: OSError."""
    return _content(_BOOT_ID).strip()


def _content(path: str) -> str:
    """Of a small file; a halt waits for it. Raises: OSError, UnicodeDecodeError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, _SMALL).decode()
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class PidFile:
    """`<runtime>/<name>.pid`: the pid and its identity, as JSON."""

    path: Path

    def write(self, pid: int) -> None:
        """Name `pid` as the process. Raises: OSError."""
        write_whole(self.path, json.dumps({"pid": pid, "identity": identity(pid)}).encode())

    def living(self) -> int | None:
        """The pid, if that very process is alive."""
        try:
            found = json.loads(_content(str(self.path)))
            pid, known = int(found["pid"]), found["identity"]
        except (OSError, ValueError, KeyError, TypeError):
            return None  # no file, or not one of ours: nothing to adopt
        return pid if known is not None and identity(pid) == known else None

    def remove(self) -> None:
        """Idempotent."""
        self.path.unlink(missing_ok=True)


class AlreadyRunning(Exception):
    """Another ops serves this home. `pid` None: its lock file does not say."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid
        super().__init__(
            f"ops is running already (pid {pid or 'unknown'}); `sovereign status` shows it, `sovereign down` stops it"
        )


class HomeLock:
    """The lock of one home, held as long as the object lives or until `release`; the kernel frees it when we die."""

    def __init__(self, path: Path) -> None:
        """Takes the lock. A reader of `holder` may hold it for an instant, so it is tried for half a second.

        Raises: AlreadyRunning, OSError.
        """
        self._path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        patience = time.monotonic() + _LOCK_PATIENCE_S
        while not _lock(self._fd):
            if time.monotonic() > patience:
                os.close(self._fd)
                raise AlreadyRunning(_pid_in(path))
            time.sleep(0.01)
        os.ftruncate(self._fd, 0)
        os.write(self._fd, str(os.getpid()).encode())

    def release(self) -> None:
        """Idempotent."""
        if self._fd >= 0:
            os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = -1


def is_held(path: Path) -> bool:
    """Whether an ops holds the lock of this home."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # never made, or not ours
    try:
        return not _lock(fd)
    finally:
        os.close(fd)


def holder(path: Path) -> int | None:
    """The pid of the ops that holds the lock; None: nobody does, or it has not written its pid yet."""
    return _pid_in(path) if is_held(path) else None


def _lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _pid_in(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):  # gone, or not a number yet: unknown
        return int(path.read_text())
    return None
