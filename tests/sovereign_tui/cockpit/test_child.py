from __future__ import annotations

import asyncio
import os
import sys

import psutil
import pytest

from sovereign_tui.cockpit.child import output_of


def said(code: str, limit_s: float = 20.0) -> str:
    return asyncio.run(output_of((sys.executable, "-c", code), {**os.environ, "ASKED": "so"}, limit_s))


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("import os, sys; print(os.environ['ASKED']); print('but', file=sys.stderr)", "so\n"),
        ("import sys; print('so'); sys.exit('but')", "but\n"),
        ("import sys; print('so'); sys.exit(3)", "so\n"),
        ("import sys; sys.stdout.buffer.write(bytes([255]) + b'x' * 300_000)", "\ufffd" + "x" * 300_000),
        ("import sys; print(repr(sys.stdin.read()))", "''\n"),
    ],
)
def test_it_is_what_was_said_or_what_went_wrong(code: str, text: str) -> None:
    assert said(code) == text


def test_one_that_takes_too_long_or_is_no_longer_wanted_is_ended() -> None:
    with pytest.raises(TimeoutError):
        said("import time; time.sleep(60)", 0.3)

    async def left() -> None:
        task = asyncio.ensure_future(output_of((sys.executable, "-c", "import time; time.sleep(60)"), os.environ, 20.0))
        while not psutil.Process().children():
            await asyncio.sleep(0.01)
        task.cancel()  # and once more by `run`, as at the end of a screen

    asyncio.run(left())
    assert psutil.wait_procs(psutil.Process().children(), timeout=10)[1] == []
