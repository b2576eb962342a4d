"""What the venue says, without a socket: the envelope and its codes, rows as values, and what an answer can mean.

An answer is one of three: done, refused (with the venue's code), or unknown (time-out, lost connection, 50004,
51149): what is unknown is asked for by client order id, never sent again.
Source: OKX API guide, "REST", "Error Code".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec
import orjson

from engine.venue import codes
from engine.venue.frames import Amount, Number, Whole

_SERVER_ERROR: Final = 500


class VenueError(Exception):
    """The venue did not do it. `code` is OKX's."""

    def __init__(self, call: str, code: str, text: str) -> None:
        super().__init__(f"{call}: {code} {text}")
        self.call = call
        self.code = code
        self.text = text


class VenueRefused(VenueError):
    """The venue said no: nothing was done."""


class VenueBusy(VenueRefused):
    """Too many calls: nothing was done, and the same call may be made again a little later."""


class VenueUnknown(VenueError):
    """The venue did not say, or said that it does not know: it may have been done."""


class Algo(msgspec.Struct, gc=False):
    """A pending TP/SL order; `algoClOrdId` is ours when we made it. `closeFraction` "1": all that is held."""

    algoId: str  # noqa: N815  the venue's name
    instId: str  # noqa: N815
    side: str = ""
    algoClOrdId: str = ""  # noqa: N815
    tpTriggerPx: Number = ""  # noqa: N815
    slTriggerPx: Number = ""  # noqa: N815
    sz: Number = ""
    closeFraction: str = ""  # noqa: N815


class Fill(msgspec.Struct, gc=False):
    """One fill of ours."""

    instId: str  # noqa: N815
    tradeId: str  # noqa: N815
    ordId: str  # noqa: N815
    clOrdId: str = ""  # noqa: N815
    fillPx: Amount = "0"  # noqa: N815
    fillSz: Amount = "0"  # noqa: N815
    fillPnl: Number = ""  # noqa: N815
    fee: Number = ""
    ts: Whole = ""
    billId: str = ""  # noqa: N815


class Instrument(msgspec.Struct, gc=False):
    """Terms of an instrument, as text."""

    instId: str  # noqa: N815
    ctVal: Number  # noqa: N815
    ctMult: Number  # noqa: N815
    lotSz: Number  # noqa: N815
    minSz: Number  # noqa: N815
    tickSz: Number  # noqa: N815
    maxMktSz: Number = ""  # noqa: N815
    maxLmtSz: Number = ""  # noqa: N815
    instIdCode: int | None = None  # noqa: N815
    state: str = ""

    def sizes_are_positive(self) -> bool:
        """Has it all that an order is reckoned with? A preopen instrument has empty fields."""
        sizes = self.ctVal, self.ctMult or "1", self.lotSz, self.minSz, self.tickSz
        return all(text and Decimal(text) > 0 for text in sizes)


class Unexplained(ValueError):
    """An answer that OKX's guide does not explain."""


def unwrap(call: str, status: int, raw: bytes) -> list[Any]:
    """The data of an envelope. Code "0" may hide a refusal in sCode; "1" and "2" say that the reasons are there.

    Raises: VenueBusy, VenueRefused, VenueUnknown; Unexplained, for what the guide does not explain.
    """
    try:
        envelope = orjson.loads(raw)
        code, data = str(envelope["code"]), envelope.get("data") or []
        if not isinstance(data, list):
            raise TypeError
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        if status >= _SERVER_ERROR:
            raise VenueUnknown(call, "", f"HTTP {status}") from None
        raise Unexplained("not an OKX answer") from None
    inner = [row for row in data if isinstance(row, dict) and str(row.get("sCode") or "0") != "0"]
    batch = call.endswith("batch-orders")
    if (code == "0" and (batch or not inner)) or (batch and code in {"1", "2"} and data):
        return list(data)
    if inner:
        code, text = str(inner[0]["sCode"]), str(inner[0].get("sMsg", ""))
    else:
        text = str(envelope.get("msg", ""))
    if code in codes.BUSY:
        raise VenueBusy(call, code, text)
    if code in codes.UNKNOWN:
        raise VenueUnknown(call, code, text)
    if codes.explained(code):
        raise VenueRefused(call, code, text)
    raise Unexplained(f"code {code[:20]!r}")
