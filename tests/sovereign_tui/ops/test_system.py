"""Ops as a real process, over real sockets, with small processes in place of exchange, engine and brain."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas import haltfile
from schemas.settings import Home
from sovereign_tui.ops.client import OpsDown, OpsError, OpsRefused, request_blocking, stream_blocking
from sovereign_tui.ops.launch import stop
from sovereign_tui.ops.pidfile import PidFile, identity
from sovereign_tui.ops.plan import module
from tests.sovereign_tui.ops.standin import MODULE
from tests.sovereign_tui.ops.support import environment, processes_of, settings_of

pytestmark = pytest.mark.e2e
NAMES = ("exchange", "engine", "brain")


class System:
    """One ops with stand-ins."""

    def __init__(self, home: Home, **more: str) -> None:
        self.home = home
        self.variables = environment(home)
        self.more = more
        self.ops = self.launch()

    def launch(self) -> subprocess.Popen[bytes]:
        root = str(Path(__file__).resolve().parents[3])
        env = os.environ | self.variables | self.more | {"PYTHONPATH": root}
        with (self.home.logs / "ops.log").open("ab") as err:
            return subprocess.Popen(module(MODULE, "ops"), env=env, stderr=err, start_new_session=True)

    def down(self) -> None:
        assert self.ask("down") == {"ok": True}
        assert self.ops.wait(10) == 0
        assert processes_of(self.home) == []

    def ask(self, cmd: str, **fields: Any) -> dict[str, Any]:
        return request_blocking(self.home, {"cmd": cmd, **fields}, 20)

    def status(self) -> dict[str, Any]:
        return eventually(self.try_status, "ops answers")

    def try_status(self) -> dict[str, Any] | None:
        assert self.ops.poll() is None, (self.home.logs / "ops.log").read_text()
        try:
            return self.ask("status")
        except OpsError:
            return None

    def up(self) -> dict[str, Any]:
        return eventually(lambda: s if (s := self.status())["up"] else None, "the system is up")

    def processes(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.status()["processes"]}

    def process(self, name: str, state: str) -> dict[str, Any]:
        return eventually(lambda: p if (p := self.processes()[name])["state"] == state else None, f"{name} {state}")


def eventually(look: Callable[[], Any], what: str, patience_s: float = 30) -> Any:
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


@pytest.fixture
def system(home: Home) -> Iterator[System]:
    made = System(home)
    yield made
    made.ops.kill()
    made.ops.wait()


def test_everything_comes_up_and_down_leaves_nothing(system: System) -> None:
    status = system.up()
    assert [p["name"] for p in status["processes"]] == ["ops", *NAMES]
    assert {p["state"] for p in status["processes"]} == {"RUNNING"}
    assert (status["state"], status["halt_id"], status["causes"], status["signal"]) == ("ACTIVE", None, [], None)
    market = status["market"]
    assert (market["bid"], market["ask"], market["last"], market["imbalance"]) == (100.0, 101.0, 100.5, 0.75)
    exchange_file = system.home.runtime / "exchange.json"
    assert exchange_file.stat().st_mode & 0o777 == 0o600
    assert system.home.control_socket.stat().st_mode & 0o777 == 0o600
    lines = list(stream_blocking(system.home, {"cmd": "down", "progress": True}, 20))
    assert [line["progress"]["stopping"] for line in lines[:-1]] == ["brain", "engine", "exchange"]
    assert lines[-1] == {"ok": True}
    assert system.ops.wait(10) == 0
    assert processes_of(system.home) == []
    left = {path.name for path in system.home.runtime.iterdir()}
    assert left == {"ops.lock"}
    with pytest.raises(OpsDown):
        system.ask("ping")
    (entry,) = (json.loads(line) for line in (system.home.data / "audit.jsonl").read_text().splitlines())
    assert (entry["number"], entry["action"], entry["outcome"]) == (1, "down", "the system is stopped")


def test_no_secret_is_in_a_command_line_and_the_brain_has_none_at_all(system: System) -> None:
    system.up()
    key = json.loads((system.home.runtime / "exchange.json").read_text())["apiKey"]
    for process in processes_of(system.home):
        assert all(key not in word for word in process.cmdline())
        holds = key in process.environ().values()
        assert holds == (process.cmdline()[-1] in {"exchange", "engine"})


def test_a_halt_is_verified_stands_again_is_the_same_and_is_lifted_by_its_id(system: System) -> None:
    system.up()
    receipt = system.ask("halt", issuer="me", reason="test")
    assert receipt["verified"], receipt
    assert (receipt["open_orders"], receipt["problems"], receipt["issuer"]) == (0, [], "me")
    assert receipt["requested_ns"] <= receipt["latched_ns"] <= receipt["venue_confirmed_ns"]
    assert haltfile.read(system.home.runtime) == haltfile.StandingHalt(id=receipt["id"], issuer="me", reason="test")
    kept = json.loads((system.home.data / "receipts" / f"{receipt['id']}.json").read_text())
    assert kept == receipt
    again = system.ask("halt", issuer="you")
    assert (again["id"], again["verified"]) == (receipt["id"], True)
    assert again["requested_ns"] > receipt["venue_confirmed_ns"]
    assert json.loads((system.home.data / "receipts" / f"{receipt['id']}.json").read_text()) == receipt
    eventually(lambda: system.status()["state"] == "HALTED", "the state is HALTED")
    wrong = system.ask("resume", halt_id="nonsense")
    assert (wrong["ok"], wrong["halt_id"]) == (False, receipt["id"])
    assert system.ask("resume", halt_id=receipt["id"]) == {"ok": True, "halt_id": receipt["id"], "text": "lifted"}
    assert not haltfile.path_in(system.home.runtime).exists()
    eventually(lambda: system.status()["state"] == "ACTIVE", "the state is ACTIVE")
    assert system.ask("resume")["text"] == "no halt stands; nothing to resume"


def test_a_killed_process_is_started_again_under_the_same_venue(system: System) -> None:
    before = {p["name"]: p["pid"] for p in system.up()["processes"]}
    venue = (system.home.runtime / "exchange.json").read_text()
    for name in NAMES:
        os.kill(before[name], signal.SIGKILL)
    for name in NAMES:
        after = eventually(
            lambda name=name: (
                p if (p := system.processes()[name])["restarts"] == 1 and p["state"] == "RUNNING" else None
            ),
            f"{name} is back",
        )
        assert after["pid"] != before[name]
    assert (system.home.runtime / "exchange.json").read_text() == venue


def test_killed_ops_takes_nobody_along_and_the_next_adopts_them(system: System) -> None:
    before = {p["name"]: p["pid"] for p in system.up()["processes"]}
    system.ops.kill()
    system.ops.wait()
    assert all(identity(before[name]) is not None for name in NAMES)
    system.ops = system.launch()
    after = {p["name"]: p for p in system.up()["processes"]}
    assert {name: after[name]["pid"] for name in NAMES} == {name: before[name] for name in NAMES}
    assert [after[name]["restarts"] for name in NAMES] == [0, 0, 0]
    os.kill(before["engine"], signal.SIGKILL)  # an adopted one is watched as well
    eventually(lambda: system.processes()["engine"]["restarts"] == 1, "the adopted engine is restarted")
    system.ask("down")
    system.ops.wait(10)
    assert processes_of(system.home) == []


def test_down_finds_orphans_without_an_ops(system: System) -> None:
    system.up()
    system.ops.kill()
    system.ops.wait()
    found = stop(system.home, settings_of(system.variables))
    assert found == ["brain", "engine", "exchange"]
    assert processes_of(system.home) == []
    assert stop(system.home, settings_of(system.variables)) == []


def test_down_ends_an_ops_that_does_not_answer(system: System) -> None:
    system.up()
    os.kill(system.ops.pid, signal.SIGSTOP)
    settings = settings_of(system.variables, SOVEREIGN_OPS__STOP_TIMEOUT_S="0.5")
    assert "ops" in stop(system.home, settings)
    assert processes_of(system.home) == []


def test_a_halt_file_left_while_ops_was_away_reaches_the_running_engine(system: System) -> None:
    system.up()
    system.ops.kill()
    system.ops.wait()
    haltfile.write(system.home.runtime, haltfile.StandingHalt(id="f00d", issuer="shell", reason="ops was dead"))
    system.ops = system.launch()
    eventually(lambda: system.status()["state"] == "HALTED", "the engine is halted")
    assert system.status()["halt_id"] == "f00d"


def test_a_halt_while_the_engine_is_away_says_so_and_is_latched_by_the_next_one(home: Home) -> None:
    system = System(
        home, SOVEREIGN_SAFETY__HALT_DEADLINE_S="0.5", SOVEREIGN_OPS__BACKOFF_MIN_MS="3000",
        SOVEREIGN_OPS__BACKOFF_MAX_MS="3000",
    )  # fmt: skip
    pid = {p["name"]: p["pid"] for p in system.up()["processes"]}["engine"]
    os.kill(pid, signal.SIGKILL)
    system.process("engine", "BACKOFF")
    receipt = system.ask("halt", reason="now")
    assert (receipt["verified"], receipt["latched_ns"], receipt["open_orders"]) == (False, None, None)
    assert "the engine (BACKOFF) has not answered within 0.5 s" in receipt["problems"][0]
    path = home.data / "receipts" / f"{receipt['id']}.json"
    kept = eventually(lambda: r if (r := json.loads(path.read_text()))["verified"] else None, "the receipt is verified")
    assert (kept["id"], kept["problems"]) == (receipt["id"], [])


def test_a_second_ops_is_refused_and_disturbs_nobody(system: System) -> None:
    system.up()
    second = system.launch()
    assert second.wait(20) == 1
    assert f"ops is running already (pid {system.ops.pid})" in (system.home.logs / "ops.log").read_text()
    assert system.status()["up"]


def test_a_taken_port_is_named_with_the_mend(system: System) -> None:
    system.up()
    with_home = PidFile(system.home.runtime / "engine.pid")
    assert with_home.living() is not None
    other = System.__new__(System)
    other.home, other.more = system.home, {}
    other.variables = system.variables | {"SOVEREIGN_HOME": str(system.home.runtime.parent / "b")}
    second = other.launch()
    assert second.wait(20) == 78
    port = system.variables["SOVEREIGN_WIRE__TELEMETRY_PORT"]
    log = (system.home.logs / "ops.log").read_text()
    assert f"port {port} (tcp://127.0.0.1:{port}) of the telemetry channel is taken" in log
    assert "set wire.telemetry_port to a free port" in log


@pytest.mark.parametrize("name", NAMES)
def test_bad_configuration_of_a_process_is_fatal_with_its_last_lines(home: Home, name: str) -> None:
    system = System(home, **{f"STANDIN_{name.upper()}": "78"})
    process = system.process(name, "FATAL")
    assert (process["exit_code"], process["restarts"], process["pid"]) == (78, 0, None)
    assert process["last_lines"][-2:] == ["first line", "sovereign: the limit is missing; set it"]


def test_a_crash_loop_ends_in_fatal(home: Home) -> None:
    system = System(home, STANDIN_BRAIN="crash", SOVEREIGN_OPS__CRASH_LIMIT="3")
    process = system.process("brain", "FATAL")
    assert (process["restarts"], process["exit_code"]) == (2, 1)
    assert process["reason"] == "3 crashes within 120 s; the last: exit code 1: it went wrong"


def test_processes_that_ignore_or_cannot_hear_sigterm_are_killed(home: Home) -> None:
    system = System(home, STANDIN_EXCHANGE="deaf", SOVEREIGN_OPS__STOP_TIMEOUT_S="0.3")
    pids = {p["name"]: p["pid"] for p in system.up()["processes"]}
    os.kill(pids["brain"], signal.SIGSTOP)
    assert system.ask("down") == {"ok": True}
    assert system.ops.wait(10) == 0
    assert processes_of(home) == []


def test_processes_that_hang_are_killed_and_started_again_adopted_ones_too(home: Home) -> None:
    system = System(home, SOVEREIGN_OPS__HANG_TIMEOUT_S="3", SOVEREIGN_OPS__STOP_TIMEOUT_S="0.3")
    before = {p["name"]: p["pid"] for p in system.up()["processes"]}

    def comes_back(name: str) -> None:
        after = eventually(
            lambda: p if (p := system.processes()[name])["restarts"] == 1 and p["state"] == "RUNNING" else None,
            f"{name} is back",
        )
        assert after["pid"] != before[name]
        assert after["last_exit"].startswith("gave no heartbeat for 3 s")
        assert identity(before[name]) is None

    os.kill(before["brain"], signal.SIGSTOP)  # it does not hear SIGTERM
    comes_back("brain")
    assert "killed by SIGKILL" in system.processes()["brain"]["last_exit"]
    assert {name: system.processes()[name]["pid"] for name in ("exchange", "engine")} == {
        name: before[name] for name in ("exchange", "engine")
    }
    system.ops.kill()
    system.ops.wait()
    system.ops = system.launch()
    system.up()
    for name in ("exchange", "engine"):
        os.kill(before[name], signal.SIGSTOP)
    comes_back("exchange")
    comes_back("engine")
    system.down()


def test_a_freeze_of_ops_ends_nobody(home: Home) -> None:
    system = System(home, SOVEREIGN_OPS__HANG_TIMEOUT_S="3")
    before = {p["name"]: p["pid"] for p in system.up()["processes"]}
    os.kill(system.ops.pid, signal.SIGSTOP)
    time.sleep(4)
    os.kill(system.ops.pid, signal.SIGCONT)
    log = home.logs / "ops.log"
    eventually(lambda: "all ages begin anew" in log.read_text(), "ops notices its freeze")
    assert {p["name"]: p["pid"] for p in system.up()["processes"]} == before
    assert "HUNG" not in log.read_text()
    system.down()


def test_every_process_shows_what_it_uses_and_how_late_its_loop_is(system: System) -> None:
    system.up()
    known = ("cpu_pct", "memory_mb", "open_files", "open_files_limit", "heartbeat_age_ms")
    lags = ("loop_lag_p99_ms", "loop_lag_max_ms")

    def shown() -> dict[str, dict[str, Any]] | None:
        found = system.processes()
        wanted = {name: known if name == "exchange" else known + lags for name in ("ops", *NAMES)}
        return found if all(found[name][what] is not None for name in wanted for what in wanted[name]) else None

    found = eventually(shown, "all is known")
    assert found["exchange"]["loop_lag_p99_ms"] is None
    assert all(0 < one["open_files"] < one["open_files_limit"] for one in found.values())
    assert all(one["last_exit"] == "" for one in found.values())
    latency = system.status()["latency"]
    assert {"engine.loop_lag", "brain.loop_lag", "ops.loop_lag"} <= set(latency)
    assert latency["engine.loop_lag"]["60s"]["count"] > 10


def test_a_stopped_brain_holds_a_down_no_longer_than_its_deadline(home: Home) -> None:
    system = System(home, SOVEREIGN_OPS__STOP_TIMEOUT_S="0.5")
    pids = {p["name"]: p["pid"] for p in system.up()["processes"]}
    os.kill(pids["brain"], signal.SIGSTOP)
    began = time.monotonic()
    assert system.ask("down") == {"ok": True}
    assert 0.5 <= time.monotonic() - began < 8.0
    assert system.ops.wait(10) == 0
    assert processes_of(home) == []


def test_what_was_given_up_is_started_anew_on_demand(home: Home) -> None:
    system = System(home, STANDIN_ENGINE="once")
    system.process("engine", "FATAL")
    assert system.ask("start", issuer="me") == {"ok": True, "started": ["engine", "brain"]}
    system.up()
    assert system.ask("start") == {"ok": True, "started": []}
    system.down()


def test_prometheus_reads_the_numbers_and_a_taken_port_ends_the_start(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        refused = System(home, SOVEREIGN_OPS__PROMETHEUS_PORT=str(port))
        assert refused.ops.wait(20) == 78
        last = (home.logs / "ops.log").read_text().splitlines()[-1]
        assert last.startswith(f"sovereign ops: ops.prometheus_port = {port}: Address already in use; set it to a free")
    system = System(home, SOVEREIGN_OPS__PROMETHEUS_PORT=str(port))
    system.up()

    def told() -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return {sample.name: sample.value for family in families for sample in family.samples
                    if sample.labels.get("state") in {None, "ACTIVE"}}  # fmt: skip

    found = eventually(lambda: t if (t := told()).get("sovereign_ops_loop_lag_max_ms") is not None else None, "metrics")
    assert (found["sovereign_trading_state"], found["sovereign_halt_standing"]) == (1.0, 0.0)
    assert found["sovereign_leg_seconds_count"] > 0
    system.down()


def test_an_alert_reaches_the_operators_command_and_is_over_when_it_is(home: Home, tmp_path: Path) -> None:
    out = tmp_path / "alerts"
    command = json.dumps(["/bin/sh", "-c", f"cat >> {out}; echo >> {out}"])
    system = System(home, SOVEREIGN_ALERTS__COMMAND=command, STANDIN_BRAIN="once")
    system.process("brain", "FATAL")
    halt = system.ask("halt", reason="test")["id"]

    def told() -> list[dict[str, Any]]:
        return [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []

    eventually(lambda: {one["kind"] for one in told()} == {"process_fatal", "halt"}, "both are told")
    assert {one["kind"] for one in system.status()["alerts"]} == {"process_fatal", "halt"}
    system.ask("start")
    assert system.ask("resume", halt_id=halt)["ok"]
    eventually(lambda: [one["active"] for one in told()] == [True, True, False, False], "both are over")
    assert system.status()["alerts"] == []
    system.down()


def test_sigterm_to_ops_stops_all(system: System) -> None:
    system.up()
    system.ops.terminate()
    assert system.ops.wait(20) == 0
    assert processes_of(system.home) == []


def test_nonsense_on_the_control_socket_is_answered_and_disturbs_nobody(system: System) -> None:
    system.up()
    with pytest.raises(OpsRefused, match="unknown command 'fly'"):
        system.ask("fly")
    with pytest.raises(OpsRefused, match="reason: a text"):
        system.ask("rearm", reason=7)
    assert system.status()["state"] == "ACTIVE"
