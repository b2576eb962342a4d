"""What the venue tells about our own orders, positions and money: private frames -> the books -> state.*"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import InvalidOperation

from engine.account import Account
from engine.execution.lifecycle import LifecycleError
from engine.execution.orders import OrderBookkeeper, OrderRecord
from engine.venue.frames import AccountFrame, Event, FrameError, OrderData, OrdersFrame, PositionsFrame, decode_frame


@dataclass(slots=True)
class PrivateCounters:
    """What happened on the private feed since the start."""

    frames: int = 0
    malformed_frames: int = 0
    venue_errors: int = 0
    last_problem: str = ""


class PrivateFeed:
    """Applies private frames. `on_change` after each that changed something, `on_order` for each order that did.

    `on_unexplained(what, text)` gets, whole, what OKX's guide does not explain.
    """

    def __init__(
        self,
        *,
        account: Account,
        orders: OrderBookkeeper,
        on_change: Callable[[], None],
        on_order: Callable[[OrderRecord], None],
        on_lifecycle_error: Callable[[LifecycleError], None],
        on_unexplained: Callable[[str, str], None],
    ) -> None:
        self._account, self._orders = account, orders
        self._on_change, self._on_order, self._on_lifecycle_error = on_change, on_order, on_lifecycle_error
        self._on_unexplained = on_unexplained
        self.counters = PrivateCounters()

    def on_frame(self, payload: bytes) -> None:
        """One frame of the private link."""
        self.counters.frames += 1
        try:
            frame = decode_frame(payload)
            if isinstance(frame, OrdersFrame):
                for data in frame.data:
                    self._on_order_data(data, payload)
            elif isinstance(frame, PositionsFrame):
                self._account.on_positions(frame.data)
            elif isinstance(frame, AccountFrame):
                for account in frame.data:
                    self._account.on_account(account)
            elif isinstance(frame, Event):
                if frame.event == "error":
                    self.counters.venue_errors += 1
                    self.counters.last_problem = f"private feed: {frame.code} {frame.msg}"
                return
            self._on_change()
        except LifecycleError as error:
            self._on_lifecycle_error(error)
        except (FrameError, InvalidOperation, ValueError) as error:
            self.counters.malformed_frames += 1
            self.counters.last_problem = f"private frame dropped: {error}"
            self._on_unexplained("private feed", payload.decode("utf-8", "replace"))

    def _on_order_data(self, data: OrderData, payload: bytes) -> None:
        self._account.on_order_push(data)
        record = self._orders.on_push(data)
        if record is None:
            self._on_unexplained(f"order state {data.state!r}", payload.decode("utf-8", "replace"))
        else:
            self._on_order(record)
