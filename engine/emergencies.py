"""What stops the engine, put together: the halt and its paths, the closing of positions, the watchers."""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine
from typing import Any

from engine.desk import Desk
from engine.limits import Limits
from engine.market import Market
from engine.risk.trading_state import TradingCauses
from engine.safety.brain_death import BrainDeath
from engine.safety.chase import Chase
from engine.safety.halt import Halt
from engine.safety.latch import HaltLatch
from engine.safety.liquidation import Liquidation
from engine.safety.receipts import ReceiptDesk
from engine.safety.rehearsal import Rehearsal
from engine.safety.watches import BrainWatch, SilenceWatch
from engine.trading import Trading
from engine.urgent import Urgent
from engine.venue.rest import Rest
from engine.vigil import Vigil
from schemas.clock import boot_ns
from schemas.messages import Cause, DecidedOn
from schemas.process import Runtime
from schemas.signing import ReceiptKeyError, Signer


class Emergencies:
    """Built whole; `begin` before anything is taken, `work` beside everything else. `asleep`: what is known is old."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        rest: Rest,
        market: Market,
        trading: Trading,
        limits: Limits,
        desk: Desk,
        causes: TradingCauses,
        brain: BrainWatch,
        ops: SilenceWatch,
        decided_on: Callable[[], DecidedOn],
        asleep: Callable[[str], None],
        urgent: Urgent,
    ) -> None:
        home, venue, safety, clock = runtime.home, runtime.settings.venue, runtime.settings.safety, runtime.clock
        self._runtime, self._urgent = runtime, urgent

        def in_flight() -> int:
            return trading.router.in_flight

        latch = HaltLatch(latch=home.data / "halt.json", request=home.runtime / "HALT")
        receipts = ReceiptDesk(
            directory=home.data / "receipts", signer=self._signer(), reporter=runtime.reporter, tap=runtime.tap,
            clock=clock,
        )  # fmt: skip
        self.liquidation = Liquidation(
            rest=rest, instrument=venue.instrument, margin_mode=venue.margin_mode, orders=trading.orders,
            in_flight=in_flight, terms=lambda: trading.terms, decided_on=decided_on, clock=clock,
        )  # fmt: skip
        self.liquidation.close = desk.liquidate
        self.halt = Halt(
            latch=latch, causes=causes, liquidation=self.liquidation, receipts=receipts, close_port=desk.close,
            open_port=desk.open, clock=clock,
            chase=Chase(
                rest=rest, instrument=venue.instrument, orders=trading.orders, in_flight=in_flight, clock=clock
            ),
        )  # fmt: skip
        self.rehearsal = Rehearsal(
            latch=latch, halt_id=lambda: self.halt.halt_id, port_open=lambda: desk.is_open
        )  # fmt: skip
        self.vigil = Vigil(
            settings=safety, market=market, trading=trading, limits=limits, desk=desk, causes=causes, brain=brain,
            ops=ops, halt=self.halt, latch=latch, asleep=asleep, clock=clock, boot_ns=boot_ns,
            loop_lag_ns=runtime.loop_watch.lag_ns,
            brain_death=BrainDeath(
                safety.brain_death, liquidation=self.liquidation, rest=rest, instrument=venue.instrument,
                account=trading.account, orders=trading.orders, causes=causes, log=runtime.reporter.log,
            ),
        )  # fmt: skip
        trading.router.on_venue_error = self.vigil.on_venue_error

    def _signer(self) -> Signer | None:
        """The key of this instance; without it a receipt is still a receipt."""
        try:
            return Signer.load_or_create(self._runtime.home.keys)
        except ReceiptKeyError as error:
            self._runtime.reporter.log("error", f"receipts are not signed: {error}")
            return None

    def begin(self) -> None:
        """A latch that stands is obeyed before anything else."""
        self._urgent.on_signal(signal.SIGUSR1, self.vigil.on_signal_of_the_system)
        self._urgent.on_signal(signal.SIGUSR2, self.vigil.look_at_file)
        ours = {signal.SIGUSR1, signal.SIGUSR2}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ours)  # ops held back what came while we started
        problem = self.halt.recall()
        if problem:
            self._runtime.reporter.log("error", problem)

    def work(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """To be run until the end."""
        return self.vigil.run(), self.vigil.watch_file()

    def on_cause(self, cause: Cause, raised: bool) -> None:
        """Some causes make the engine halt by itself."""
        self.vigil.on_cause(cause, raised)
