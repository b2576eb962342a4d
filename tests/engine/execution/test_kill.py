"""`kill -9` of the engine at seeded points of an order's life: after the restart engine and exchange agree each time.

Real processes, sockets, journal and signals; see tests/support/killing.py. `KILL_POINTS` sets how many points there
are, `KILL_SEED` which ones.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.killing import KINDS
from tests.support.settling import Reading, differences, fates

POINTS = int(os.environ.get("KILL_POINTS", "200"))
SEED = os.environ.get("KILL_SEED", "1")
LIMIT_S = 60 + POINTS
READING = Reading(contracts="1.5", equity="99990.25", orders=("7",), algos=(("sell", "1.5", "", "63360"),))
VIEW = {"contracts": "1.5", "equity": "99990.25", "working": {"7": "so1"}, "states": {"so1": "live"}, "causes": []}


def killed(directory: Path) -> list[dict[str, Any]]:
    """The reports of all points. Whatever happens, nobody of all those processes is left."""
    argv = ["--points", str(POINTS), "--seed", SEED, "--directory", str(directory)]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.killing", *argv], stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        content, _ = process.communicate(timeout=LIMIT_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == 0, f"seed {SEED}: exit {process.returncode}, see above"
    return [json.loads(line) for line in content.splitlines()]


def left_of(directory: Path) -> list[str]:
    """Processes that still have this directory in their command line."""
    commands = (process.info["cmdline"] or () for process in psutil.process_iter(["cmdline"]))
    return [" ".join(words) for words in commands if any(str(directory) in word for word in words)]


@pytest.mark.timeout(LIMIT_S + 30)
def test_killed_anywhere_in_an_orders_life_the_engine_agrees_with_the_exchange_afterwards(tmp_path: Path) -> None:
    reports = killed(tmp_path)
    wrong = [report for report in reports if report["findings"]]
    assert not wrong, f"seed {SEED}: {json.dumps(wrong, indent=1)}"
    assert len(reports) == POINTS
    if POINTS >= 200:  # a test that misses these has looked at something else
        assert {report["kind"] for report in reports} == {kind.name for kind in KINDS}
        came = Counter(report["fate"] for report in reports)
        assert set(came) == {"never journaled", "journaled, never there", "live", "filled", "canceled"}
        assert sum(report["torn"] for report in reports) >= 10
    deadline = time.monotonic() + 10
    while left_of(tmp_path):
        assert time.monotonic() < deadline, left_of(tmp_path)
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("changed", "finding"),
    [
        ({"contracts": "1"}, "position: engine 1, venue 1.5"),
        ({"contracts": ""}, "position: engine , venue 1.5"),
        ({"equity": "99990.250"}, "equity: engine 99990.250, venue 99990.25"),
        ({"working": {}}, "orders: engine {}, venue ('7',)"),
        ({"causes": ["order_unknown"]}, "order_unknown stands"),
    ],
)
def test_the_comparison_sees_what_differs(changed: dict[str, Any], finding: str) -> None:
    assert differences(VIEW, READING) == []
    assert differences({**VIEW, **changed}, READING) == [finding]


@pytest.mark.parametrize(
    ("contracts", "algos", "bare"),
    [
        ("0", (), ""),
        ("1.5", (), "stops for 0 of 1.5 contracts"),
        ("-1.5", (("buy", "1.5", "", "64640"),), ""),
        ("-1.5", (("buy", "", "1", "64640"),), ""),
        ("1.5", (("sell", "1", "", "63360"),), "stops for 1 of 1.5 contracts"),
        ("1.5", (("sell", "1.5", "", ""),), "1 TP/SL orders without a position"),
        ("0", (("sell", "1.5", "", "63360"),), "1 TP/SL orders without a position"),
    ],
)
def test_the_comparison_sees_what_is_not_protected(contracts: str, algos: tuple[Any, ...], bare: str) -> None:
    assert Reading(contracts=contracts, equity="1", orders=(), algos=algos).bare == bare


@pytest.mark.parametrize(
    ("journal", "orders", "found"),
    [
        ({"so1": ""}, [{"clOrdId": "so1", "state": "live"}], []),
        ({"so1": "refused"}, [], []),
        ({"so1": "canceled"}, [], []),
        ({"so1": "filled"}, [], ["so1: the engine knows it as filled, the venue as not there"]),
        ({"so1": "filled"}, [{"clOrdId": "so1", "state": "filled"}] * 2, ["so1 was placed 2 times"]),
        ({}, [{"clOrdId": "so1", "state": "filled"}], ["so1 was sent and is not in the journal"]),
        ({"so1": "refused"}, [{"clOrdId": "so1", "state": "filled"}],
         ["so1: the engine knows it as refused, the venue as filled"]),
        ({"so2": ""}, [], ["so2: the engine knows it as unknown, the venue as not there"]),
    ],
)  # fmt: skip
def test_the_comparison_sees_what_the_journal_does_not_know(
    journal: dict[str, str], orders: list[dict[str, Any]], found: list[str]
) -> None:
    assert fates(journal, VIEW, orders) == found
