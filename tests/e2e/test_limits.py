"""Limits, authority, clock and protection of a system that runs: changed, cut, broken and mended while it does."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from schemas.channels import Keyring
from schemas.messages import MarketTick, OrderAck, OrderReject
from tests.e2e.test_command_port import ask, decided_on, newest, sockets
from tests.support.system import System, system, until
from tests.support.terminal import terminal
from tests.support.venue import INSTRUMENT, VenueClient, fault

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def shared() -> Iterator[System]:
    with system(BRAIN__TREND_THRESHOLD_PCT="100", BRAIN__VOTES_NEEDED="3") as here:
        here.up()
        yield here


@pytest.fixture
def running(shared: System) -> System:
    """A system whose brain never trades, and that is well: whatever test came before."""
    until("trading is active", lambda: active(shared))
    return shared


def active(here: System) -> dict[str, Any] | None:
    status = here.status()
    return status if status["state"] == "ACTIVE" else None


def causes(status: dict[str, Any]) -> list[str]:
    return [one["name"] for one in status["causes"] or ()]


def reducing(here: System, cause: str) -> dict[str, Any] | None:
    """The status, once trading only reduces because of this."""
    status = here.status()
    return status if cause in causes(status) and status["state"] == "REDUCING" else None


class Trader:
    """Sends orders over the command port, as the brain does."""

    def __init__(self, here: System, name: str) -> None:
        self._here, self._name, self._number = here, name, 0

    def send(self, size_of: Any) -> Any:
        """One order decided on the newest tick; `size_of(tick)` is its size in contracts."""
        self._number += 1
        with sockets(self._here, Keyring.load_or_create(self._here.home / "keys")) as (sub, req):
            tick = newest(sub)
            return ask(req, decided_on(tick, f"{self._name}{self._number}", contracts=size_of(tick)))


def share(pct: int) -> Any:
    """So much of an account of 100,000 USDT."""

    def size_of(tick: MarketTick) -> Decimal:
        worth = Decimal(str(tick.last_price)) * Decimal("0.01")
        return (Decimal(1_000) * pct / worth).quantize(Decimal("0.01"))

    return size_of


def refusal(trader: Trader, size_of: Any) -> OrderReject:
    """Why an order is refused, but for what a busy machine is to blame for: a late price or heartbeat."""

    def said() -> OrderReject | None:
        answer = trader.send(size_of)
        assert isinstance(answer, OrderReject)
        return None if answer.code in {"TTL_EXPIRED", "TRADING_STATE"} else answer

    found: OrderReject = until("it is refused for good", said)
    return found


def shown(here: System) -> tuple[str | None, str | None]:
    """Stop-loss and take-profit of the position, as the engine says them."""
    positions = here.status()["positions"] or [{"sl_price": None, "tp_price": None}]
    return positions[0]["sl_price"], positions[0]["tp_price"]


def small(tick: MarketTick) -> Decimal:
    return Decimal("0.1")


def test_a_limit_is_tightened_at_once_loosened_only_when_confirmed_and_kept_over_a_restart(running: System) -> None:
    trader = Trader(running, "share")
    done = running.run("config", "set", "risk.max_account_share_pct", "5")
    assert done.returncode == 0, done.stderr
    reject = refusal(trader, share(8))
    assert (reject.code, reject.rule, reject.limit) == ("RISK_VIOLATION", "account_share", "5.0 %")

    until("the authority is halved", lambda: running.status()["authority_pct"] == 50)
    with terminal("tui", "--attach", "--readonly", environment=running.environment, columns=80, rows=24) as shown:
        shown.until("the authority is shown", lambda text: "authority 50%" in text)

    refused = running.run("config", "set", "risk.max_account_share_pct", "9")
    assert refused.returncode == 78
    assert "risk.max_account_share_pct: 5.0 -> 9 allows more than now" in " ".join(refused.stderr.split())
    loosened = running.run("config", "set", "risk.max_account_share_pct", "9", "--yes-loosen")
    assert loosened.returncode == 0, loosened.stderr
    log = (running.home / "data" / "logs" / "engine.log").read_text()
    assert re.search(r"limits loosened by \S+: risk\.max_account_share_pct: 5\.0 -> 9\.0", log), log

    assert running.run("down").returncode == 0
    running.up()
    until("trading is active", lambda: active(running))
    reject = refusal(trader, share(12))
    assert (reject.code, reject.limit) == ("RISK_VIOLATION", "9.0 %")


def test_a_latched_throttle_outlives_a_killed_engine_and_falls_at_a_rearm(running: System) -> None:
    trader = Trader(running, "throttle")
    assert running.run("config", "set", "risk.max_executions", "3").returncode == 0
    said = [trader.send(small) for _ in range(4)]
    refused = [one for one in said if isinstance(one, OrderReject)]  # the first or the fourth: others send here, too
    assert refused[0].code == "THROTTLED"
    until("it only reduces", lambda: reducing(running, "throttled"))
    before = running.process("engine")
    os.kill(before["pid"], signal.SIGKILL)
    until("the engine is back", lambda: running.process("engine")["restarts"] == before["restarts"] + 1)
    until(  # the brain has to be heard first
        "nothing else holds it back",
        lambda: causes(status) == ["throttled"] if (status := reducing(running, "throttled")) else False,
    )
    assert trader.send(small).code == "TRADING_STATE"

    rearmed = running.run("rearm", "--reason", "test")
    assert (rearmed.returncode, "re-armed" in rearmed.stdout) == (0, True), rearmed.stdout + rearmed.stderr
    until("trading is active", lambda: active(running))
    until("it trades again", lambda: isinstance(trader.send(small), OrderAck))  # a busy machine may be late for a price
    assert running.run("config", "set", "risk.max_executions", "40", "--yes-loosen").returncode == 0


def test_on_a_skewed_venue_clock_it_only_reduces_and_a_halt_is_verified_all_the_same(running: System) -> None:
    with fault(running.home / "run", "clock_skew", offset_ms=5_000):
        status = until("it only reduces", lambda: reducing(running, "clock_skew"))
        (cause,) = (one for one in status["causes"] if one["name"] == "clock_skew")
        assert re.fullmatch(r"offset to the venue's clock (49|50)\d\d ms", cause["detail"])
        receipt = running.json("halt", "--reason", "test")
        assert (receipt["open_orders"], receipt["verified"]) == (0, True)
        halt_id = running.status()["halt_id"]
        refused = running.run("resume", halt_id)
        assert (refused.returncode, "clock_skew" in refused.stderr) == (1, True)
    until("the clock is right again", lambda: running.run("resume", halt_id).returncode == 0)
    until("trading is active", lambda: active(running))


def test_a_position_whose_attached_stop_is_never_born_gets_one_over_all_of_it_in_time(running: System) -> None:
    venue = VenueClient(running.home / "run")

    def stops() -> list[dict[str, Any]]:
        path = f"/api/v5/trade/orders-algo-pending?instType=SWAP&instId={INSTRUMENT}&ordType=oco"
        rows = venue.call("GET", path)["data"]
        assert isinstance(rows, list)
        return rows

    with fault(running.home / "run", "protection_never"):
        assert isinstance(Trader(running, "stop").send(lambda tick: Decimal(1)), OrderAck)
        (row,) = until("one stop over all", lambda: [r for r in stops() if r["closeFraction"] == "1"], limit_s=3 + 2)
        assert (row["side"], row["slTriggerPx"] != "", row["tpTriggerPx"] != "") == ("sell", True, True)
        levels = row["slTriggerPx"], row["tpTriggerPx"]
        until("it is shown", lambda: shown(running) == levels)
