"""`python -m tests.support.killing`: kills engines at seeded points of an order's life, and asks the venue each time.

One exchange process, and so one account, per kind of life; the kinds run at the same time. A line of JSON a point goes
to stdout: which it was, what became of the order, and in what engine and venue disagreed.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from schemas.messages import Side
from tests.support.dying import PATIENCE_S, Child, Death, Kind, Place
from tests.support.mortal import PROTECTED_WITHIN_S, recover, trade
from tests.support.settling import Venue, differences, fate_of, fates, journal_of
from tests.support.venue import VenueClient

KINDS = (
    Kind(name="market"),
    Kind(name="market, protection never born", faults=({"name": "protection_never"},)),
    Kind(name="limit that rests", limit="rests"),
    Kind(name="limit that meets", limit="meets"),
    Kind(name="close at market", closes=True),
    Kind(name="close at a limit", closes=True, limit="meets"),
    Kind(name="market, filled in part", faults=({"name": "partial_fills", "share": 0.4},)),
    Kind(name="market, filled before the ack", faults=({"name": "fill_before_ack", "delay_ms": 200},)),
)
_SETTLE_S = 4.0
_REHEARSALS = 5
_ACCOUNTS_EACH = 2
_AGAIN_S = 0.3
_PROTECTED_WITHIN_S = PROTECTED_WITHIN_S + 2.5
"""The set time, the looks that notice and act, and two busy cores."""
_PRINT = {"e": "trade", "T": 1, "m": False, "p": "64000.0", "q": "0.025", "X": "MARKET"}
_LEVELS = [["63999.9", "1000.0"]], [["64000.0", "1000.0"]]
"""Bids and asks: price, BTC. Deep enough that nothing of ours moves a price."""


@dataclass(slots=True)
class Report:
    """One point: what was done, what became of the order, and what was wrong."""

    kind: str
    point: int
    death: str
    fate: str = ""
    torn: bool = False
    findings: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """One exchange, and one life after the other at it.

    `answered`, `calls`: how many calls a life has until its order is answered, and in all; `births`: a recovery's.
    """

    kind: Kind
    seed: str
    directory: Path
    said: dict[str, str]
    venue: Venue
    answered: int = 0
    calls: int = 0
    births: int = 0

    def rehearse(self) -> None:
        """Count the calls of a life that nobody kills, and of a recovery."""
        for number in range(_REHEARSALS):
            place = self._place(f"rehearsal{number}")
            report = Report(kind=self.kind.name, point=-1, death="none")
            said = self._kill(place, Side.BUY, Decimal(1), Death(), report)
            again = self._recover(place, Death(), report)
            self.venue.flatten()
            if report.findings:
                raise AssertionError(report.findings)
            assert said is not None
            if said["refused"] is None:
                self.answered, self.calls, self.births = said["answered"], said["calls"], again
                return
        raise AssertionError(f"{self.kind.name}: refused each time, {said}")

    def point(self, number: int, of: int) -> Report:
        """One life, its death, and what is found after it."""
        dice = random.Random(f"{self.seed}/{number}")
        side, contracts = dice.choice([Side.BUY, Side.SELL]), Decimal(dice.randint(10, 200)) / 100
        until, share = self.calls if number % 2 else self.answered, (number + dice.random()) / of
        if number % 4 == 1:
            ends = self.kind.limit != "rests" and dice.random() < 0.4
            death = Death(line=2 if ends else 1, share=dice.random())
        else:
            death = Death(call=1 + int(share * until))
        second = Death(call=1 + int(dice.random() * self.births)) if number % 4 == 2 else None
        report = Report(kind=self.kind.name, point=number, death=f"{death} of {self.calls} calls, then {second}")
        place = self._place(str(number))
        try:
            self._kill(place, side, contracts, death, report)
            if second is not None:
                self._recover(place, second, report)
            self._recover(place, Death(), report)
        except TimeoutError:
            report.findings.append(f"nothing was heard for {PATIENCE_S:g} s")
        self.venue.flatten()
        return report

    def _place(self, name: str) -> Place:
        directory = self.directory / name
        directory.mkdir()
        self.venue.faults(self.kind.faults)
        return Place(name=name, directory=directory, venue=self.said)

    def _kill(
        self, place: Place, side: Side, contracts: Decimal, death: Death, report: Report
    ) -> dict[str, Any] | None:
        child = Child(lambda teller: trade(place, self.kind, side, contracts, death, teller))
        said = None
        try:
            said = child.hear()
            if said is not None and "failed" in said:
                report.findings.append(f"the first life failed: {said['failed']}")
        finally:
            _must_be_killed(child, report)
        return said

    def _recover(self, place: Place, death: Death, report: Report) -> int:
        """The calls that it had until it had reconciled."""
        child = Child(lambda teller: recover(place, death, teller))
        try:
            said = child.hear()
            if said is None and death.call:
                return 0
            if said is None or "failed" in said:
                report.findings.append(f"the life after failed: {said}")
                return 0
            self._judge(place, child, said, report)
            return int(said["calls"])
        finally:
            _must_be_killed(child, report)

    def _judge(self, place: Place, child: Child, said: dict[str, Any], report: Report) -> None:
        """Compare again while something may be on its way; what differs then, differs."""
        if said["calm_s"] > _PROTECTED_WITHIN_S:
            report.findings.append(f"a position without a stop for {said['calm_s']:.2f} s")
        report.torn = report.torn or any("torn" in problem for problem in said["problems"])
        deadline = time.monotonic() + _SETTLE_S
        while True:
            reading, view = self.venue.read(), child.ask()
            found = differences(view, reading)
            if not found:
                break
            if time.monotonic() > deadline:
                report.findings += [*found, f"the engine said {view['said']}"]
                break
            time.sleep(_AGAIN_S)
        journal, orders = journal_of(place.directory), self.venue.new_orders()
        report.findings += fates(journal, view, orders)
        report.fate = fate_of(f"{place.name}order", journal, orders)


def _must_be_killed(child: Child, report: Report) -> None:
    status = child.end()
    if not (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL):
        report.findings.append(f"a life ended with status {status}, not by SIGKILL")


@contextmanager
def account(kind: Kind, seed: str, directory: Path) -> Iterator[Account]:
    """An exchange of its own for a kind of life; gone afterwards, also when this process is killed."""
    directory.mkdir()
    messages = [{"lastUpdateId": 10, "bids": _LEVELS[0], "asks": _LEVELS[1]}, _PRINT]
    lines = [f"{1_680_652_700_000_000 + n * 1000} {json.dumps(message)}" for n, message in enumerate(messages)]
    recording = directory / "still.gz"
    recording.write_bytes(gzip.compress("\n".join(lines).encode()))
    argv = ["--recording", str(recording), "--port", "0", "--parent-pid", str(os.getpid())]
    with subprocess.Popen(
        [sys.executable, "-m", "engine.exchange", *argv], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout is not None
            said = json.loads(process.stdout.readline())
            (directory / "exchange.json").write_text(json.dumps(said))
            venue = Venue(said=said, client=VenueClient(directory))
            yield Account(kind=kind, seed=seed, directory=directory, said=said, venue=venue)
        finally:
            process.kill()


def run(kind: Kind, points: int, seed: str, directory: Path) -> None:
    """All points of one kind, each reported at once."""
    with account(kind, seed, directory) as here:
        here.rehearse()
        for number in range(points):
            line = json.dumps(asdict(here.point(number, points))) + "\n"
            os.write(sys.stdout.fileno(), line.encode())


def main() -> int:
    """Fork a worker for each kind, and wait for all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--directory", type=Path, required=True)
    given = parser.parse_args()
    workers = []
    gc.freeze()  # the lives share these pages
    accounts = KINDS * _ACCOUNTS_EACH
    for number, kind in enumerate(accounts):
        points = len(range(number, given.points, len(accounts)))
        pid = os.fork()
        if pid == 0:
            try:
                run(kind, points, f"{given.seed}/{number}", given.directory / str(number))
            except BaseException:  # noqa: BLE001  said, and counted by its exit code
                traceback.print_exc()
                sys.stderr.flush()
                os._exit(1)
            os._exit(0)
        workers.append(pid)
    return max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in workers)


if __name__ == "__main__":
    sys.exit(main())
