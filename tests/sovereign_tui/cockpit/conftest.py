from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.settings import Home
from tests.sovereign_tui.cockpit import messages as make
from tests.sovereign_tui.cockpit.support import FakeOps, home_in
from tests.support.clock import ManualClock


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="sv"))  # short: a Unix socket's path has at most 104 bytes
    try:
        yield home_in(folder)
    finally:
        shutil.rmtree(folder)


def _halt_script(clock_ns: int) -> Callable[[dict[str, Any]], list[dict[str, Any]]]:
    first, last = (msgspec.to_builtins(make.receipt(clock_ns, steps)) for steps in (1, 4))
    return lambda command: [{"progress": first}, last] if command["cmd"] == "halt" else [{"ok": True}]


@pytest.fixture
def ops(home: Home) -> Iterator[FakeOps]:
    fake = FakeOps(home.control_socket, _halt_script(ManualClock().monotonic_ns()))
    yield fake
    fake.close()
