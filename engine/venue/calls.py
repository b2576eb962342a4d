"""What `panic` says to the venue and hears from it, as values, and the two calls that close a position. Pure.

Source: OKX API guide, "Close positions", "Place order", "Get positions".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

Row = dict[str, Any]

_REDUCIBLE: Final = frozenset({"SWAP", "FUTURES"})
"""Kinds of instruments whose positions a market order closes with a size in contracts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One signed REST call; `path` is that after /api/v5/. `params`: the query, or the body."""

    method: str
    path: str
    params: Any = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Wait so many seconds, and send None. `resync`: look at the venue's clock again, ours is off."""

    seconds: float
    resync: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Something for the operator; send None. `code` is the venue's, empty where it gave none."""

    step: str
    text: str
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The venue's answer. `code` None: there was none, and `text` says what came instead."""

    code: str | None
    text: str = ""
    rows: tuple[Row, ...] = ()


def text_of(row: Row, name: str) -> str:
    """Empty where the venue gave none: it then refuses what is made of it, and says so."""
    return str(row.get(name, ""))


def contracts(row: Row) -> Decimal:
    """Signed as the venue says it. What is no number is there: only a zero is nothing."""
    try:
        return Decimal(str(row.get("pos") or "0"))
    except InvalidOperation:
        return Decimal("NaN")


def closing(row: Row) -> Call:
    """Close-position at market, with what is pending to close it canceled."""
    body: Row = {"instId": text_of(row, "instId"), "mgnMode": text_of(row, "mgnMode"), "autoCxl": True}
    if row.get("posSide") in {"long", "short"}:
        body["posSide"] = row["posSide"]
    if row.get("instType") == "MARGIN" and row.get("ccy"):
        body["ccy"] = row["ccy"]
    return Call(method="POST", path="trade/close-position", params=body)


def reducing(row: Row, client_id: str) -> Call:
    """A market order that can only reduce: in net mode it says so, in hedge mode its side does."""
    held, side = contracts(row), row.get("posSide")
    sells = side == "long" if side in {"long", "short"} else held > 0
    body: Row = {
        "instId": text_of(row, "instId"), "tdMode": text_of(row, "mgnMode"), "side": "sell" if sells else "buy",
        "ordType": "market", "sz": format(abs(held), "f"), "clOrdId": client_id,
    }  # fmt: skip
    body |= {"posSide": side} if side in {"long", "short"} else {"reduceOnly": True}
    return Call(method="POST", path="trade/order", params=body)


def reducible(row: Row) -> bool:
    """Whether `reducing` makes sense of this position."""
    return row.get("instType") in _REDUCIBLE and contracts(row).is_finite()
