"""The limits in force, and what they remember: the gate, the brain's authority, the throttle, the day, the peak.

They are changed at run time: a tightening acts at once, a loosening only when the operator confirmed it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import tomllib
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from pydantic import ValidationError

from engine.account import Account
from engine.risk.authority import Authority
from engine.risk.gate import Cleared, default_gate
from engine.risk.ledger import Ledger
from engine.risk.memory import Remembered, RiskMemory
from engine.risk.rules import RepeatedExecution
from engine.risk.trading_state import CauseName, TradingCauses
from engine.risk.traffic import TrafficCounter
from engine.risk.view import Day, Refusal, RiskView, Terms
from schemas.clock import Clock
from schemas.messages import OrderRequest, RejectCode
from schemas.settings import Settings
from schemas.settings.risk import Risk, changed, loosened

_KEEP_EVERY_S: Final = 1.0
_RISK: Final = "risk."
_AT_START: Final = frozenset({"day_starts_utc_hour"})
"""What the ledger is built with."""


class Limits:
    """Judges orders. `log(level, text)` hears of every change."""

    def __init__(
        self,
        *,
        settings: Settings,
        clock: Clock,
        memory: RiskMemory,
        ledger: Ledger,
        causes: TradingCauses,
        log: Callable[[str, str], None],
    ) -> None:
        self.risk = settings.risk
        self._brain_timeout_s = settings.safety.brain_timeout_s
        self._clock, self._memory, self._ledger, self._causes, self._log = clock, memory, ledger, causes, log
        self.gate = default_gate(self.risk, brain_timeout_s=self._brain_timeout_s)
        self.authority = Authority(self.risk.authority_recovery_s)
        self._kept = memory.recalled
        self._unsaved = ""
        self._saving = threading.Lock()
        self._urgent = asyncio.Event()
        self.traffic = TrafficCounter(
            limit=self.risk.max_executions, window_s=self.risk.executions_window_s, latched=memory.recalled.latched
        )  # fmt: skip
        if memory.problem:
            log("error", memory.problem)

    def judge(self, order: OrderRequest, view: RiskView) -> Cleared | Refusal:
        """The gate's verdict, and what follows from it: counts, a cut authority, a latched throttle."""
        verdict = self.gate.judge(order, view)
        now_ns = self._clock.monotonic_ns()
        if isinstance(verdict, Cleared):
            self.traffic.sent(now_ns)
        elif verdict.code is RejectCode.RISK_VIOLATION:
            self.authority.violated(now_ns)
        elif verdict.rule == RepeatedExecution.name and self.traffic.refused(now_ns):
            self._remember(latched=self.traffic.latched)
            self._urgent.set()
        return verdict

    def day(self, account: Account, *, mark: Decimal | None, terms: Terms | None) -> Day:
        """The day as the rules see it."""
        now_ns = self._clock.wall_ns()
        today = self._ledger.today(now_ns)
        unrealised = account.unrealised(mark=mark, contract_value=terms.contract_value if terms else None)
        losses, last_loss_ns = self._ledger.losses()
        return Day(
            result=None if today is None or unrealised is None else sum(today, unrealised),
            opening=self._kept.opening if self._kept.day == self._ledger.day_of(now_ns) else None,
            peak=self._kept.peak,
            losses=losses,
            last_loss_age_ns=None if last_loss_ns is None else max(0, now_ns - last_loss_ns),
        )  # fmt: skip

    def look(self, account: Account, *, mark: Decimal | None, terms: Terms | None) -> None:
        """Note opening and peak, and raise or clear what speaks against new risk."""
        day = self.day(account, mark=mark, terms=terms)
        if account.equity is not None and day.result is not None:
            today = self._ledger.day_of(self._clock.wall_ns())
            if self._kept.day != today or self._kept.opening is None:
                self._remember(day=today, opening=account.equity - day.result)
            if self._kept.peak is None or account.equity > self._kept.peak:
                self._remember(peak=account.equity)
        risk, causes = self.risk, self._causes
        lost = day.result is not None and day.opening is not None and day.opening > 0 and (
            -day.result / day.opening * 100 >= Decimal(str(risk.max_daily_loss_pct))
        )  # fmt: skip
        causes.hold(CauseName.DAILY_LOSS, lost, f"{day.result} USDT today, limit {risk.max_daily_loss_pct} %")
        fell = account.equity is not None and day.peak is not None and day.peak > 0 and (
            (day.peak - account.equity) / day.peak * 100 >= Decimal(str(risk.max_drawdown_pct))
        )  # fmt: skip
        causes.hold(CauseName.DRAWDOWN, fell, f"equity {account.equity}, peak {day.peak}; `sovereign rearm`")
        causes.hold(CauseName.THROTTLED, bool(self.traffic.latched), f"{self.traffic.latched}; `sovereign rearm`")

    def change(self, changes: Mapping[str, str], *, confirmed: bool, issuer: str) -> tuple[bool, str]:
        """Other limits from now on: dotted setting -> TOML text. Returns whether it was done, and why not."""
        values = {}
        for name, text in changes.items():
            field = name.removeprefix(_RISK)
            if not name.startswith(_RISK) or field not in Risk.model_fields:
                return False, f"{name} is no limit of a running engine; it takes effect at the next start"
            if field in _AT_START:
                return False, f"{name} cannot be changed in a running engine; change it after `sovereign down`"
            try:
                values[field] = tomllib.loads(f"x = {text}")["x"]
            except tomllib.TOMLDecodeError:
                return False, f"{name} = {text}: not a TOML value; mend the value"
        try:
            after = changed(self.risk, values)
        except ValidationError as error:
            first = error.errors()[0]
            return False, f"risk.{first['loc'][0] if first['loc'] else ''} = {first['input']!r}: {first['msg']}"
        looser = [f"risk.{name}" for name in loosened(self.risk, after)]
        if looser and not confirmed:
            return False, f"{', '.join(looser)}: loosens a limit; the operator must confirm it"
        told = ", ".join(f"risk.{name}: {getattr(self.risk, name)} -> {getattr(after, name)}" for name in values)
        self._use(after)
        self._log(
            "warning" if looser else "info", f"limits {'loosened' if looser else 'tightened'} by {issuer}: {told}"
        )
        return True, told

    def _use(self, risk: Risk) -> None:
        self.risk = risk
        self.gate = default_gate(risk, brain_timeout_s=self._brain_timeout_s)
        self.authority.recovery(risk.authority_recovery_s)
        self.traffic.limits(limit=risk.max_executions, window_s=risk.executions_window_s)

    def rearm(self, account: Account) -> str:
        """The operator lets it go on: the throttle falls, the peak begins anew. Returns what was lifted."""
        lifted = []
        if self.traffic.latched:
            lifted.append(self.traffic.latched)
            self.traffic.rearm()
            self._remember(latched="")
        if self._causes.stands(CauseName.DRAWDOWN):
            lifted.append("the drawdown stop")
            self._remember(peak=account.equity)
        return ", ".join(lifted)

    def _remember(self, **values: object) -> None:
        fields = {name: getattr(self._kept, name) for name in Remembered.__struct_fields__}
        self._kept = Remembered(**{**fields, **values})

    def save(self) -> None:
        """Write what has to be remembered. A full disk is said once, and tried again."""
        try:
            with self._saving:  # a thread of `keep` may be at it, with what was true before
                self._memory.write(self._kept)
            self._unsaved = ""
        except OSError as error:
            if str(error) != self._unsaved:
                self._unsaved = str(error)
                self._log("error", f"limits: not remembered ({error}); mend the data directory's disk")

    async def keep(self) -> None:
        """Write it down whenever it changed, beside the order path; a latch at once, lest a crash lift it."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_KEEP_EVERY_S):
                    await self._urgent.wait()
            self._urgent.clear()
            if self._kept != self._memory.written:
                await asyncio.to_thread(self.save)
