"""The processes together: started exchange (if it is ours), engine, brain; stopped the other way round."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, Protocol

from schemas.clock import Clock
from schemas.settings import Home, Settings
from schemas.topology import BRAIN, ENGINE, EXCHANGE
from schemas.whole_file import write_whole
from sovereign_tui.ops import plan
from sovereign_tui.ops.children import Child, first_line
from sovereign_tui.ops.plan import Command, NotReadable, Venue
from sovereign_tui.ops.policies import policies
from sovereign_tui.ops.supervisor import State

VENUE_FILE: Final = "exchange.json"
NAME_FILE: Final = "venue"
"""Names the venue of what runs, for an ops that finds it running."""


_AT_REST: Final = frozenset({State.RUNNING, State.FATAL, State.STOPPED})
"""States of which no other follows by itself: what is STOPPED behind them stays so."""


class Plan(Protocol):
    """What to start; a test starts small stand-ins."""

    def exchange(self, settings: Settings, venue: Venue) -> Command: ...

    def engine(self, venue: Venue) -> Command: ...

    def brain(self) -> Command: ...


class Fleet:
    """Exchange, engine and brain of one home. `on_change(child)` after each change of state.

    `remote`: where to trade, if the venue is no process of ours.
    """

    def __init__(
        self,
        *,
        home: Home,
        settings: Settings,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        on_change: Callable[[Child], None],
        commands: Plan = plan,
        remote: Venue | None = None,
    ) -> None:
        self._tasks = tasks
        self._told = on_change
        self._venue_file = home.runtime / VENUE_FILE
        self._name_file = home.runtime / NAME_FILE
        self._name = settings.venue.name
        self._venue = remote
        self._changed = asyncio.Event()
        self.stopping = False
        patience = policies(settings)

        def make(name: str) -> Child:
            return Child(
                name, starts[name], policy=patience[name], home=home, clock=clock, tasks=tasks,
                on_change=self._on_change,
            )  # fmt: skip

        starts: dict[str, Callable[[], Command]] = {
            EXCHANGE: lambda: commands.exchange(settings, self._identity()),
            ENGINE: lambda: commands.engine(self._identity()),
            BRAIN: commands.brain,
        }
        self._order = plan.start_order(settings)
        self.children: dict[str, Child] = {name: make(name) for name in self._order}

    def begin(self) -> None:
        """Adopts what an ops before us left running, and starts the rest in order."""
        with contextlib.suppress(OSError):  # a full disk: only an ops after us would have read it
            write_whole(self._name_file, self._name.encode())
        adopted = {name for name in self._order if self.children[name].adopt()}
        first = self._order[0]
        if first not in adopted:
            self.children[first].start()

    def start_anew(self) -> list[str]:
        """Starts what was given up, and what was never started since nobody will; returns the names of both."""
        states = {name: self.children[name].state for name in self._order}
        names = [
            name for at, name in enumerate(self._order)
            if states[name] is State.FATAL
            or (states[name] is State.STOPPED and all(states[other] in _AT_REST for other in self._order[:at]))
        ]  # fmt: skip
        if self.stopping:
            return []
        for name in names:
            if states[name] is State.FATAL or self._has_what_it_follows(name):
                self.children[name].start()
        return names

    def _has_what_it_follows(self, name: str) -> bool:
        before = self._order[: self._order.index(name)][-1:]
        return all(self.children[other].state is State.RUNNING for other in before)

    async def stop(self, on_stop: Callable[[str], None] = lambda name: None) -> None:
        """Stops all in order; returns when nothing is left. `on_stop` is told the name before its SIGTERM."""
        self.stopping = True
        for name in reversed(self._order):
            child = self.children[name]
            on_stop(name)
            child.stop()
            while child.state is not State.STOPPED:
                self._changed.clear()
                await self._changed.wait()
        self._venue_file.unlink(missing_ok=True)
        self._name_file.unlink(missing_ok=True)
        for child in self.children.values():
            child.output.unlink(missing_ok=True)

    @property
    def exchange_url(self) -> str | None:
        """Where our exchange answers REST; None: it is not known, or no process of ours."""
        return self._venue.rest if self._venue is not None and EXCHANGE in self.children else None

    def _on_change(self, child: Child) -> None:
        self._changed.set()
        if child.name == EXCHANGE and child.state is State.STARTING:
            self._tasks.create_task(self._await_exchange(child), name="the exchange's first line")
        if child.state is State.RUNNING and not self.stopping:
            followers = self._order[self._order.index(child.name) + 1 :][:1]
            for follower in followers:
                if self.children[follower].state is State.STOPPED:
                    self.children[follower].start()
        self._told(child)

    async def _await_exchange(self, child: Child) -> None:
        pid = child.pid
        line = await first_line(child, child.output)
        if line is None or child.pid != pid:
            return
        try:
            self._venue = Venue.parse(line)
        except NotReadable:
            return  # it is stopped when its time to start is over, with its last lines as the reason
        with contextlib.suppress(OSError):  # the same: what it says is the same at each start of one system
            write_whole(self._venue_file, f"{line}\n".encode())
        child.ready(pid)

    def _identity(self) -> Venue:
        """The port and keys of all starts, kept for a later ops in the venue file."""
        if self._venue is None:
            try:
                self._venue = Venue.parse(self._venue_file.read_text(encoding="utf-8"))
            except (OSError, NotReadable):  # no system was here before
                self._venue = plan.new_venue()
        return self._venue
