from __future__ import annotations

import os
import pty
import threading
from typing import Any

import pytest
from textual import events

from sovereign_tui.cockpit.tty.driver import driver_with_kill_key
from sovereign_tui.cockpit.tty.watch import EXIT_GONE, TerminalWatch


def test_a_vanished_terminal_ends_the_process_even_if_the_loop_hangs() -> None:
    ours, theirs = pty.openpty()
    left, ended = threading.Event(), threading.Event()
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        ended.set()

    watch = TerminalWatch(theirs, left.set, end=end)
    watch.start()
    try:
        os.close(ours)
        assert left.wait(10)
        assert ended.wait(10)
        assert codes == [EXIT_GONE]
    finally:
        watch.stop()
        os.close(theirs)


@pytest.mark.parametrize(("key", "pressed"), [("ctrl+k", 1), ("k", 0)])
def test_the_kill_key_is_caught_in_the_input_thread_and_goes_no_further(
    key: str, pressed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    presses: list[int] = []
    forwarded: list[Any] = []
    driver_class = driver_with_kill_key(lambda: presses.append(1))
    monkeypatch.setattr("textual.drivers.linux_driver.LinuxDriver.process_message", lambda _, m: forwarded.append(m))
    message = events.Key(key, None)
    object.__new__(driver_class).process_message(message)
    assert len(presses) == pressed
    assert forwarded == ([] if pressed else [message])
