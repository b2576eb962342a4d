"""What every process can rely on, whatever becomes of its disk."""

from __future__ import annotations

import errno
import sys
from typing import Any, cast

import pytest

from schemas import codec
from schemas.channels import Pusher
from schemas.process import Reporter
from tests.support.clock import ManualClock


class _Full:
    """A log on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


class _Closed:
    def write(self, text: str) -> int:
        raise ValueError("I/O operation on closed file")


class _Pipe:
    def __init__(self) -> None:
        self.pushed: list[bytes] = []

    def push(self, payload: bytes, *, vital: bool = False) -> None:
        self.pushed.append(payload)


@pytest.mark.parametrize("log", [_Full(), _Closed()])
@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_a_log_that_cannot_be_written_ends_nothing_and_the_line_is_told_all_the_same(
    monkeypatch: pytest.MonkeyPatch, log: Any, level: str
) -> None:
    monkeypatch.setattr(sys, "stderr", log)
    reporter, pipe = Reporter(process="engine", clock=ManualClock()), _Pipe()
    reporter.connect(cast(Pusher, pipe))
    reporter.log(level, "something is wrong")
    (told,) = [codec.decode_telemetry(memoryview(payload)) for payload in pipe.pushed]
    assert told.data == {"level": level, "text": "something is wrong"}
