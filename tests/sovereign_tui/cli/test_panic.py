"""`sovereign panic`: the kill switch when everything else is broken."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.exchange.real_process import exchange
from tests.sovereign_tui.cli.support import ROOT, Run, Shell
from tests.support.system import system, until
from tests.support.terminal import terminal
from tests.support.venue import VenueClient

pytestmark = pytest.mark.e2e
MARKET = {"instId": "BTC-USDT-SWAP", "tdMode": "isolated", "side": "buy", "ordType": "market", "sz": "3"}
RING = "tests.support.keyring.TestKeyring"


@pytest.fixture
def venue(sovereign: Shell, tmp_path: Path) -> Iterator[VenueClient]:
    """An exchange of this home, with an order that rests and a position."""
    with exchange(tmp_path) as where:
        (sovereign.home.runtime / "exchange.json").write_text(json.dumps(where))
        (sovereign.home.runtime / "venue").write_text("sim")
        client = VenueClient(sovereign.home.runtime)
        client.call("POST", "/api/v5/trade/order", MARKET)
        client.rest_an_order(price="63000")
        yield client


def held(client: VenueClient) -> int:
    return len(client.call("GET", "/api/v5/account/positions")["data"])


def result(run: Run) -> dict[str, Any]:
    return json.loads(run.out.splitlines()[-1])["result"]


def variables(where: dict[str, str], **more: str) -> dict[str, str]:
    return {
        "SOVEREIGN_API_KEY": where["apiKey"], "SOVEREIGN_SECRET": where["secret"],
        "SOVEREIGN_PASSPHRASE": where["password"], "SOVEREIGN_VENUE__REST_URL": where["rest"],
        "SOVEREIGN_VENUE__WS_URL": where["ws"], **more,
    }  # fmt: skip


def test_it_cancels_keeps_the_receipt_and_leaves_a_halt(sovereign: Shell, venue: VenueClient) -> None:
    run = sovereign("panic", "--json")
    assert (run.code, venue.pending(), held(venue)) == (0, [], 1), run
    said = result(run)
    assert {key: said[key] for key in ("confirmed", "venue", "flatten", "canceled", "open_orders", "problems")} == {
        "confirmed": True, "venue": "sim", "flatten": False, "canceled": 1, "open_orders": 0, "problems": [],
    }  # fmt: skip
    order = [said["requested_ns"], *(said["steps"][step]["last_ns"] for step in ("halt-file", "cancel-batch-orders"))]
    assert order == sorted(order)
    assert json.loads((sovereign.home.data / "receipts" / f"panic-{said['id']}.json").read_text()) == said
    halt = json.loads((sovereign.home.runtime / "HALT").read_text())
    assert (halt["id"], halt["reason"]) == (said["id"], "panic")
    again = sovereign("panic")
    assert (again.code, f"is there already (halt {said['id']})" in again.out) == (0, True)
    assert "PANIC, confirmed by the venue in " in again.out


def test_flatten_asks_for_the_venues_name_and_without_it_the_positions_stay(
    sovereign: Shell, venue: VenueClient
) -> None:
    run = sovereign("panic", "--flatten")
    assert (run.code, venue.pending(), held(venue)) == (1, [], 1), run
    assert "  ! positions and their TP/SL stay: without a terminal --flatten needs --yes\n" in run.out
    environment = sovereign.environment()
    for word, left in (("no", 1), ("sim", 0)):
        with terminal("panic", "--flatten", environment=environment) as shown:
            shown.until("the question", lambda screen: "Type sim to go on:" in screen)
            shown.type(f"{word}\n")
            shown.until("the end", lambda screen: "panic " in screen and "positions  " in screen)
        assert held(venue) == left


def test_flatten_with_yes_asks_nobody(sovereign: Shell, venue: VenueClient) -> None:
    run = sovereign("panic", "--flatten", "--yes", "--json")
    assert (run.code, venue.pending(), held(venue)) == (0, [], 0), run
    assert [result(run)[key] for key in ("open_orders", "open_algos", "open_positions")] == [0, 0, 0]


def test_broken_settings_and_a_disk_that_takes_nothing_stop_nothing(sovereign: Shell, venue: VenueClient) -> None:
    sovereign.home.settings_file.write_text("[venue\nname = ")
    full = "import os, resource as r, sys; r.setrlimit(r.RLIMIT_FSIZE, (0, 0)); os.execv(sys.argv[1], sys.argv[1:])"
    run = sovereign.python("-c", full, sys.executable, "-P", "-m", "sovereign_tui", "panic", "--json")
    assert (run.code, venue.pending()) == (0, []), run
    problems = result(run)["problems"]
    assert any("not TOML" in problem for problem in problems)
    assert any("HALT cannot be written (File too large)" in problem for problem in problems)
    assert any("the receipt cannot be kept (File too large)" in problem for problem in problems)


def test_without_a_home_the_environment_does(sovereign: Shell, venue: VenueClient, tmp_path: Path) -> None:
    where = json.loads((sovereign.home.runtime / "exchange.json").read_text())
    nowhere = tmp_path / "file"
    nowhere.write_text("no directory")
    run = sovereign("panic", "--json", **variables(where, SOVEREIGN_HOME=str(nowhere / "home")))
    assert (run.code, venue.pending()) == (0, []), run
    assert any("HALT cannot be written (Not a directory)" in problem for problem in result(run)["problems"])


def test_nothing_at_all_is_said_and_is_a_failure(sovereign: Shell) -> None:
    run = sovereign("panic")
    assert run.code == 1
    assert "PANIC NOT CONFIRMED in " in run.out
    assert "  open orders          unknown\n" in run.out
    assert "  ! venue sim: no keys that it takes were found; nothing was done there\n" in run.out


def test_keys_that_are_refused_are_followed_by_those_of_the_keyring(sovereign: Shell) -> None:
    argv = [sys.executable, "-m", "engine.exchange", "--pose", "demo"]
    ring = {"PYTHON_KEYRING_BACKEND": RING, "TEST_KEYRING_FILE": str(sovereign.home.data / "ring.json")}
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            where = json.loads(process.stdout.readline())
            kept = "\n".join((where["apiKey"], where["secret"], where["password"]))
            assert sovereign("keys", "set", "demo", "--stdin", stdin=kept, **ring).code == 0
            wrong = variables(where, SOVEREIGN_SECRET="wrong-secret")
            run = sovereign("panic", "--venue", "demo", "--json", **ring, **wrong)
        finally:
            process.kill()
    assert run.code == 0, run
    assert any(problem.startswith("the environment: the venue demo refuses") for problem in result(run)["problems"])
    assert "keys from the keyring" in run.out
    assert not any(secret in run.out + run.err for secret in (*kept.split("\n"), "wrong-secret"))


def test_a_reader_that_goes_away_stops_nothing(sovereign: Shell, venue: VenueClient) -> None:
    command = f"{shlex.quote(sys.executable)} -m sovereign_tui panic | head -n 1"
    subprocess.run(
        ["sh", "-c", command], env=sovereign.environment(), cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    until("the order is gone", lambda: not venue.pending(), limit_s=10)


def test_a_whole_system_that_stands_still_is_cleared_at_the_venue() -> None:
    with system() as here:
        here.up()
        client = VenueClient(here.home / "run")
        client.rest_an_order()
        pids = {row["name"]: row["pid"] for row in here.status()["processes"]}
        for name in ("engine", "ops", "brain"):
            os.kill(pids[name], signal.SIGSTOP)
        done = here.run("panic", "--flatten", "--yes", "--json")
        said = json.loads(done.stdout.splitlines()[-1])["result"]
        assert (done.returncode, said["confirmed"], said["problems"]) == (0, True, []), done
        assert (client.pending(), held(client)) == ([], 0)
        assert said["steps"]["signal"]["last_ns"] <= said["steps"]["cancel-batch-orders"]["first_ns"]
        assert (here.home / "run" / "HALT").exists()
