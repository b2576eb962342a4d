"""What the operating system tells of a process, and what ops does when it tells nothing."""

from __future__ import annotations

import errno
import os

import psutil
import pytest

from sovereign_tui.ops.usage import Usage


def test_without_a_descriptor_to_look_with_it_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(process: psutil.Process) -> float:
        raise OSError(errno.EMFILE, "Too many open files")

    usage = Usage()
    usage.sample([os.getpid()])
    assert usage.of(os.getpid())["memory_mb"] is not None
    monkeypatch.setattr(psutil.Process, "cpu_percent", none_left)
    usage.sample([os.getpid()])
    assert set(usage.of(os.getpid()).values()) == {None}
