from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.settings import Home
from tests.sovereign_tui.cockpit.support import home_in


@pytest.fixture
def home() -> Iterator[Home]:
    folder = Path(tempfile.mkdtemp(prefix="sv"))  # short: a Unix socket's path has at most 104 bytes
    try:
        yield home_in(folder)
    finally:
        shutil.rmtree(folder)
