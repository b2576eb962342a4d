"""The main job in real processes: trade, halt, survive, and leave nothing behind."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.support.recordings import recording
from tests.support.system import System, refuses, system, until
from tests.support.venue import VenueClient

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def running() -> Iterator[System]:
    with system() as here:
        here.up()
        yield here


def active(here: System) -> dict[str, Any] | None:
    status = here.status()
    return status if status["state"] == "ACTIVE" else None


def test_a_first_order_is_decided_checked_filled_and_protected_at_the_venue(running: System) -> None:
    def protected() -> dict[str, Any] | None:
        status = running.status()
        held = [p for p in status["positions"] or [] if p["tp_price"] and p["sl_price"]]
        return status if held else None

    status = until("a protected position", protected, limit_s=120)
    assert status["state"] == "ACTIVE"
    assert status["market"]["instrument"] == "BTC-USDT-SWAP"
    assert status["market"]["ticks_per_s"] > 1
    assert status["market"]["tick_age_ms"] < 2_000
    assert status["counters"]["acks"] >= 1
    assert {row["name"]: row["state"] for row in status["processes"]} == dict.fromkeys(
        ("ops", "exchange", "engine", "brain"), "RUNNING"
    )
    assert set(status["signal"]["frames"]) == {"5m", "15m"}
    entry = next(row for row in status["orders"]["recent"] if row["kind"] == "entry")
    assert (entry["state"], entry["filled_contracts"]) == ("filled", entry["contracts"])
    algos = VenueClient(running.home / "run").call(
        "GET", "/api/v5/trade/orders-algo-pending?instType=SWAP&instId=BTC-USDT-SWAP&ordType=oco"
    )
    assert [row["instId"] for row in algos["data"]] == ["BTC-USDT-SWAP"]

    assert running.run("down").returncode == 0
    assert running.pids() == []
    checked = running.run("blackbox", "verify")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_halt_closes_the_port_cancels_what_rests_survives_a_restart_and_is_lifted_by_resume(running: System) -> None:
    until("trading is active", lambda: active(running))
    venue = VenueClient(running.home / "run")
    order = venue.rest_an_order()
    assert [row["ordId"] for row in venue.pending()] == [order]
    command_port = running.ports["COMMAND_PORT"]
    assert not refuses(command_port)

    receipt = running.json("halt", "--reason", "test")
    assert receipt["open_orders"] == 0
    assert receipt["verified"] is True
    assert (
        receipt["requested_ns"] < receipt["latched_ns"] <= receipt["port_closed_ns"] <= receipt["venue_confirmed_ns"]
    )  # fmt: skip
    assert receipt["total_ms"] == pytest.approx((receipt["venue_confirmed_ns"] - receipt["requested_ns"]) / 1e6)
    assert venue.pending() == []
    assert refuses(command_port)
    halted = until("the halt is shown", lambda: running.status() if running.status()["state"] == "HALTED" else None)
    assert halted["causes"][0]["name"] == "operator_halt"
    again = running.json("halt")
    assert (again["id"], again["open_orders"]) == (receipt["id"], 0)

    assert running.run("down").returncode == 0
    running.up()
    status = running.status()
    assert (status["state"], status["halt_id"]) == ("HALTED", receipt["id"])
    assert refuses(command_port)

    refused = running.run("resume", "not-the-id")
    assert refused.returncode != 0
    assert running.status()["state"] == "HALTED"
    running.json("resume", receipt["id"])
    until("trading is active again", lambda: active(running))
    assert not refuses(command_port)


@pytest.mark.parametrize("name", ["engine", "brain", "exchange"])
def test_a_killed_process_is_restarted_and_the_trading_state_is_right_meanwhile(running: System, name: str) -> None:
    until("trading is active", lambda: active(running))
    before = running.process(name)
    os.kill(before["pid"], signal.SIGKILL)
    seen: set[str] = set()

    def back() -> bool:
        status = running.status()
        seen.add(status["state"])
        row = next(row for row in status["processes"] if row["name"] == name)
        restarted = row["state"] == "RUNNING" and row["pid"] not in {0, before["pid"]}
        assert not (status["state"] == "ACTIVE" and name == "brain" and row["state"] == "FATAL")
        return restarted and row["restarts"] == before["restarts"] + 1

    until(f"{name} is restarted", back, limit_s=30)
    until("trading is active again", lambda: active(running), limit_s=30)
    assert not psutil.pid_exists(before["pid"])
    assert seen <= {"ACTIVE", "REDUCING", "HALTED", "UNKNOWN"}


def test_a_stopped_brain_is_dead_to_the_engine_and_comes_back(running: System) -> None:
    until("trading is active", lambda: active(running))
    pid = running.process("brain")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        status = until(
            "the engine only reduces",
            lambda: next((s for s in [running.status()] if "brain_dead" in [c["name"] for c in s["causes"]]), None),
        )
        assert status["state"] == "REDUCING"
    finally:
        os.kill(pid, signal.SIGCONT)
    until("trading is active again", lambda: active(running))


def test_engine_and_brain_outlive_a_killed_ops_and_a_new_one_adopts_them(running: System) -> None:
    until("trading is active", lambda: active(running))
    before = {row["name"]: row["pid"] for row in running.status()["processes"]}
    os.kill(before["ops"], signal.SIGKILL)
    until("ops is gone", lambda: not psutil.pid_exists(before["ops"]) or running.run("status").returncode == 3)
    running.up()
    after = {row["name"]: row["pid"] for row in running.status()["processes"]}
    assert after["ops"] != before["ops"]
    assert {name: after[name] for name in ("exchange", "engine", "brain")} == {
        name: before[name] for name in ("exchange", "engine", "brain")
    }
    until("trading is active again", lambda: active(running))


def test_a_venue_that_dies_before_it_answers_and_forgets_everything_leaves_no_doubled_and_no_phantom_order() -> None:
    slow = {"EXCHANGE__LATENCY_MS": "2500", "RISK__ORDER_TTL_MS": "5000"}  # the fill comes long before the ack
    with system(**slow, SIZING__COOLDOWN_S="86400") as here:
        here.up()
        until("an order is filled", lambda: (here.status()["orders"] or {}).get("recent"), limit_s=60)
        before = here.status()["counters"]
        assert (before["orders"], before["acks"]) == (1, 0)
        os.kill(here.process("exchange")["pid"], signal.SIGKILL)

        def settled() -> dict[str, Any] | None:
            status = here.status()
            known = status["orders"] is not None and status["positions"] is not None
            calm = known and not status["orders"]["working"] and not status["positions"]
            return status if calm and status["state"] == "ACTIVE" else None

        status = until("the engine agrees with the new venue and is active", settled, limit_s=60)
        assert [row["state"] for row in status["orders"]["recent"]] == ["filled"]
        assert status["counters"]["orders"] == 1


def test_a_halt_cancels_fifty_resting_orders(running: System) -> None:
    until("trading is active", lambda: active(running))
    venue = VenueClient(running.home / "run")
    for number in range(50):
        venue.rest_an_order(price=str(30_000 + number), contracts="0.01")
    assert len(venue.pending()) == 50
    receipt = running.json("halt")
    assert (receipt["open_orders"], receipt["verified"]) == (0, True)
    assert receipt["cancels_sent_ns"] is not None
    assert venue.pending() == []


def test_a_recording_of_a_real_market_moves_everything() -> None:
    path = recording("book-trade-streams/binance_usdm_btcusdt_20240718.gz")
    with system(EXCHANGE__RECORDING=str(path)) as here:
        here.up()

        def moving() -> dict[str, Any] | None:
            status = here.status()
            frames = (status["signal"] or {}).get("frames", {})
            known = frames and all(row["trend_score_pct"] is not None for row in frames.values())
            return status if known and status["market"]["ticks_per_s"] else None

        status = until("ticks and scores", moving)
        assert 60_000 < status["market"]["last"] < 70_000
        first = status["market"]["bid"], status["market"]["imbalance"]
        until("the book moves", lambda: (here.status()["market"]["bid"], here.status()["market"]["imbalance"]) != first)
