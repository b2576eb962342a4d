"""Noticing that the process that started us is gone."""

from __future__ import annotations

import asyncio
import os
from typing import Final

_CHECK_S: Final = 0.5


async def parent_gone(pid: int) -> None:
    """Returns when the process has ended. A pidfd also notices one that nobody has reaped yet."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # not Linux: ask again and again
        while _alive(pid):
            await asyncio.sleep(_CHECK_S)
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(fd, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
