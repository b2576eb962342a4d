from __future__ import annotations

from collections.abc import Iterator

import pytest

from schemas.settings import Home
from tests.sovereign_tui.ops.support import fresh_home


@pytest.fixture
def home() -> Iterator[Home]:
    with fresh_home() as made:
        yield made
