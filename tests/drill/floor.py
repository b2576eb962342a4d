"""The floor of a halt: as many wake-ups as it takes from whoever asks to the latch, and one sync, without any of ours.

Under the same load and on the same disk. What a halt takes beyond it is ours; what the floor takes is the machine's.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_ECHO: Final = "import os\nwhile said := os.read(0, 1): os.write(1, said)"
_TURNS: Final = 2
"""Four wake-ups: ops, its socket's thread, that of the engine's socket, the engine."""
_BLOCK: Final = b" " * 4_095 + b"\n"


@contextlib.contextmanager
def floor(directory: Path) -> Iterator[Callable[[], tuple[int, int]]]:
    """A function that goes that way once; it returns when it began and when it ended, monotonic ns."""
    with (
        subprocess.Popen(
            [sys.executable, "-S", "-c", _ECHO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        ) as echo,
        (directory / "floor").open("wb", buffering=0) as file,
    ):
        assert echo.stdin is not None
        assert echo.stdout is not None
        there, back = echo.stdin.fileno(), echo.stdout.fileno()

        def once() -> tuple[int, int]:
            began_ns = time.monotonic_ns()
            for _ in range(_TURNS):
                os.write(there, b"x")
                os.read(back, 1)
            os.pwrite(file.fileno(), _BLOCK, 0)
            getattr(os, "fdatasync", os.fsync)(file.fileno())
            return began_ns, time.monotonic_ns()

        once()  # its block is on the disk from now on, as the latch's is
        try:
            yield once
        finally:
            echo.kill()


def taken_by_host_s() -> float:
    """Seconds of processor that we wanted and the host of this virtual machine gave to others, since it was started."""
    try:
        stolen = Path("/proc/stat").read_text().splitlines()[0].split()[8]
    except FileNotFoundError:  # not Linux
        return 0.0
    return int(stolen) / os.sysconf("SC_CLK_TCK")
