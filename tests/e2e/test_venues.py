"""Demo and live in real processes, the simulated exchange posing as them; and where the keys do not show up."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from schemas.settings import load_settings
from schemas.settings.records import Record, digest, read, write
from tests.support.system import System, refuses, system, until
from tests.support.terminal import Terminal, terminal

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

ROOT = Path(__file__).resolve().parents[2]
KEYS = {"API_KEY": "k3yk3yk3yk3y", "SECRET": "s3cr3ts3cr3t", "PASSPHRASE": "phr4s3phr4s3"}
HOUR_NS = 3_600 * 10**9


@contextlib.contextmanager
def posing(pose: str) -> Iterator[dict[str, str]]:
    """An exchange that poses as demo or live and knows KEYS; its first line, and its pid."""
    names = zip(("API_KEY", "SECRET", "PASSWORD"), KEYS.values(), strict=True)
    environment = {"PATH": "", "PYTHONPATH": str(ROOT), **{f"SOVEREIGN_SIM_{name}": text for name, text in names}}
    argv = [sys.executable, "-m", "engine.exchange", "--pose", pose]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline()) | {"pid": str(process.pid)}
        finally:
            process.kill()


@contextlib.contextmanager
def at(pose: str) -> Iterator[System]:
    """A system whose settings and environment lead to such an exchange."""
    with posing(pose) as said, system(VENUE__REST_URL=said["rest"], VENUE__WS_URL=said["ws"], **KEYS) as here:
        yield here


def active(here: System) -> dict[str, Any] | None:
    status = here.status()
    return status if status["state"] == "ACTIVE" else None


def put_records(here: System) -> None:
    """A backtest and a paper run with the settings of this system."""
    settings = load_settings(here.home / "settings.toml", here.environment)
    now = time.time_ns()
    for kind in ("backtest", "paper"):
        record = Record(
            kind=kind, id="a1", begun_ns=now - 30 * HOUR_NS, ended_ns=now - HOUR_NS, ran_s=25 * 3_600.0,
            instrument="BTC-USDT-SWAP", settings=digest(settings),
        )  # fmt: skip
        write(here.home / "data" / "records", record)


def ended(shown: Terminal) -> bool:
    shown.pump()
    return shown.process.poll() is not None


def holders(here: System) -> set[str]:
    """The modules whose processes have the secret in their environment; in no command line it is anybody's."""
    found = set()
    for pid in here.pids():
        process = psutil.Process(pid)
        words = process.cmdline()
        assert not any(text in word for word in words for text in KEYS.values())
        if KEYS["SECRET"] in process.environ().values():
            found.add(words[-1])
    return found


def test_demo_trades_at_the_venue_with_the_header_and_no_key_shows_up_anywhere() -> None:
    with at("demo") as here:
        up = here.run("up", "--venue", "demo")  # without the header the exchange answers 50101
        assert up.returncode == 0, up.stderr
        status = until("trading is active", lambda: active(here))
        assert (status["venue"], [row["name"] for row in status["processes"]]) == ("demo", ["ops", "engine", "brain"])
        assert holders(here) == {"sovereign_tui.ops", "engine"}
        said = [up.stdout + up.stderr, json.dumps(status), here.run("status").stdout, here.run("config", "show").stdout]
        second = here.run("tui", "--venue", "sim")
        assert (second.returncode, "the venue demo is running" in second.stderr) == (1, True)
        said += [second.stderr, here.run("halt", "--json").stdout, here.run("resume", here.status()["halt_id"]).stdout]
        down = here.run("down")
        assert down.returncode == 0, down.stderr
        wrong = here.environment | {"SOVEREIGN_SECRET": "n0ns3ns3n0ns3ns3"}
        refused = System(home=here.home, ports=here.ports, environment=wrong).run("up", "--venue", "demo", "--json")
        assert (refused.returncode, "(50113)" in refused.stdout) == (78, True)
        said += [down.stdout + down.stderr, refused.stdout + refused.stderr]
        files = [path for path in here.home.rglob("*") if path.is_file()]
        assert {"logs", "blackbox"} <= {part for path in files for part in path.parts}
        said += [path.read_bytes().decode(errors="replace") for path in files]
        assert len(said) > 10
        for text in (*KEYS.values(), "n0ns3ns3n0ns3ns3"):
            assert not any(text in one for one in said)


def test_live_starts_only_after_the_operator_has_typed_the_instrument() -> None:
    with at("live") as here:
        put_records(here)
        with terminal("up", "--venue", "live", "--live", environment=here.environment) as shown:
            shown.until("it asks", lambda text: "Type BTC-USDT-SWAP to go on" in text)
            shown.type("yes\n")
            until("it is refused", lambda: ended(shown))
            assert shown.process.returncode == 78
            assert "was not typed; nothing was started" in shown.text()
        assert here.pids() == []
        with terminal("up", "--venue", "live", "--live", environment=here.environment) as shown:
            shown.until("it asks", lambda text: "Type BTC-USDT-SWAP to go on" in text)
            assert refuses(here.ports["COMMAND_PORT"])
            shown.type("BTC-USDT-SWAP\n")
            until("it is up", lambda: ended(shown), limit_s=60)
            assert shown.process.returncode == 0, shown.text()
        assert until("trading is active", lambda: active(here))["venue"] == "live"
        engine = psutil.Process(here.process("engine")["pid"])
        assert engine.environ()["SOVEREIGN_LIVE_CONFIRMED"] == "BTC-USDT-SWAP"
        brain = psutil.Process(here.process("brain")["pid"])
        assert "SOVEREIGN_LIVE_CONFIRMED" not in brain.environ()
        engine.kill()  # what ops starts again is confirmed still
        until("the engine is back", lambda: here.process("engine")["restarts"] == 1 and active(here), limit_s=60)
        psutil.Process(here.process("ops")["pid"]).kill()
        other = here.run("up", "--venue", "sim")
        assert (other.returncode, "still run on the venue live" in other.stderr) == (78, True)
        assert here.run("down").returncode == 0
        assert here.pids() == []


def test_paper_follows_the_outside_market_is_on_record_and_does_not_trade_when_that_goes_away() -> None:
    with posing("live") as said, system(VENUE__REST_URL=said["rest"], VENUE__WS_URL=said["ws"]) as here:
        up = here.run("up", "--venue", "paper")
        assert up.returncode == 0, up.stderr
        status = until("trading is active", lambda: active(here))
        assert (status["venue"], len(status["processes"])) == ("paper", 4)
        with urllib.request.urlopen(f"{said['rest']}/api/v5/market/ticker?instId=BTC-USDT-SWAP", timeout=5) as answer:
            outside = json.load(answer)["data"][0]
        assert abs(status["market"]["bid"] - float(outside["bidPx"])) < 0.005 * status["market"]["bid"]
        outside_pid = int(said["pid"])
        os.kill(outside_pid, signal.SIGSTOP)
        until("nothing is traded on a silent market", lambda: not active(here))
        os.kill(outside_pid, signal.SIGCONT)
        until("trading is active again", lambda: active(here))
        assert here.run("down").returncode == 0
        (record,) = read(here.home / "data" / "records").records
        settings = load_settings(here.home / "settings.toml", here.environment)
        assert (record.kind, record.instrument, record.settings) == ("paper", "BTC-USDT-SWAP", digest(settings))
        assert 0 < record.ran_s < (record.ended_ns - record.begun_ns) / 1e9 + 1
