"""Trades, one after the other, and how many of the last ones in a row were lost. Pure; day.py says what each is."""

from __future__ import annotations

from decimal import Decimal


class Streak:
    """Follows the position and what is booked. Times are the messages' own (wall) and the machine's (monotonic), ns.

    `side` is the sign of what is held, None before the first word about it.
    """

    __slots__ = (
        "_before", "_before_ns", "_claimed", "_ended_ns", "_last", "_next", "_owed", "_result", "_sending", "_total",
        "base", "began_wall_ns", "side",
    )  # fmt: skip

    def __init__(self) -> None:
        self.side: int | None = None
        self.base: Decimal | None = None
        """What was booked on this day when the trade began, USDT; negative, if part of it was booked yesterday."""
        self.began_wall_ns = 0
        """When the last trade began, whoever entered; 0: there was none."""
        self._total: Decimal | None = None
        self._next: Decimal | None = None
        self._sending = False
        self._owed = False
        self._claimed = False
        self._last = False
        self._result: Decimal | None = None
        self._ended_ns = (0, 0)
        self._before = 0
        self._before_ns = (0, 0)

    def recall(
        self, *, losses: int, lost_ns: tuple[int, int], began_wall_ns: int, side: int | None, base: Decimal | None
    ) -> None:  # fmt: skip
        """Go on from here. `lost_ns`: when the last loss was, wall and monotonic."""
        self._before, self._before_ns, self.side, self.base = losses, lost_ns, side, base
        self.began_wall_ns = began_wall_ns

    # what comes in

    def sending(self) -> None:
        """An entry goes out: what is booked from now on is its own."""
        self._sending, self._next = True, self._total

    def refused(self) -> None:
        """It was not taken."""
        self._sending = False

    def claim(self) -> bool:
        """It was taken. Whether the trade that runs is that entry and was counted before."""
        if self.side and not self._claimed:
            self._claimed = True
            return True
        self._owed = True
        return False

    def positions(self, side: int, wall_ns: int, mono_ns: int) -> bool:
        """The sign of what is held now. Whether a trade began that no entry of ours has accounted for."""
        before, self.side = self.side, side
        if before == side:
            return False
        if before:
            result = None
            if side and self._total is not None and self.base is not None:  # turned around in one go
                result = self._total - self.base
            self._before, self._before_ns = self.losses, self.last_loss_ns
            self._last, self._result, self._ended_ns = True, result, (wall_ns, mono_ns)
        if not side:
            return False
        self._before, self._before_ns, self._last = self.losses, self.last_loss_ns, False
        self.began_wall_ns = wall_ns
        self.base = None if before is None else self._next if self._sending else self._total
        self._sending = False
        self._claimed, self._owed = self._owed, False
        return not self._claimed

    def booked(self, total: Decimal | None, wall_ns: int) -> None:
        """Realised and fees of this day, USDT; None: not known."""
        self._total = total
        if self.side != 0 or not self._last or wall_ns < self._ended_ns[0]:
            return
        if self._sending and self._result is not None:
            return
        if total is not None and self.base is not None:
            self._result = total - self.base

    def new_day(self) -> None:
        """What is booked begins at zero again."""
        total, self._total = self._total, None
        self.base = None if total is None or self.base is None else self.base - total
        self._next = None if total is None or self._next is None else self._next - total

    # what it says

    @property
    def losses(self) -> int:
        """Lost trades in a row, up to the last one that ended."""
        if not self._last:
            return self._before
        return self._before + 1 if self._lost else 0

    @property
    def last_loss_ns(self) -> tuple[int, int]:
        """When the last lost trade ended, wall and monotonic; (0, 0): there was none."""
        return self._ended_ns if self._last and self._lost else self._before_ns

    @property
    def words(self) -> str:
        """The result of the last trade, for people."""
        if not self._last:
            return "lost"
        return "result not known yet" if self._result is None else f"{self._result:f} USDT"

    @property
    def _lost(self) -> bool:
        return self._result is None or not self._result > 0
