"""The engine's receipt, found without ops."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from schemas import haltfile, receipts
from schemas.clock import NS_PER_S
from schemas.haltfile import StandingHalt
from schemas.messages import Receipt
from schemas.settings import Home
from sovereign_tui.ops import direct
from sovereign_tui.ops.pidfile import PidFile


def receipt(halt_id: str, received_ns: int) -> Receipt:
    return Receipt(id=halt_id, requested_ns=received_ns, issuer="me", reason="", received_ns=received_ns, verified=True)


def test_a_receipt_of_before_the_machine_was_started_proves_nothing(home: Home) -> None:
    """The monotonic clock began anew: that receipt has a later time than the halt that is asked for now."""
    asked = direct.Direct(halt_id="h2", engine=1, asked_ns=time.monotonic_ns(), problems=())
    receipts.keep(home.data / "receipts", receipt("h1", asked.asked_ns + 3_600 * NS_PER_S))
    assert list(direct.receipts(home, asked, 0.1)) == []
    receipts.keep(home.data / "receipts", receipt("h2", time.monotonic_ns()))
    assert [found["id"] for found in direct.receipts(home, asked, 0.1)] == ["h2"]


@contextmanager
def engine(home: Home) -> Iterator[list[str]]:
    """We are the engine; what the HALT file says at each SIGUSR2."""
    seen: list[str] = []

    def look(*_: object) -> None:
        found = haltfile.read(home.runtime)
        seen.append(found.id if found else "")

    before = signal.signal(signal.SIGUSR2, look)
    PidFile(home.runtime / "engine.pid").write(os.getpid())
    try:
        yield seen
    finally:
        signal.signal(signal.SIGUSR2, before)


def test_the_engine_is_told_of_a_file_that_says_all_before_ops_is_asked(home: Home) -> None:
    with engine(home) as seen:
        halt_id = direct.at_once(home, "me@tty", "news", mono_ns=17)
        found = haltfile.read(home.runtime)
        assert found is not None
        assert (found.id, found.issuer, found.reason, found.mono_ns) == (halt_id, "me@tty", "news", 17)
        assert seen == [halt_id]


def test_a_halt_that_stands_is_not_written_over_and_ops_is_asked_for_its_own(home: Home) -> None:
    with engine(home) as seen:
        haltfile.write(home.runtime, StandingHalt(id="first", issuer="", reason=""))
        assert direct.at_once(home, "me@tty", "news", mono_ns=17) == ""
        found = haltfile.read(home.runtime)
        assert found is not None
        assert found.id == "first"
        assert seen == []


def test_without_an_engine_the_file_is_enough_and_without_a_home_nothing_is_raised(home: Home) -> None:
    halt_id = direct.at_once(home, "me@tty", "news", mono_ns=17)
    asked = direct.ask(home, "me@tty", "news", mono_ns=17, written=halt_id)
    assert (asked.halt_id, asked.engine, asked.problems) == (halt_id, None, ())
    nowhere = Home.from_environment({"SOVEREIGN_HOME": str(home.data / "nowhere")})
    assert direct.at_once(nowhere, "me@tty", "news", mono_ns=17) == ""


def test_what_was_told_at_once_is_not_told_by_another_signal(home: Home) -> None:
    """SIGUSR1 would kill us here."""
    with engine(home):
        halt_id = direct.at_once(home, "me@tty", "news", mono_ns=17)
        asked = direct.ask(home, "me@tty", "news", mono_ns=17, written=halt_id)
        assert (asked.halt_id, asked.engine, asked.problems) == (halt_id, os.getpid(), ())
