"""One supervised process: does what the table says, and tells the table what happened."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Set
from pathlib import Path

from schemas.clock import NS_PER_S, Clock
from schemas.settings import Home
from sovereign_tui.ops import logs
from sovereign_tui.ops.handle import Handle, open_handle
from sovereign_tui.ops.pidfile import PidFile
from sovereign_tui.ops.plan import Command
from sovereign_tui.ops.priority import stand_back
from sovereign_tui.ops.supervisor import Action, Event, Life, Occurrence, Policy, State, step


class Child:
    """Starts, adopts, restarts and stops one process. Used from the loop's thread only.

    `command` is asked before each start; `on_change` is called after each change of state. The process has a session
    of its own and inherits no descriptor of ours, so that it outlives us. stdout goes to `<runtime>/<name>.out`,
    stderr to `<data>/logs/<name>.log`.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[], Command],
        *,
        policy: Policy,
        home: Home,
        clock: Clock,
        tasks: asyncio.TaskGroup,
        on_change: Callable[[Child], None],
    ) -> None:
        self.name = name
        self.policy = policy
        self.life = Life()
        self.output = home.runtime / f"{name}.out"
        self._command = command
        self._clock = clock
        self._tasks = tasks
        self._on_change = on_change
        self._log = home.logs / f"{name}.log"
        self._log_start = 0
        self._pid_file = PidFile(home.runtime / f"{name}.pid")
        self._handle: Handle | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int:
        """0: there is no process."""
        return self._handle.pid if self._handle is not None else 0

    @property
    def state(self) -> State:
        """Where it is."""
        return self.life.state

    def start(self) -> None:
        """Start it, if there is none."""
        self._apply(Occurrence(event=Event.START))

    def adopt(self) -> bool:
        """Take over the process that an ops before us started. False: there is none."""
        pid = self._pid_file.living()
        handle = open_handle(pid) if pid is not None else None
        if handle is None or self._pid_file.living() != handle.pid:
            return False
        self._log_start = 0
        self._hold(handle)
        self._apply(Occurrence(event=Event.ADOPT))
        return True

    def ready(self, pid: int) -> None:
        """It gave a sign of life. One of another pid is from a process that was there before."""
        if pid == self.pid:
            self._apply(Occurrence(event=Event.READY))

    def hang(self, reason: str) -> None:
        """It runs, and gives no sign of life: begin to end it. Nothing, if it does not run."""
        if self.life.state is State.RUNNING:
            self._apply(Occurrence(event=Event.HANG, reason=reason))

    def send(self, number: signal.Signals) -> None:
        """A signal to it, if it runs; one that is not ready yet is not told."""
        if self._handle is not None and self.life.state is State.RUNNING:
            self._handle.send(number)

    def stop(self) -> None:
        """Begin to stop it: SIGTERM, and SIGKILL after the deadline."""
        self._apply(Occurrence(event=Event.STOP))

    def last_lines(self) -> tuple[str, ...]:
        """What it wrote to stderr last."""
        return logs.tail(self._log, self._log_start)

    def _apply(self, what: Occurrence) -> None:
        before = self.life.state
        self.life, actions = step(self.life, what, self._clock.monotonic_ns(), self.policy)
        self._set_timer()
        for action in actions:
            self._do(action)
        if self.life.state is not before:
            self._on_change(self)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.life.deadline_ns is not None:
            wait_s = max(0.0, (self.life.deadline_ns - self._clock.monotonic_ns()) / NS_PER_S)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(wait_s + 0.001, self._due)

    def _due(self) -> None:
        self._apply(Occurrence(event=Event.DEADLINE))  # not due by our clock: the timer is set once more

    def _do(self, action: Action) -> None:
        if action is Action.SPAWN:
            try:
                self._spawn()
            except OSError as error:
                self._apply(Occurrence(event=Event.EXIT, reason=f"cannot be started ({error})"))
        elif self._handle is not None:
            self._handle.send(signal.SIGTERM if action is Action.TERMINATE else signal.SIGKILL)

    def _spawn(self) -> None:
        command = self._command()
        self._log_start = logs.prepare(self._log)
        out = os.open(self.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            with self._log.open("ab") as err, _held_back(command.held_back):
                popen = subprocess.Popen(
                    command.argv,
                    env=command.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
        finally:
            os.close(out)
        stand_back(popen.pid, nice=command.nice, waits=command.waits)
        handle = open_handle(popen.pid, popen)
        assert handle is not None  # our own child stays at least a zombie until we wait for it
        self._hold(handle)
        try:
            self._pid_file.write(popen.pid)
        except OSError:
            handle.send(signal.SIGKILL)  # an ops after us would not find it: it must not live

    def _hold(self, handle: Handle) -> None:
        self._handle = handle
        self._tasks.create_task(self._watch(handle), name=f"watch {self.name}")

    async def _watch(self, handle: Handle) -> None:
        code = await handle.wait()
        self._handle = None
        self._pid_file.remove()
        self._apply(Occurrence(event=Event.EXIT, exit_code=code, reason=self._why(code)))

    def _why(self, code: int | None) -> str:
        if code is None:
            text = "ended"
        elif code < 0:
            text = f"killed by {_signal_name(-code)}"
        else:
            text = f"exit code {code}"
        lines = self.last_lines()
        return f"{text}: {lines[-1]}" if lines else text

    def __repr__(self) -> str:
        return f"Child({self.name}, {self.life.state}, pid {self.pid})"


def _signal_name(number: int) -> str:
    """Most signals for real time have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextlib.contextmanager
def _held_back(numbers: Set[signal.Signals]) -> Iterator[None]:
    """What is started meanwhile gets these signals when it is ready for them.

    An engine that starts is not to be killed by the signal that is to halt it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


async def first_line(child: Child, path: Path) -> str | None:
    """The first whole line of a file that a starting process writes; None, if the process did not live to write it."""
    while child.state is State.STARTING:
        text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
        if "\n" in text:
            return text.splitlines()[0]
        await asyncio.sleep(0.02)
    return None
