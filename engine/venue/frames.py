"""OKX v5 websocket frames -> values. Pure: bytes in, values out.

Numbers come as text and stay text where money is meant; "" means absent. Unknown events and channels are values too
(`Other`): the venue adds kinds, and none of them may stop the engine.
Source: OKX API guide, "WebSocket" sections; field names are the venue's own.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

_DECIMAL: Final = r"-?\d{1,30}(\.\d{0,30})?([eE][-+]?\d{1,2})?"
"""No price, size or sum of money needs more; what does would overflow where it is reckoned with."""
Amount = Annotated[str, msgspec.Meta(pattern=rf"^{_DECIMAL}$")]
"""A number as text. What is none is refused where it comes in, since nobody further on expects it."""
Number = Annotated[str, msgspec.Meta(pattern=rf"^({_DECIMAL})?$")]
"""A number as text, or "" where there is none."""
Whole = Annotated[str, msgspec.Meta(pattern=r"^\d{0,16}$")]
"""A time in ms as text, or ""."""


class FrameError(ValueError):
    """A frame that is not what OKX sends; dropped, counted and logged, and the link goes on."""


class Arg(msgspec.Struct, gc=False):
    """What a push is about."""

    channel: str = ""
    instId: str = ""  # noqa: N815  the venue's name


class _Envelope(msgspec.Struct, gc=False):
    arg: Arg | None = None
    event: str = ""
    action: str = ""
    code: str = ""
    msg: str = ""
    id: str = ""
    op: str = ""
    data: msgspec.Raw = msgspec.Raw()


class BookData(msgspec.Struct, gc=False):
    """One push of `books`, `books5` or `bbo-tbt`; rows are price, size, retired, orders."""

    bids: list[list[str]]
    asks: list[list[str]]
    ts: str
    seqId: int = 0  # noqa: N815
    prevSeqId: int | None = None  # noqa: N815
    checksum: int = 0


class TradeData(msgspec.Struct, gc=False):
    """One public trade; sz in contracts, side is the taker's. It stands for `count` ids up to its own."""

    px: str
    sz: str
    side: str
    ts: str
    tradeId: str  # noqa: N815
    count: str = ""


class MarkData(msgspec.Struct, gc=False):
    """One mark price."""

    markPx: str  # noqa: N815
    ts: str


class OrderData(msgspec.Struct, gc=False):
    """One push of `orders`, or one order of a REST answer."""

    instId: str  # noqa: N815
    ordId: str  # noqa: N815
    state: str
    side: str
    sz: Amount
    clOrdId: str = ""  # noqa: N815
    algoClOrdId: str = ""  # noqa: N815
    algoId: str = ""  # noqa: N815
    px: Number = ""
    ordType: str = ""  # noqa: N815
    avgPx: Number = ""  # noqa: N815
    accFillSz: Number = ""  # noqa: N815
    fillPx: Number = ""  # noqa: N815
    fillSz: Number = ""  # noqa: N815
    fillFee: Number = ""  # noqa: N815
    fillPnl: Number = ""  # noqa: N815
    fillTime: Whole = ""  # noqa: N815
    tradeId: str = ""  # noqa: N815
    fee: Number = ""
    reduceOnly: str = ""  # noqa: N815
    cancelSource: str = ""  # noqa: N815
    source: str = ""
    uTime: str = ""  # noqa: N815


ORDER_STATES: Final = frozenset({"live", "partially_filled", "filled", "canceled", "mmp_canceled"})
"""All that the guide names."""


class PositionData(msgspec.Struct, gc=False):
    """One position; `pos` in contracts, negative when short in net mode."""

    instId: str  # noqa: N815
    pos: Number
    avgPx: Number = ""  # noqa: N815
    upl: Number = ""
    lever: Number = ""
    liqPx: Number = ""  # noqa: N815
    markPx: Number = ""  # noqa: N815
    margin: Number = ""
    mgnMode: str = ""  # noqa: N815
    uTime: str = ""  # noqa: N815


class BalanceDetail(msgspec.Struct, gc=False):
    """One currency of the account."""

    ccy: str
    eq: Number = ""
    availEq: Number = ""  # noqa: N815
    availBal: Number = ""  # noqa: N815
    cashBal: Number = ""  # noqa: N815


class AccountData(msgspec.Struct, gc=False):
    """The account."""

    totalEq: str = ""  # noqa: N815
    details: list[BalanceDetail] = []


class BookFrame(msgspec.Struct, frozen=True, gc=False):
    """Push of a book channel; `snapshot` only for the first of `books`."""

    channel: str
    instrument: str
    snapshot: bool
    data: list[BookData]


class TradesFrame(msgspec.Struct, frozen=True, gc=False):
    """Push of `trades`."""

    instrument: str
    data: list[TradeData]


class CandleFrame(msgspec.Struct, frozen=True, gc=False):
    """Push of `candle<frame>`: rows of open time (ms), o, h, l, c, contracts, base, quote, confirm."""

    instrument: str
    frame: str
    rows: list[list[str]]


class MarkFrame(msgspec.Struct, frozen=True, gc=False):
    """Push of `mark-price`."""

    instrument: str
    data: list[MarkData]


class OrdersFrame(msgspec.Struct, frozen=True, gc=False):
    """Push of `orders`."""

    data: list[OrderData]


class PositionsFrame(msgspec.Struct, frozen=True, gc=False):
    """Push of `positions`."""

    data: list[PositionData]


class AccountFrame(msgspec.Struct, frozen=True, gc=False):
    """Push of `account`."""

    data: list[AccountData]


class Event(msgspec.Struct, frozen=True, gc=False):
    """An event: subscribe, unsubscribe, login, error, notice, channel-conn-count, ..."""

    event: str
    code: str
    msg: str
    channel: str


class Other(msgspec.Struct, frozen=True, gc=False):
    """A push that nobody here asked for."""

    channel: str


Frame = BookFrame | TradesFrame | CandleFrame | MarkFrame | OrdersFrame | PositionsFrame | AccountFrame | Event | Other

_BOOKS: Final = frozenset({"books", "bbo-tbt", "books5", "books-l2-tbt", "books50-l2-tbt"})
_envelope = msgspec.json.Decoder(_Envelope)
_books = msgspec.json.Decoder(list[BookData])
_trades = msgspec.json.Decoder(list[TradeData])
_rows = msgspec.json.Decoder(list[list[str]])
_marks = msgspec.json.Decoder(list[MarkData])
_orders = msgspec.json.Decoder(list[OrderData])
_positions = msgspec.json.Decoder(list[PositionData])
_accounts = msgspec.json.Decoder(list[AccountData])


class _Best(msgspec.Struct, gc=False):
    arg: Arg
    data: list[BookData]


_best = msgspec.json.Decoder(_Best)
_BEST_STARTS: Final = b'{"arg":{"channel":"bbo-tbt"'


def decode_frame(payload: bytes) -> Frame:
    """The frame in `payload` (JSON; the text frame `pong` is the link's affair).

    The most frequent frame is read in one pass; whatever does not look like it, in two.
    Raises: FrameError.
    """
    try:
        if payload.startswith(_BEST_STARTS):
            best = _best.decode(payload)
            return BookFrame(best.arg.channel, best.arg.instId, False, best.data)
        envelope = _envelope.decode(payload)
        arg = envelope.arg
        if envelope.event or arg is None:
            return Event(envelope.event or envelope.op, envelope.code, envelope.msg, arg.channel if arg else "")
        return _push(arg, envelope)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise FrameError(f"{error}: {bytes(payload[:200])!r}") from None


def _push(arg: Arg, envelope: _Envelope) -> Frame:
    channel, data = arg.channel, envelope.data
    if channel in _BOOKS:
        return BookFrame(channel, arg.instId, envelope.action == "snapshot", _books.decode(data))
    if channel == "trades":
        return TradesFrame(arg.instId, _trades.decode(data))
    if channel.startswith("candle"):
        return CandleFrame(arg.instId, channel.removeprefix("candle"), _rows.decode(data))
    if channel == "mark-price":
        return MarkFrame(arg.instId, _marks.decode(data))
    if channel == "orders":
        return OrdersFrame(_orders.decode(data))
    if channel == "positions":
        return PositionsFrame(_positions.decode(data))
    if channel == "account":
        return AccountFrame(_accounts.decode(data))
    return Other(channel)
