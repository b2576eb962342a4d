"""The cockpit in a real terminal on the running system: watch, halt, leave, and be killed."""

from __future__ import annotations

import os
import re
import signal

import pytest

from tests.support.system import system, until
from tests.support.terminal import Terminal, terminal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

CTRL_K, ESCAPE = "\x0b", "\x1b"
PRICE = re.compile(r"\d\d,\d\d\d\.\d")


def ended(shown: Terminal) -> bool:
    shown.pump()
    return shown.process.poll() is not None


def explains_a_filled_order(shown: Terminal) -> None:
    """The screen of the orders, the one that was filled, and its story."""
    shown.type("4\t\t/filled\r")
    shown.until("an order is filled", lambda text: bool(re.search(r"entry +filled", text)), limit_s=60)
    shown.type("\r")
    page = shown.until("its story", lambda text: "decided on tick" in text)
    assert re.search(r"explain \w+", page)
    shown.type(ESCAPE)
    shown.until("the orders again", lambda text: "Esc close" not in text)


def keeps_the_record(shown: Terminal) -> None:
    """The audit tells the halt with its time and the acknowledgement; the session that runs can be played."""
    shown.until("the alert", lambda text: "1 alert" in text)
    shown.type("6a")
    shown.until("the halt is in the audit", lambda text: bool(re.search(r"\d ms  \S+ +HALT ", text)))
    shown.until("the acknowledgement too", lambda text: "ACKNOWLEDGE" in text)
    shown.type("9\r")
    shown.until("the past", lambda text: "REPLAY" in text.splitlines()[0] and "now" in text)
    shown.type(ESCAPE)
    shown.until("the present", lambda text: "REPLAY" not in text.splitlines()[0] and "choose" in text)


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24)])
def test_tui_starts_everything_shows_moving_prices_halts_with_one_key_and_stops_everything(
    columns: int, rows: int
) -> None:
    with system() as here, terminal("tui", environment=here.environment, columns=columns, rows=rows) as shown:
        first = shown.until("a price", lambda text: "SIM" in text and bool(PRICE.search(text)), limit_s=60)
        before = PRICE.findall(first)
        shown.until("prices move", lambda text: PRICE.findall(text) != before)
        shown.until("it is active", lambda text: "ACTIVE" in text)
        if rows == 40:
            explains_a_filled_order(shown)
        shown.type(CTRL_K)
        text = shown.until("the halt is verified", lambda text: "VERIFIED" in text and "HALTED" in text)
        until("ops knows it, too", lambda: here.status()["state"] == "HALTED")
        assert here.status()["halt_id"] in text
        if rows == 40:
            keeps_the_record(shown)
        shown.type("q")
        shown.until("it asks", lambda text: "detach" in text.lower() and "stop" in text.lower())
        shown.type("s")
        until("the cockpit ends", lambda: ended(shown), limit_s=40)
        assert shown.process.returncode == 0
        until("everything is stopped", lambda: here.pids() == [])


def test_a_killed_cockpit_is_noticed_by_nobody_and_a_detached_one_leaves_trading_on() -> None:
    with system() as here:
        here.up()
        before = {row["name"]: (row["pid"], row["restarts"]) for row in here.status()["processes"]}
        with terminal("tui", "--attach", environment=here.environment) as shown:
            shown.until("a price", lambda text: bool(PRICE.search(text)))
            os.kill(shown.process.pid, signal.SIGKILL)
            until("the cockpit is gone", lambda: ended(shown))
        with terminal("tui", "--attach", "--readonly", environment=here.environment) as shown:
            shown.until("the badge", lambda text: "READ-ONLY" in text.upper() and bool(PRICE.search(text)))
            shown.type("q")
            shown.until("it asks", lambda text: "detach" in text.lower())
            shown.type("d")
            until("the cockpit ends", lambda: ended(shown))
            assert shown.process.returncode == 0
        assert {row["name"]: (row["pid"], row["restarts"]) for row in here.status()["processes"]} == before
        until("it trades", lambda: here.status()["state"] == "ACTIVE")


def test_the_cockpit_shows_a_killed_engine_and_its_return() -> None:
    with system() as here:
        here.up()
        with terminal("tui", "--attach", environment=here.environment) as shown:
            shown.until("it is active", lambda text: "ACTIVE" in text)
            shown.type("6")
            os.kill(here.process("engine")["pid"], signal.SIGKILL)
            shown.until("the restart is shown", lambda text: bool(re.search(r"engine\s+● RUNNING\s+\d+\s+1\b", text)))
            shown.until("it is active again", lambda text: "ACTIVE" in text)
