"""What the day and the last trades say against another entry: daily loss, trades a day, losses. Pure.

The numbers are the venue's, as `state.account` and `state.positions` tell them, so that the day's loss is the same
after a restart; which trades were lost is counted here, and kept (`state`, `restore`).

A TRADE lasts from the first state.positions that holds something to the first that is flat, or holds the other side.
Partial closes and additions are parts of it. Its RESULT is the change of realised_today + fees_today from before the
entry to the newest state.account that is not older than the end; until the next entry it follows what the venue books
late. It counts as LOST unless it is known to be above zero: a result that is not known, and one that is not booked
yet, is a loss until it is known to be none. What is booked to the old day between its last state.account and
day_starts_utc_hour (a second at most) is in no result.
"""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from typing import Annotated, Any, Final

import msgspec

from brain.reasons import Reason, WhyNot
from brain.sizing.trades import Streak
from schemas.clock import NS_PER_S
from schemas.messages import AccountState, PositionsState
from schemas.settings.sizing import Sizing

_HOUR_NS: Final = 3_600 * NS_PER_S
_DAY_NS: Final = 24 * _HOUR_NS
_NOTHING: Final = Decimal(0)
_CONTEXT: Final = Context(prec=50)
_NO_AMOUNT: Final = Decimal(10) ** 20
"""USDT: nobody has booked as much in a day, and sums of more could overflow."""
_SCHEMA: Final = 1

_Count = Annotated[int, msgspec.Meta(ge=0)]


class Kept(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What outlives a restart. `owner`: whose trades these are; `base`: see Streak; None: not known."""

    schema: Annotated[int, msgspec.Meta(ge=_SCHEMA, le=_SCHEMA)]
    owner: str
    day_starts_utc_hour: int
    day: int | None
    entries: _Count | None
    losses: _Count
    last_loss_wall_ns: _Count
    last_entry_wall_ns: _Count = 0
    side: Annotated[int, msgspec.Meta(ge=-1, le=1)] | None
    base: Decimal | None


class DayBook:
    """One day after the other. `mono_ns` is the machine's monotonic clock; days follow the messages' `timestamp_ns`.

    `owner` names the account and instrument, e.g. "sim BTC-USDT-SWAP". `problem`: why its history is not known, "".
    """

    __slots__ = (
        "_account", "_day", "_day_says", "_entries", "_hour", "_owner", "_positions", "_settings", "_streak",
        "earlier_entry_ns", "problem",
    )  # fmt: skip

    def __init__(self, settings: Sizing, *, day_starts_utc_hour: int, owner: str) -> None:
        self._settings, self._hour, self._owner = settings, day_starts_utc_hour, owner
        self._day: int | None = None
        self._entries: int | None = 0
        self._account: AccountState | None = None
        self._positions: PositionsState | None = None
        self._streak = Streak()
        self.earlier_entry_ns: int | None = None
        """When an earlier run last entered, monotonic ns of this one, at least: the cooldown after it goes on."""
        self.problem = ""
        self._day_says = self._judge_day()

    # what comes in

    def on_account(self, account: AccountState) -> None:
        """state.account. One of a day that was over (the clock was set back) leaves this day unknown."""
        self._account = account if self._begin(account.timestamp_ns) else None
        self._streak.booked(_total(account) if self._account else None, account.timestamp_ns)
        self._day_says = self._judge_day()

    def on_positions(self, positions: PositionsState, mono_ns: int) -> None:
        """state.positions: trades begin and end with it."""
        self._begin(positions.timestamp_ns)
        self._positions = positions
        held = sum((position.contracts for position in positions.positions), _NOTHING)
        uncounted = self._streak.positions((held > 0) - (held < 0), positions.timestamp_ns, mono_ns)
        if uncounted and self._entries is not None:
            self._entries += 1
        self._day_says = self._judge_day()

    def sending(self) -> None:
        """An entry goes out: what is booked from now on belongs to it, and no more to the last trade."""
        self._streak.sending()

    def refused(self) -> None:
        """It was not taken."""
        self._streak.refused()

    def entered(self) -> None:
        """It was taken, or nobody knows: it counts as a trade of this day."""
        if not self._streak.claim() and self._entries is not None:
            self._entries += 1
        self._day_says = self._judge_day()

    def _begin(self, timestamp_ns: int) -> bool:
        """Turn the page, if this is a later day. False: it is of an earlier one."""
        day = self.day_of(timestamp_ns)
        if self._day is None:
            self._day = day
        elif day > self._day:
            self._day, self._entries, self._account = day, 0, None
            self._streak.new_day()
        return day == self._day

    def day_of(self, wall_ns: int) -> int:
        """Number of the day of an instant, ns since 1970 UTC."""
        return (wall_ns - self._hour * _HOUR_NS) // _DAY_NS

    # what it says

    def lost_pct(self) -> Decimal | None:
        """What the day lost, percent of its opening equity; negative: it won. None: not known.

        Realised, fees and unrealised; the opening is the equity less these. A deposit moves the opening with it.
        """
        account, positions = self._account, self._positions
        total = None if account is None else _total(account)
        if account is None or account.equity is None or positions is None or total is None:
            return None
        with localcontext(_CONTEXT):
            for position in positions.positions:
                if position.unrealised is None:
                    return None
                total += position.unrealised
            opening = account.equity - total
            return -total / opening * 100 if opening > 0 else None

    def _judge_day(self) -> WhyNot | None:
        settings = self._settings
        if settings.max_daily_loss_pct:
            lost = self.lost_pct()
            if lost is None:
                return WhyNot(Reason.STATE_UNKNOWN, "the day's result is not known, and the daily loss is limited")
            if lost >= Decimal(str(settings.max_daily_loss_pct)):
                text = f"{lost:.3f} % of the day's opening equity, the limit is {settings.max_daily_loss_pct:g} %"
                return WhyNot(Reason.DAILY_LOSS, text)
        if settings.max_trades_per_day:
            if self._entries is None:
                return WhyNot(Reason.TRADES_A_DAY, f"how many there were today is not known: {self.problem}")
            if self._entries >= settings.max_trades_per_day:
                return WhyNot(Reason.TRADES_A_DAY, f"{self._entries} today, the limit is {settings.max_trades_per_day}")
        return None

    def why_not(self, mono_ns: int) -> WhyNot | None:
        """The first reason against an entry now."""
        return self._day_says or self._losses(mono_ns)

    def _losses(self, mono_ns: int) -> WhyNot | None:
        settings, losses = self._settings, self._streak.losses
        if not losses:
            return None
        ago_ns = mono_ns - self._streak.last_loss_ns[1]
        result = self._streak.words
        if settings.losses_in_a_row and losses >= settings.losses_in_a_row:
            left_s = settings.losses_pause_s - ago_ns / NS_PER_S
            if left_s > 0:
                return WhyNot(Reason.LOSSES_IN_A_ROW, f"{losses} in a row, {left_s:.0f} s left; the last: {result}")
        left_s = settings.loss_cooldown_s - ago_ns / NS_PER_S
        if left_s > 0:
            return WhyNot(Reason.LOSS_COOLDOWN, f"{left_s:.0f} s left; the last trade: {result}")
        return None

    # what outlives a restart

    def state(self) -> dict[str, Any]:
        """For JSON; to be kept whenever it changes."""
        streak = self._streak
        kept = Kept(
            schema=_SCHEMA, owner=self._owner, day_starts_utc_hour=self._hour, day=self._day, entries=self._entries,
            losses=streak.losses, last_loss_wall_ns=streak.last_loss_ns[0], last_entry_wall_ns=streak.began_wall_ns,
            side=streak.side, base=streak.base,
        )  # fmt: skip
        made: dict[str, Any] = msgspec.to_builtins(kept)
        return made

    def restore(self, saved: object, *, now_wall_ns: int, now_mono_ns: int) -> str:
        """Go on, before the first message, from what `state` gave to an earlier run. Returns why not, "" if it does.
        To be called before the first message.

        What cannot be used leaves an unknown history, which speaks against entries: as if the last of
        losses_in_a_row trades had been entered and lost just now, and, until the next day, no number of trades that
        could be held against max_trades_per_day. Without a call the history is empty: the first start.
        """
        today = self.day_of(now_wall_ns)
        try:
            kept = msgspec.convert(saved, type=Kept)
            problem = self._unusable(kept, today)
        except msgspec.ValidationError as error:
            problem = f"it is no book of days ({error})"
        self._day, self.problem = today, problem
        if problem:
            losses = max(1, self._settings.losses_in_a_row)
            self._entries = None
            self._streak.recall(
                losses=losses, lost_ns=(now_wall_ns, now_mono_ns), began_wall_ns=now_wall_ns, side=None, base=None
            )
            self.earlier_entry_ns = now_mono_ns
        else:
            ago_ns = max(0, now_wall_ns - kept.last_loss_wall_ns)
            same = kept.day == today
            self._entries = kept.entries if same else 0
            self._streak.recall(
                losses=kept.losses, lost_ns=(kept.last_loss_wall_ns, now_mono_ns - ago_ns), side=kept.side,
                began_wall_ns=kept.last_entry_wall_ns, base=kept.base if same else None,
            )  # fmt: skip
            if kept.last_entry_wall_ns:
                self.earlier_entry_ns = now_mono_ns - max(0, now_wall_ns - kept.last_entry_wall_ns)
        self._day_says = self._judge_day()
        return problem

    def _unusable(self, kept: Kept, today: int) -> str:
        if kept.owner != self._owner:
            return f"it is of {kept.owner!r}, not of {self._owner!r}"
        if kept.day_starts_utc_hour != self._hour:
            return f"its days begin at {kept.day_starts_utc_hour} h UTC, and not at {self._hour} h"
        if kept.day is not None and kept.day > today:
            return "its day lies in the future"
        if kept.base is not None and not (kept.base.is_finite() and abs(kept.base) < _NO_AMOUNT):
            return f"base: {kept.base} is no amount"
        return ""


def _total(account: AccountState) -> Decimal | None:
    if account.realised_today is None or account.fees_today is None:
        return None
    return account.realised_today + account.fees_today
