"""The core without a socket: the market's script runs against the book, the user trades in it, time is injected."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import TypeVar

from engine.exchange.account import Account
from engine.exchange.algos import Algo
from engine.exchange.bills import MARGIN, MARGIN_ADDED, MARGIN_TAKEN
from engine.exchange.bulletin import Bulletin
from engine.exchange.checks import locked
from engine.exchange.config import Rules
from engine.exchange.deadman import DeadMan
from engine.exchange.desk import Desk
from engine.exchange.faults.switchboard import Switchboard
from engine.exchange.faults.trading import TradingFaults
from engine.exchange.funding import Funding, Schedule
from engine.exchange.intake import Refused
from engine.exchange.liquidation import Liquidator
from engine.exchange.market.candles import Candle
from engine.exchange.market.events import Batch, MarketSource
from engine.exchange.market.history import Minute
from engine.exchange.market.state import MarketState
from engine.exchange.matching import Side
from engine.exchange.notes import MoneyNote, Note, TradeNote
from engine.exchange.orders import NewOrder, Order, Slot
from engine.exchange.protection import Protector
from engine.exchange.statement import account_row, position_row
from engine.exchange.tiers import largest
from schemas.clock import NS_PER_MS, NS_PER_S, Clock

_T = TypeVar("_T")


class Exchange:
    """One venue with one account. Call `advance` before anything else: it brings the market up to now.

    `valid(monotonic ns)` says whether the outside book can be traded on; while it cannot, orders are refused.
    Every change goes into `notes`, in the order in which it happened; whoever publishes takes them out.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        source: MarketSource,
        past: Iterable[Minute],
        balance: Decimal,
        rules: Rules,
        faults: Switchboard | None = None,
        valid: Callable[[int], bool] = lambda now_ns: True,
    ) -> None:
        self._clock = clock
        self.faults = Switchboard(0, clock) if faults is None else faults
        self._skew_ms = self.faults.skew_ms()
        self._source = source
        self._valid = valid
        self._started_ns = clock.monotonic_ns()
        self.market = MarketState(source.opening(), past, self.now_ms(), own_seq=rules.trades_seq == "own")
        self.account = Account(balance, rules)
        self.account.updated_ms = self.now_ms()
        self.notes: list[Note] = []
        self.witness: Callable[[Note], None] | None = None
        """Hears of each note but public trades as it is made."""
        self.desk = Desk(self.market, self.account, self._tell)
        self.protector = Protector(self.desk, self._tell)
        self._trading = TradingFaults(self.faults, self.desk, self.protector)
        self.funding = Funding(self.desk, Schedule(rules, self.now_ms()), self._tell)
        self.liquidator = Liquidator(self.desk)
        self.bulletin = Bulletin(self._tell)
        self.dead_man = DeadMan()
        self.final_candles: list[tuple[str, Candle]] = []
        self._fresh_prices: deque[int] = deque()

    def now_ms(self) -> int:
        """The venue's wall clock, milliseconds since 1970 UTC."""
        return self._clock.wall_ns() // NS_PER_MS + self.faults.skew_ms()

    def monotonic_ns(self) -> int:
        """For durations."""
        return self._clock.monotonic_ns()

    def wall_us(self) -> int:
        """The venue's wall clock, microseconds since 1970 UTC, as inTime and outTime are written."""
        return self._clock.wall_ns() // 1000 + self.faults.skew_ms() * 1000

    # -- time -----------------------------------------------------------------------------------------------------

    def advance(self) -> None:
        """Runs the market's script, the candles and the countdowns up to the present."""
        elapsed, wall_ms = self._clock.monotonic_ns() - self._started_ns, self.now_ms()
        skew_ms = self.faults.skew_ms()
        self.market.ts_ms += skew_ms - self._skew_ms  # the book's own time steps with the venue's clock
        self._skew_ms = skew_ms
        for batch in self._source.due(elapsed):
            self._run(batch, wall_ms - (elapsed - batch.at_ns) // NS_PER_MS)
        self._roll(wall_ms)
        for tag in self.dead_man.expired(self._clock.monotonic_ns()):
            self._cancel_all(tag, wall_ms)
        self._trading.bear(wall_ms)
        self._judge(wall_ms)

    def _run(self, batch: Batch, ts_ms: int) -> None:
        self._roll(ts_ms)
        matcher = self.market.matcher
        for printed in self._trading.prints(batch.prints):
            trade = self.market.record(printed.side, printed.px, printed.lots, printed.makers, ts_ms)
            self._tell(TradeNote(trade))
            made_by = trade.trade_id
            for made in matcher.on_print(printed.side, printed.px, printed.lots):
                self.desk.made(made, made_by, ts_ms)
                made_by = self.market.next_trade_id()  # each match has an id of its own
        if batch.changes:
            self.market.apply(batch.changes, ts_ms)
        for taker, made in matcher.crossings(self._trading.crossed_sizes()):
            trade = self.desk.public_trade(taker, made.px, made.lots, ts_ms)
            self.desk.made(made, trade.trade_id, ts_ms)
        self._settle(ts_ms)
        mark = self.market.mark
        for kind in ("mark", "index"):
            self.protector.on_price(mark, kind, ts_ms)
        self._judge(ts_ms)

    def _judge(self, ts_ms: int) -> None:
        """Stops first, then the venue: what still is too risky is liquidated, which may set off other stops."""
        self._settle(ts_ms)
        self.liquidator.check(ts_ms)
        self._settle(ts_ms)

    def _roll(self, ts_ms: int) -> None:
        self.funding.settle(ts_ms)
        for bar, candles in self.market.candles.roll(ts_ms).items():
            self.final_candles.extend((bar, candle) for candle in candles)

    def _settle(self, ts_ms: int) -> None:
        """Shows every fresh last price to the algo orders, those included that their own children made."""
        while self._fresh_prices:
            self.protector.on_price(self._fresh_prices.popleft(), "last", ts_ms)

    def _tell(self, note: Note) -> None:
        if isinstance(note, TradeNote):
            self._fresh_prices.append(note.trade.px)
        elif self.witness is not None:
            self.witness(note)
        self.notes.append(note)

    # -- the user -------------------------------------------------------------------------------------------------

    def place(self, terms: NewOrder) -> Order:
        """Raises: Refused."""
        self.bulletin.check_open(terms.ord_type)
        self._demand_market()
        return self._now(lambda now: self.desk.place(terms, now))

    def cancel(self, order: Order) -> None:
        """Raises: Refused."""

        def cancel(now_ms: int) -> None:
            if not self._trading.outran(order, now_ms):
                self.desk.cancel(order, now_ms)

        self._now(cancel)

    def amend(self, order: Order, lots: int | None, px: int | None, req_id: str) -> None:
        """Raises: Refused."""
        self._demand_market()
        self._now(lambda now: self.desk.amend(order, lots, px, req_id, now))

    def cancel_algo(self, algo: Algo) -> None:
        """Raises: Refused."""
        self._now(lambda now: self.protector.cancel(algo, now))

    def close_position(self, slot: Slot, cl_ord_id: str, tag: str, *, cancel_first: bool) -> None:
        """Closes at market all that is held in a slot. Raises: Refused, also if closing orders are in the way."""
        held = self.account.slots[slot].lots
        if not held:
            raise Refused("51023", "Position does not exist.")
        side: Side = "sell" if held > 0 else "buy"
        in_the_way = [o for o in self.desk.orders.pending() if o.terms.slot == slot and o.terms.side == side]
        if in_the_way and not cancel_first:
            raise Refused("51115", "Cancel all pending close orders before liquidation.")
        for order in in_the_way:
            self._now(partial(self.desk.cancel, order))
        terms = NewOrder(
            side=side,
            ord_type="market",
            lots=abs(held),
            px=None,
            td_mode=slot.mode,
            pos_side=slot.side,
            reduce_only=slot.side == "net",
            cl_ord_id=cl_ord_id,
            tag=tag,
        )
        self.place(terms)

    def set_lever(self, slot: Slot, lever: Decimal) -> None:
        """Raises: Refused: orders rest in this slot (59107), the position is too large for it (59106), or the new

        margin is not there or would be too little to hold the position (59105). Cross has one leverage, which the
        slot without a direction stands for, in hedge mode too.
        """
        account, pending = self.account, self.desk.orders.pending()
        concerned = [p for p in account.current() if p.slot == slot or Slot(p.mode) == slot]
        if any(order.terms.slot == position.slot for order in pending for position in concerned):
            raise Refused("59107", "You have pending orders in this mode. Cancel them before changing the leverage.")
        if any(abs(position.lots) > largest(account.rules.tiers, lever) for position in concerned):
            raise Refused("59106", "Leverage can't be that high: the position exceeds the limit of its tier.")
        position, mark = account.slots[slot], self.market.mark
        old, margin = account.lever(slot), position.margin
        account.set_lever(slot, lever)
        held = [position for position in concerned if position.lots]
        poor = lever < old and account.available(mark, pending) < 0
        if poor or any(behind < required for behind, required in (account.behind(p, mark) for p in held)):
            account.set_lever(slot, old)
            position.margin = margin
            raise Refused("59105", "The margin would be insufficient at this leverage.")
        if position.margin != margin:
            sub_type = MARGIN_ADDED if position.margin > margin else MARGIN_TAKEN
            bill_id, now_ms = self.desk.next_id(), self.now_ms()
            self.desk.ledger.enter(bill_id=bill_id, type=MARGIN, sub_type=sub_type, slot=slot, ts_ms=now_ms)
        for concern in held:
            self._tell(MoneyNote("set_leverage", concern.slot, ""))

    def set_position_mode(self, *, hedged: bool) -> None:
        """Net or hedge mode. Raises: Refused (59000), while anything is open that the change would concern."""
        busy = self.account.open_positions() or self.desk.orders.pending()
        if busy or (hedged != self.account.hedged and self.protector.algos.live()):
            raise Refused("59000", "Setting failed. Cancel any open orders, close positions, and stop bots first.")
        self.account.hedged = hedged

    def arm_dead_man(self, tag: str, seconds: int) -> None:
        """cancel-all-after; 0 disarms. Raises: Refused."""
        if seconds == 0:
            self.dead_man.disarm(tag)
        elif not self.dead_man.arm(tag, self._clock.monotonic_ns() + seconds * NS_PER_S):
            raise Refused("51071", "You've reached the maximum limit for tag level cancel all after timers.")

    def _cancel_all(self, tag: str, now_ms: int) -> None:
        for order in self.desk.orders.pending():
            if not order.ended and (not tag or order.terms.tag == tag):
                self.desk.cancel(order, now_ms, "20")
        if self.account.rules.caa_cancels_algos and not tag:
            for algo in self.protector.algos.live():
                self.protector.cancel(algo, now_ms)

    def _demand_market(self) -> None:
        if not self._valid(self._clock.monotonic_ns()):
            raise Refused("50001", "Service temporarily unavailable. Please try again later.")

    def _now(self, act: Callable[[int], _T]) -> _T:
        now_ms = self.now_ms()
        try:
            return act(now_ms)
        finally:
            self._settle(now_ms)

    # -- views ----------------------------------------------------------------------------------------------------

    def position_rows(self, slots: Iterable[Slot] | None = None, *, flat: bool = False) -> list[dict[str, object]]:
        """Positions as OKX shows them, all or those of some slots; flat ones only if asked for."""
        account, market, now_ms = self.account, self.market, self.now_ms()
        algos = self.protector.algos.live()
        positions = account.current() if slots is None else [account.slots[slot] for slot in slots]
        return [
            position_row(
                account, position, algos, market.mark, market.last_px, now_ms, locked(self.desk.orders, position.slot)
            )
            for position in positions
            if position.lots or flat
        ]

    def account_view(self) -> dict[str, object]:
        """The balance as OKX shows it."""
        return account_row(self.account, self.desk.orders.pending(), self.market.mark)
