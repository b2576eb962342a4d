"""A short version of `make halts`: HALTs of a system in trouble, and the proof that no order passed after one."""

from __future__ import annotations

import pytest

from tests.drill.halts import campaign

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

HALTS = 13


def test_no_order_passes_after_a_latch_whatever_goes_wrong_around_it() -> None:
    found = campaign(HALTS, seed=20)
    assert found["violations"] == []
    assert (found["latched"], found["verified"]) == (HALTS, HALTS)
    assert found["accepted"] > HALTS
