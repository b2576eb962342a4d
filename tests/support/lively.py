"""A market in which everything changes each time that it is looked at, and that can be made to stand still."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from schemas.clock import SystemClock
from sovereign_tui.cockpit.tty.paced import PacedApp
from sovereign_tui.cockpit.tty.sequence import Run
from sovereign_tui.cockpit.view import TickRate
from tests.sovereign_tui.cockpit import messages as make

_ALERT_FROM, _ALERT_TO = 25, 45


class StoppableClock(SystemClock):
    """Goes until it is stopped."""

    def __init__(self) -> None:
        self._stopped_ns: int | None = None

    def stop(self) -> None:
        self._stopped_ns = self.monotonic_ns()

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() if self._stopped_ns is None else self._stopped_ns


class Lively:
    """A source for a cockpit. A file `still` in `folder` stops it and its clock, and `stopped` is called."""

    def __init__(self, folder: Path) -> None:
        self.clock = StoppableClock()
        self.stopped: Callable[[], Any] = lambda: None
        self._folder = folder
        self._random = random.Random(7)
        self._polls = 0
        self._still = False

    def poll(self) -> list[tuple[object, int]]:
        if self._still:
            return []
        now_ns = self.clock.monotonic_ns()
        messages = self._messages()
        if (self._folder / "still").exists():
            self._still = True
            self.clock.stop()
            self.stopped()
        if self._polls == 5:
            (self._folder / "pid").write_text(str(os.getpid()))
        return [(message, now_ns) for message in messages]

    def _messages(self) -> list[object]:
        self._polls += 1
        at, roll = self._polls, self._random.uniform
        wall_ns = make.WALL_NS + at * 100 * make.MS
        sizes = [tuple(roll(0.1, 40) for _ in range(20)) for _ in range(2)]
        messages: list[object] = [
            make.tick(at, last=round(64_000 + roll(-9, 9), 1), bid_sizes=sizes[0], ask_sizes=sizes[1]),
            make.engine(brain_age_ms=roll(0, 400)), make.pulse(at), make.system(), make.orders(),
            make.positions(f"{roll(-20, 20):.2f}", unrealised=make.Decimal(f"{roll(-99, 99):.2f}")),
            make.account(f"{roll(0, 500):.2f}"), make.log("event " * self._random.randint(1, 12), at),
            make.decision(sequence=at, timestamp_ns=wall_ns, direction=self._random.choice((-1, 0, 1)),
                          features={"cvd_contracts": roll(-500, 500)}),
            make.measured(at), make.flow(imbalance=roll(0, 1), cvd_contracts=roll(-900, 900)),
            make.heatmap(24, 20 + at % 20), make.candle(0, sequence=at), TickRate(per_s=roll(0, 9_999)),
        ]  # fmt: skip
        if at == 1:
            messages += [make.history(), make.structure(), make.audit()]
        if at in {_ALERT_FROM, _ALERT_TO}:
            messages.append(make.alert(active=at == _ALERT_FROM))
        return messages


class Strokes(PacedApp):
    """Counts what was written past the compositor."""

    drawn = 0

    def draw(self, runs: list[Run]) -> None:
        self.drawn += len(runs)
        super().draw(runs)
