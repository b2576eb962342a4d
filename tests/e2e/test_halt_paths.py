"""Every way to halt, against the whole system: SIGUSR1, the halt file, without ops; flatten; the brain's death."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from schemas.clock import NS_PER_S
from schemas.signing import public_key, verify
from tests.support.system import System, refuses, system, until
from tests.support.venue import INSTRUMENT, VenueClient, fault

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def running() -> Iterator[System]:
    with system(SAFETY__BRAIN_DEATH="all") as here:
        here.up()
        until("trading is active", lambda: here.status()["state"] == "ACTIVE")
        yield here


def asked(here: System, path: str) -> list[dict[str, Any]]:
    """Rows of the venue; asked again where it had no time for us (50011)."""

    def rows() -> list[list[dict[str, Any]]]:
        answer = VenueClient(here.home / "run").call("GET", path)
        return [answer["data"]] if answer["code"] == "0" else []

    found: list[dict[str, Any]] = until(path, rows)[0]
    return found


def held(here: System) -> list[dict[str, Any]]:
    """What the venue itself says is held."""
    rows = asked(here, f"/api/v5/account/positions?instId={INSTRUMENT}")
    return [row for row in rows if float(row["pos"])]


def algos(here: System) -> list[dict[str, Any]]:
    return asked(here, f"/api/v5/trade/orders-algo-pending?instType=SWAP&instId={INSTRUMENT}&ordType=oco")


def receipts(here: System) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in (here.home / "data" / "receipts").glob("*.json")]


def verified(here: System, path: str) -> dict[str, Any] | None:
    """The kept receipt of a halt that came this way, once it is verified and signed with the instance's key."""
    found = [one for one in receipts(here) if one["path"] == path and one["verified"]]
    if not found:
        return None
    assert verify(found[0], public_key(here.home / "keys")) == ""
    return found[0]


def pid_of(here: System, name: str) -> int:
    return int(here.process(name)["pid"])


def halt_by_signal(here: System) -> None:
    os.kill(pid_of(here, "engine"), signal.SIGUSR1)


def halt_by_hand(here: System) -> None:
    (here.home / "run" / "HALT").touch()


@pytest.mark.parametrize(("path", "act"), [("SIGUSR1", halt_by_signal), ("halt file", halt_by_hand)])
def test_a_halt_that_ops_did_not_ask_for_ends_in_the_same_receipt_and_is_shown(
    running: System, path: str, act: Callable[[System], None]
) -> None:
    VenueClient(running.home / "run").rest_an_order()
    act(running)
    receipt = until("the receipt", lambda: verified(running, path))
    assert (receipt["open_orders"], receipt["canceled"], receipt["problems"]) == (0, 1, [])
    assert VenueClient(running.home / "run").pending() == []
    assert refuses(running.ports["COMMAND_PORT"])
    halted = until("it is shown", lambda: s if (s := running.status())["halt_id"] == receipt["id"] else None)
    assert halted["state"] == "HALTED"
    assert running.run("resume", receipt["id"]).returncode == 0
    assert not (running.home / "run" / "HALT").exists()
    until("trading is active", lambda: running.status()["state"] == "ACTIVE")


def test_an_engine_that_is_told_of_a_halt_file_looks_for_it_and_goes_on_where_there_is_none(running: System) -> None:
    engine = pid_of(running, "engine")
    os.kill(engine, signal.SIGUSR2)
    receipt = running.json("halt", "--reason", "now")
    assert receipt["verified"]
    assert receipt["path"] in {"halt file", "signal"}  # whichever is first
    assert verify(receipt, public_key(running.home / "keys")) == ""
    assert pid_of(running, "engine") == engine
    assert [found["id"] for found in receipts(running)] == [receipt["id"]]


def test_an_ops_that_hangs_does_not_keep_the_engine_from_hearing_of_a_halt(running: System) -> None:
    """The command gives ops a second for its first word, and the halt does not wait for that."""
    ops = pid_of(running, "ops")
    os.kill(ops, signal.SIGSTOP)
    try:
        receipt = running.json("halt", "--reason", "now")
    finally:
        os.kill(ops, signal.SIGCONT)
    assert receipt["verified"]
    assert receipt["path"] == "halt file"
    assert receipt["latched_ns"] - receipt["requested_ns"] < NS_PER_S // 2
    until("ops knows it, too", lambda: running.status()["halt_id"] == receipt["id"])


def test_a_signal_to_an_engine_that_is_only_starting_halts_it_and_does_not_kill_it(running: System) -> None:
    before = pid_of(running, "engine")
    os.kill(before, signal.SIGKILL)
    started = until(
        "another engine is started", lambda: pid if (pid := engine_pid(running)) not in {None, before} else 0
    )
    os.kill(started, signal.SIGUSR1)
    receipt = until("the receipt", lambda: verified(running, "SIGUSR1"))
    until("ops knows it, too", lambda: running.status()["halt_id"] == receipt["id"])
    assert pid_of(running, "engine") == started


def engine_pid(here: System) -> int | None:
    """As ops has written it, long before the engine is ready."""
    try:
        return int(json.loads((here.home / "run" / "engine.pid").read_text())["pid"])
    except (OSError, ValueError):
        return None


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_without_ops_the_engine_is_halted_all_the_same_and_proves_it(running: System, number: signal.Signals) -> None:
    ops = pid_of(running, "ops")
    os.kill(ops, number)
    try:
        receipt = running.json("halt", "--reason", "ops is away")
        assert (receipt["verified"], receipt["path"], receipt["open_orders"]) == (True, "halt file", 0)
        again = running.json("halt")
        assert (again["verified"], again["path"], again["id"]) == (True, "SIGUSR1", receipt["id"])
    finally:
        if number is signal.SIGSTOP:
            os.kill(ops, signal.SIGCONT)


def test_flatten_needs_the_word_and_ends_flat_at_the_venue_with_nothing_left_that_could_open_it_again(
    running: System,
) -> None:
    until("a position with its stop", lambda: held(running) and algos(running), limit_s=120)
    VenueClient(running.home / "run").rest_an_order()
    assert running.run("flatten").returncode == 1
    assert held(running)
    receipt = running.json("flatten", "--yes", "--reason", "test")
    assert (receipt["verified"], receipt["flatten"], receipt["position_contracts"]) == (True, True, "0")
    assert receipt["venue_confirmed_ns"] <= receipt["close_sent_ns"] <= receipt["flat_ns"]
    assert (held(running), algos(running), VenueClient(running.home / "run").pending()) == ([], [], [])
    until("ops knows it, too", lambda: running.status()["state"] == "HALTED")
    again = running.json("flatten", "--yes")
    assert (again["id"], again["close_sent_ns"], again["flat_ns"] is None) == (receipt["id"], None, False)
    assert running.run("resume", receipt["id"]).returncode == 0


def test_the_positions_of_a_dead_brain_are_closed_and_it_proves_itself_when_it_is_back(running: System) -> None:
    until("a position with its stop", lambda: held(running) and algos(running), limit_s=120)
    brain = pid_of(running, "brain")
    os.kill(brain, signal.SIGSTOP)
    try:
        until("flat", lambda: not held(running))
        until("it is said", lambda: "brain_dead" in {cause["name"] for cause in running.status()["causes"]})
    finally:
        os.kill(brain, signal.SIGCONT)
    seen: set[str] = set()

    def back() -> bool:
        status = running.status()
        seen.update(cause["name"] for cause in status["causes"])
        return bool(status["state"] == "ACTIVE")

    until("trading is active again", back)
    assert "brain_returning" in seen


def test_orders_that_the_venue_does_not_take_make_the_engine_halt_by_itself() -> None:
    pace = {"SIZING__REJECT_PAUSE_MS": "0", "SIZING__COOLDOWN_S": "0"}
    with system(SAFETY__VENUE_ERRORS="2", VENUE__ORDER_ENTRY="rest", **pace) as here:
        here.up()
        venue = VenueClient(here.home / "run")

        def halted() -> dict[str, Any] | None:
            if held(here):  # an entry that came before the fault: while it is held, no other is tried
                venue.close()
            return verified(here, "trip")

        with fault(here.home / "run", "rate_limited", call="POST trade/order", times=1_000):
            receipt = until("the engine has halted", halted, limit_s=60)
        assert (receipt["issuer"], receipt["reason"].split(":")[0]) == ("engine", "venue_errors")
        until("ops knows it, too", lambda: "engine_halt" in [cause["name"] for cause in here.status()["causes"]])
