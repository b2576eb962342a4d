"""What goes over the command channel, and back. Money and sizes are Decimal; sizes are contracts."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

import msgspec

from schemas.messages.market import Side


class RejectCode(StrEnum):
    """Why an order was refused. Stable: people and programs match on it."""

    RISK_VIOLATION = "RISK_VIOLATION"  # above the largest share of the account, or another limit of risk
    TTL_EXPIRED = "TTL_EXPIRED"  # decided on a price that is too old
    TRADING_STATE = "TRADING_STATE"  # the engine is HALTED, or REDUCING and the order adds risk
    NOT_ALLOWED = "NOT_ALLOWED"  # the instrument is not on the list
    OFF_GRID = "OFF_GRID"  # not a multiple of the lot, under the minimum, or not positive
    DUPLICATE_INTENT = "DUPLICATE_INTENT"
    BRAIN_SILENT = "BRAIN_SILENT"  # the brain's heartbeat is overdue
    FEED_SILENT = "FEED_SILENT"
    BOOK_INVALID = "BOOK_INVALID"  # no unbroken, uncrossed book
    CLOCK_SKEW = "CLOCK_SKEW"  # our clock and the venue's differ too much
    PRICE_COLLAR = "PRICE_COLLAR"  # too far from mid or mark
    SLIPPAGE = "SLIPPAGE"  # the depth would be paid through
    POSITION_LIMIT = "POSITION_LIMIT"
    EXPOSURE_LIMIT = "EXPOSURE_LIMIT"  # gross exposure or leverage
    MARGIN = "MARGIN"  # free margin, or the distance of the liquidation price
    DAILY_LOSS = "DAILY_LOSS"
    DRAWDOWN = "DRAWDOWN"
    COOLDOWN = "COOLDOWN"  # after losses in a row
    RATE_LIMIT = "RATE_LIMIT"
    THROTTLED = "THROTTLED"  # too many executions; the operator re-arms
    NO_STOP = "NO_STOP"  # adds risk without a stop-loss
    UNKNOWN_INPUT = "UNKNOWN_INPUT"  # something that the rule needs is missing
    MALFORMED = "MALFORMED"  # the request could not be read
    VENUE_REFUSED = "VENUE_REFUSED"
    VENUE_UNKNOWN = "VENUE_UNKNOWN"  # the venue did not say; the engine is finding out
    INTERNAL = "INTERNAL"  # a rule raised: the veto fails closed


class DecidedOn(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The price that an order was decided on: the tick's sequence and its received_ns."""

    tick_sequence: int
    timestamp_ns: int


class OrderRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A proposal. `tp_pct` and `sl_pct` are distances from the entry in percent; None: no such protection.

    `intent_id` is 1-32 letters and digits. `limit_price` None means a market order.
    """

    intent_id: str
    instrument: str
    side: Side
    contracts: Decimal
    reduce_only: bool = False
    tp_pct: float | None = None
    sl_pct: float | None = None
    decided_on: DecidedOn
    created_ns: int
    limit_price: Decimal | None = None


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Cancel the order of an intent, if it still rests."""

    intent_id: str
    instrument: str
    reason: str
    created_ns: int


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A pulse that shows progress: alive but stuck has an old sequence."""

    process: str
    last_tick_sequence: int
    last_decision_sequence: int
    created_ns: int


class Request(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The envelope to the engine."""

    sequence: int
    timestamp_ns: int
    body: OrderRequest | CancelRequest | Heartbeat


class OrderAck(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The venue took the order. Not a fill."""

    intent_id: str
    client_order_id: str
    venue_order_id: str
    accepted_ns: int


class OrderReject(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The order was refused; `observed` None means that the value was unknown."""

    intent_id: str
    code: RejectCode
    rule: str
    observed: str | None
    limit: str | None
    text: str


class CancelAck(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Answer to a CancelRequest; `found` False: nothing of that intent rests."""

    intent_id: str
    found: bool
    text: str


class HeartbeatAck(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Answer to a Heartbeat."""

    trading_state: str
    last_tick_sequence: int


class Reply(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The envelope from the engine."""

    sequence: int
    timestamp_ns: int
    request_sequence: int
    body: OrderAck | OrderReject | CancelAck | HeartbeatAck
