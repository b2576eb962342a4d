"""What is refused before anything is started."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.sovereign_tui.cli.support import Shell
from tests.sovereign_tui.ops.support import processes_of

pytestmark = pytest.mark.e2e

NO_RING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
KEYS = {"SOVEREIGN_API_KEY": "a", "SOVEREIGN_SECRET": "b", "SOVEREIGN_PASSPHRASE": "c"}
MISSING = (
    "--live is not on the command line",
    "there is no keyring here",
    "no backtest of BTC-USDT-SWAP with these settings is on record",
    "no paper run of 24 h of BTC-USDT-SWAP with these settings is on record, the longest has 0.0 h",
    "there is no terminal at which you could type BTC-USDT-SWAP",
)


@pytest.mark.parametrize("command", ["up", "tui"])
def test_live_is_refused_with_all_that_is_missing(sovereign: Shell, command: str) -> None:
    run = sovereign(command, "--venue", "live", **NO_RING)
    lines = run.err.splitlines()
    assert run.code == 78
    assert len(lines) == len(MISSING)
    for line, said in zip(lines, MISSING, strict=True):
        assert line.startswith(f"sovereign: venue live: {said}")
    assert processes_of(sovereign.home) == []
    assert list(sovereign.home.blackbox.iterdir()) == []


def test_what_is_there_is_not_asked_for_and_nothing_stands_in_for_the_typing(sovereign: Shell) -> None:
    sovereign.home.settings_file.write_text('[venue]\nname = "live"\n')
    run = sovereign("up", "--live", "--json", stdin="BTC-USDT-SWAP\n", SOVEREIGN_LIVE_CONFIRMED="BTC-USDT-SWAP", **KEYS)
    assert run.code == 78
    problems = run.json["problems"]
    assert [MISSING.index(said) for line in problems for said in MISSING if said in line] == [2, 3, 4]
    assert sovereign("up", **KEYS).code == 78  # the file alone does not make it live


def test_a_venue_named_in_the_file_asks_for_its_keys_and_live_goes_with_live_alone(sovereign: Shell) -> None:
    run = sovereign("up", "--venue", "demo", "--live", **NO_RING)
    assert run.code == 78
    assert [line.split(":")[2].strip().split(";")[0] for line in run.err.splitlines()] == [
        "there is no keyring here", "--live goes with --venue live alone",
    ]  # fmt: skip
    half = sovereign("up", "--venue", "demo", SOVEREIGN_API_KEY="a")
    assert "the environment has some of the keys but not SOVEREIGN_SECRET, SOVEREIGN_PASSPHRASE" in half.err
    nowhere = sovereign("up", "--venue", "nowhere")
    assert (nowhere.code, "venue.name = 'nowhere'" in nowhere.err) == (78, True)
    assert processes_of(sovereign.home) == []


def test_ops_and_engine_started_by_hand_are_locked_too(sovereign: Shell) -> None:
    live = {**KEYS, "SOVEREIGN_VENUE__NAME": "live"}
    ops = sovereign.python("-m", "sovereign_tui.ops", **live)
    assert ops.code == 78
    said = [line for line in ops.err.splitlines() if "venue live: " in line]
    assert len(said) == 3
    assert all(a != b for a, b in pairwise(said))
    assert "nobody has confirmed BTC-USDT-SWAP" in said[-1]
    engine = sovereign.python("-m", "engine", **live)
    assert (engine.code, "nobody has confirmed BTC-USDT-SWAP" in engine.err) == (78, True)
