"""A HALT rehearsed in a system that runs: the whole way is measured, and the system trades on."""

from __future__ import annotations

import time

import pytest

from schemas import haltfile
from schemas.settings import Home
from sovereign_tui.ops.client import request_blocking
from tests.support.system import system, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_a_rehearsal_tells_the_times_and_halts_nothing() -> None:
    with system(BRAIN__TREND_THRESHOLD_PCT="100", BRAIN__VOTES_NEEDED="3") as here:
        here.up()
        until("trading is active", lambda: here.status()["state"] == "ACTIVE")
        home = Home.from_environment({"SOVEREIGN_HOME": str(here.home)})
        latch = (home.data / "halt.json").read_bytes()
        asked_ns = time.monotonic_ns()
        done = request_blocking(home, {"cmd": "rehearse", "issuer": "me", "mono_ns": asked_ns}, 20)
        waited_ms = (time.monotonic_ns() - asked_ns) / 1e6
        assert done["ok"], done
        assert done["text"] == "the latch can be written; no halt stands; the command port is open; nothing was changed"
        assert 0 <= done["ops_ms"] <= done["engine_ms"] <= waited_ms
        status = here.status()
        assert (status["state"], status["halt_id"]) == ("ACTIVE", None)
        assert (home.data / "halt.json").read_bytes() == latch
        assert not haltfile.path_in(home.runtime).exists()
        assert list((home.data / "receipts").glob("*")) == []
