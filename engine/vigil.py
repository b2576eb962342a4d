"""Who has gone silent, what stood still, what is asked for by a file: looked at all the time, acted on at once."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from decimal import Decimal
from math import isnan
from typing import Final

from engine.desk import Desk
from engine.limits import Limits
from engine.market import Market
from engine.risk.trading_state import CauseName, TradingCauses
from engine.safety.brain_death import BrainDeath
from engine.safety.halt import Halt
from engine.safety.latch import HaltLatch, Latched
from engine.safety.watches import BrainWatch, Burst, PauseWatch, SilenceWatch
from engine.trading import Trading
from schemas.clock import NS_PER_MS, NS_PER_S, Clock
from schemas.messages import Cause
from schemas.settings.tree import Safety

LOOK_EVERY_S: Final = 0.05
_FILE_EVERY_S: Final = 0.02
_PAUSE_S: Final = 1.0
"""A sleep of the machine, or a standstill of this process, after which nothing that is known is fresh."""
_NEVER_HEARD_S: Final = 60.0
"""A brain that has not come by then, beside an engine that was started and could hear it, counts as dead for what it
left."""
_TRIPS: Final = {CauseName.DAILY_LOSS: "daily_loss", CauseName.LIFECYCLE_ERROR: "lifecycle_error"}


class Vigil:
    """The engine's watchers together. `asleep(what)` makes everything stale that may be.

    `loop_lag_ns`: the worst lateness of the event loop of the last seconds.
    """

    def __init__(
        self,
        *,
        settings: Safety,
        market: Market,
        trading: Trading,
        limits: Limits,
        desk: Desk,
        causes: TradingCauses,
        brain: BrainWatch,
        ops: SilenceWatch,
        halt: Halt,
        latch: HaltLatch,
        brain_death: BrainDeath,
        asleep: Callable[[str], None],
        loop_lag_ns: Callable[[], int],
        clock: Clock,
        boot_ns: Callable[[], int],
    ) -> None:
        self._settings, self._market, self._trading, self._limits = settings, market, trading, limits
        self._desk, self._causes, self._brain, self._ops = desk, causes, brain, ops
        self._halt, self._latch, self._brain_death, self._asleep = halt, latch, brain_death, asleep
        self._loop_lag_ns, self._clock, self._boot_ns = loop_lag_ns, clock, boot_ns
        self._pauses = PauseWatch(pause_s=_PAUSE_S)
        self._listening_ns = clock.monotonic_ns()
        self._taken: tuple[int, int] | None = None
        self._venue_errors = Burst(settings.venue_errors, settings.venue_errors_window_s)

    async def run(self) -> None:
        """Raise and clear the causes that follow from silence, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._look_at_ourselves()
            self.look()

    async def watch_file(self) -> None:
        """Look for the halt file until cancelled."""
        while True:
            await asyncio.sleep(_FILE_EVERY_S)
            self.look_at_file()

    def look_at_file(self) -> None:
        """A halt file in the runtime directory halts, whoever made it. SIGUSR2 says that there may be one.

        While a halt stands each new one is taken once: it may be the operator's, on top of the engine's own.
        """
        mark = self._latch.request_mark()
        if self._halt.halt_id is not None and mark in {None, self._taken}:
            return
        found = self._latch.requested(wall_ns=self._clock.wall_ns())
        if found is not None:
            self._taken = mark
            self._halt.take(found, path="halt file")

    def on_signal_of_the_system(self) -> None:
        """SIGUSR1."""
        self._halt.take(self._made("SIGUSR1", "a signal of the operating system"), path="SIGUSR1")

    def on_cause(self, cause: Cause, raised: bool) -> None:
        """Some causes make the engine halt by itself."""
        name = CauseName(cause.name)
        if raised and _TRIPS.get(name) in self._settings.halt_on:
            self._trip(f"{cause.name}: {cause.detail}")

    def on_venue_error(self, text: str) -> None:
        """An order that the venue did not take."""
        burst = self._venue_errors.add(self._clock.monotonic_ns())
        if burst and "venue_errors" in self._settings.halt_on:
            self._venue_errors.forget()
            self._trip(f"venue_errors: {burst}; the last: {text}")

    def _trip(self, reason: str) -> None:
        if self._halt.halt_id is None:
            self._halt.take(self._made("engine", reason, own=True), path="trip")

    def _made(self, issuer: str, reason: str, *, own: bool = False) -> Latched:
        return Latched(
            id=secrets.token_hex(4), issuer=issuer, reason=reason, wall_ns=self._clock.wall_ns(),
            mono_ns=self._clock.monotonic_ns(), own=own,
        )  # fmt: skip

    def _look_at_ourselves(self) -> None:
        now_ns, pauses = self._clock.monotonic_ns(), self._pauses
        due_ns = int(LOOK_EVERY_S * NS_PER_S)
        pause = pauses.look(monotonic_ns=now_ns, boot_ns=self._boot_ns(), due_ns=due_ns)
        lag_ms = self._loop_lag_ns() / NS_PER_MS
        text = f"the event loop was late by {lag_ms:.0f} ms, the limit is {self._settings.loop_lag_ms:g} ms"
        self._causes.hold(CauseName.ENGINE_SLOW, lag_ms > self._settings.loop_lag_ms, text)
        if pause:
            self._brain.doubt()
            self._asleep(pause)

    def look(self) -> None:
        """Every cause as it is now."""
        feed_limit_ns = int(self._limits.risk.feed_silence_ms * NS_PER_MS)
        now_ns, touch, hold = self._clock.monotonic_ns(), self._market.touch, self._causes.hold
        tick_age_ns = now_ns - touch.mono_ns
        stale = f"no frame for {tick_age_ns / NS_PER_S:.1f} s" if touch.mono_ns else "no frame yet"
        hold(CauseName.FEED_STALE, not touch.mono_ns or tick_age_ns > feed_limit_ns, stale)
        hold(CauseName.BOOK_INVALID, not touch.book_valid, "no unbroken, uncrossed book")
        lost = self._ops.silent(now_ns)
        hold(CauseName.OPS_LOST, bool(lost), lost)
        if self._desk.is_open:  # a closed port hears no heartbeat, and that is not the brain's fault
            self._look_at_the_brain(now_ns, touch.sequence, tick_age_ns)
        else:
            self._listening_ns = now_ns
        mark = None if isnan(touch.mark) else Decimal(str(touch.mark))
        self._limits.look(self._trading.account, mark=mark, terms=self._trading.terms)
        offset_ns = self._trading.clock_watch.offset_ns()
        skewed = offset_ns is None or abs(offset_ns) > self._limits.risk.max_clock_offset_ms * NS_PER_MS
        known = "not known" if offset_ns is None else f"{offset_ns / NS_PER_MS:.0f} ms"
        hold(CauseName.CLOCK_SKEW, skewed, f"offset to the venue's clock {known}")

    def _look_at_the_brain(self, now_ns: int, tick_sequence: int, tick_age_ns: int) -> None:
        was_dead = self._causes.stands(CauseName.BRAIN_DEAD)
        dead = self._brain.dead(now_ns, tick_sequence=tick_sequence, tick_age_ns=tick_age_ns)
        back = was_dead and not dead and bool(self._brain.owes)
        owes = self._brain.owes if not dead else 0
        closing = self._brain_death.closing and not dead  # an entry beside that would be closed as well
        text = f"it has been away, and owes {owes} good heartbeats" if owes else "what it left is being closed"
        self._causes.hold(CauseName.BRAIN_RETURNING, bool(owes) or closing, text)
        self._causes.hold(CauseName.BRAIN_DEAD, bool(dead), dead)
        if back:  # what happened while nobody decided is read from the venue before it may
            self._trading.ask_anew()
        heard = self._brain.age_ms(now_ns) is not None
        waited_ns = now_ns - self._listening_ns
        self._brain_death.look(dead=bool(dead) and (heard or waited_ns > _NEVER_HEARD_S * NS_PER_S))
