"""`sovereign config set` and `sovereign rearm`: with nothing running, and with an ops whose engine is a stand-in."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from sovereign_tui.ops.client import OpsError, request_blocking
from tests.sovereign_tui.cli.support import ROOT, Shell
from tests.sovereign_tui.ops.standin import MODULE
from tests.support.system import until
from tests.support.terminal import terminal

pytestmark = pytest.mark.e2e

FILE = "[risk]\nmax_orders_per_s = 5  # enough\n"


@pytest.fixture
def running(sovereign: Shell) -> Iterator[Shell]:
    """A shell whose system runs."""
    environment = sovereign.environment(STANDIN_STUBBORN="risk.collar_pct")
    argv = [sys.executable, "-m", MODULE, "ops"]
    with (sovereign.home.logs / "ops.log").open("ab") as log:
        ops = subprocess.Popen(argv, env=environment, cwd=ROOT, stderr=log, start_new_session=True)

    def up() -> bool:
        try:
            return bool(request_blocking(sovereign.home, {"cmd": "status"}, 5)["up"])
        except OpsError:
            return False

    try:
        until("the system is up", up)
        yield sovereign
        assert sovereign("down").code == 0
    finally:
        ops.kill()
        ops.wait()


def file_of(shell: Shell) -> str:
    path = shell.home.settings_file
    return path.read_text() if path.exists() else ""


def test_with_nothing_running_a_tightening_is_written_and_a_loosening_is_confirmed_first(sovereign: Shell) -> None:
    sovereign.home.settings_file.write_text(FILE)
    done = sovereign("config", "set", "risk.max_orders_per_s", "4")
    assert (done.code, done.out, file_of(sovereign)) == (0, "risk.max_orders_per_s = 4\n", FILE.replace("5 ", "4 "))
    refused = sovereign("config", "set", "risk.max_orders_per_s", "9")
    assert refused.code == 78
    assert "risk.max_orders_per_s: 4 -> 9 allows more than now; say --yes-loosen" in refused.err
    assert file_of(sovereign) == FILE.replace("5 ", "4 ")
    assert sovereign("config", "set", "risk.max_orders_per_s", "9", "--yes-loosen").code == 0
    assert file_of(sovereign) == FILE.replace("5 ", "9 ")
    assert sovereign("config", "set", "cockpit.fps", "20").out == "cockpit.fps = 20\n"
    wrong = sovereign("config", "set", "cockpit.fps", "99")
    assert (wrong.code, "less than or equal to 30" in wrong.err) == (78, True)
    negative = sovereign("config", "set", "risk.max_orders_per_s", "-1")
    assert (negative.code, "greater than or equal to 0" in negative.err) == (78, True)
    assert file_of(sovereign).endswith("[cockpit]\nfps = 20\n")


def test_what_is_set_in_several_shells_at_once_is_all_kept(sovereign: Shell) -> None:
    given = {"cockpit.fps": "7", "brain.votes_needed": "1", "ops.crash_limit": "5", "sizing.tp_pct": "2.5"}
    with ThreadPoolExecutor(len(given)) as shells:
        done = list(shells.map(lambda pair: sovereign("config", "set", *pair), given.items()))
    assert [one.out for one in done] == [f"{key} = {value}\n" for key, value in given.items()]
    kept = tomllib.loads(file_of(sovereign))
    assert {f"{name}.{key}": str(value) for name, table in kept.items() for key, value in table.items()} == given


def test_a_running_system_is_asked_before_the_file_is_changed(running: Shell) -> None:
    tighter = running("config", "set", "risk.max_orders_per_s", "4")
    assert (tighter.code, tighter.out) == (0, "risk.max_orders_per_s: 5 -> 4\n")
    assert file_of(running) == "[risk]\nmax_orders_per_s = 4\n"
    stubborn = running("config", "set", "risk.collar_pct", "0.5")
    assert (stubborn.code, stubborn.err) == (1, "sovereign: not this one; 1.0 stays\n")
    looser = running("config", "set", "risk.max_orders_per_s", "5")
    assert (looser.code, "4 -> 5 allows more than now; say --yes-loosen" in looser.err) == (78, True)
    assert file_of(running) == "[risk]\nmax_orders_per_s = 4\n"
    assert running("config", "set", "risk.max_orders_per_s", "5", "--yes-loosen").code == 0
    assert file_of(running) == "[risk]\nmax_orders_per_s = 5\n"
    later = running("config", "set", "sizing.tp_pct", "1.0")
    assert later.out == "sizing.tp_pct = 1.0; the running system takes it at its next start\n"
    rearmed = running("rearm", "--reason", "looked at it")
    assert (rearmed.code, rearmed.out) == (0, "re-armed\n")
    log = (running.home.logs / "ops.log").read_text()
    for said in (
        "info: risk.max_orders_per_s: 5 -> 4 (not loosened) by ",
        "risk.collar_pct: 1.0 -> 0.5 (not loosened) asked by ",
        "warning: risk.max_orders_per_s: 4 -> 5 (loosened, confirmed) by ", "(looked at it): re-armed",
    ):  # fmt: skip
        assert said in log


def test_at_a_terminal_a_loosening_asks_for_the_name_of_the_key(running: Shell) -> None:
    command = ("config", "set", "risk.max_orders_per_s", "9", "--yes-loosen")
    for typed, code in (("yes", 78), ("risk.max_orders_per_s", 0)):
        with terminal(*command, environment=running.environment()) as shown:
            shown.until("it asks", lambda text: "Type risk.max_orders_per_s to confirm" in text)
            shown.type(f"{typed}\n")
            until("it ends", lambda shown=shown: shown.pump() or shown.process.poll() is not None)
            assert shown.process.returncode == code, shown.text()
        assert file_of(running) == ("" if code else "[risk]\nmax_orders_per_s = 9\n")


def test_rearm_without_a_system_says_how_to_start_one(sovereign: Shell) -> None:
    assert sovereign("rearm").err == "sovereign: ops is not running; start it with `sovereign up`\n"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("config set risk.max_orders_per_s 9", "say --yes-loosen, or type it at a terminal"),
        ("keys set demo --stdin", "API key, secret, passphrase: empty; nothing was changed"),
        ("up --venue live --live", "there is no terminal at which you could type BTC-USDT-SWAP"),
    ],
)
def test_where_stdin_is_closed_nobody_confirms(sovereign: Shell, command: str, said: str) -> None:
    environment = sovereign.environment(PYTHON_KEYRING_BACKEND="tests.support.keyring.TestKeyring")
    line = f"exec {sys.executable} -P -m sovereign_tui {command} <&-"
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 78, done.stderr
    assert said in done.stderr
