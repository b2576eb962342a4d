from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sovereign_tui.cli.support import Shell
from tests.sovereign_tui.ops.support import fresh_home


@pytest.fixture
def sovereign() -> Iterator[Shell]:
    with fresh_home() as home:
        yield Shell(home)
