"""`--rule name=value`: every field of Rules as text, checked, with its help. Pure.

A rule is either something OKX sets per account, or something that nobody could confirm of OKX (FACTS 14): a client
that works under every value of it needs no luck on the real venue.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from typing import Any, Final

from engine.exchange.config import ConfigError, Rules
from engine.exchange.tiers import Tier

_NAMES_MEND: Final = "give name=value, with a name that --help lists"


@dataclass(frozen=True, slots=True)
class Option:
    """How a rule is read (ValueError if it cannot be), what may be given, and what it decides."""

    read: Callable[[str], Any]
    values: str
    about: str


def _number(least: str, most: str, digits: int = 10) -> Callable[[str], Decimal]:
    def read(text: str) -> Decimal:
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise ValueError(text) from None
        if not value.is_finite() or not Decimal(least) <= value <= Decimal(most):
            raise ValueError(text)
        if value != value.quantize(Decimal(1).scaleb(-digits)):
            raise ValueError(text)
        return value

    return read


def _whole(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise ValueError(text)
        return value

    return read


def _one_of(choices: Mapping[str, Any], about: str) -> Option:
    def read(text: str) -> Any:
        if text not in choices:
            raise ValueError(text)
        return choices[text]

    return Option(read, "|".join(choices), about)


def _words(*choices: str, about: str) -> Option:
    return _one_of({choice: choice for choice in choices}, about)


def _yes_no(about: str) -> Option:
    return _one_of({"yes": True, "no": False}, about)


def _digits(text: str) -> int | None:
    return None if text == "none" else _whole(2, 12)(text)


def _rates(text: str) -> tuple[Decimal, ...]:
    return tuple(_number("-0.00375", "0.00375")(part) for part in text.split(","))


def _tiers(text: str) -> tuple[Tier, ...]:
    rows = []
    for part in text.split(","):
        size, mmr, imr, lever = part.split(":")
        lots = _number("0.01", "100000000", 2)(size) * 100
        row = Tier(int(lots), _number("0", "1")(mmr), _number("0", "1")(imr), _number("1", "1000", 2)(lever))
        if row.imr * row.max_lever > 1 or row.mmr > row.imr:
            raise ValueError(part)
        rows.append(row)
    if any(above.max_lots <= below.max_lots or above.max_lever > below.max_lever for below, above in pairwise(rows)):
        raise ValueError(text)
    return tuple(rows)


_RATE: Final = _number("-0.01", "0.01")
OPTIONS: Final[dict[str, Option]] = {
    "maker_fee": Option(_RATE, "-0.01 to 0.01", "fee of a maker, as a fraction of the notional; negative is a rebate"),
    "taker_fee": Option(_number("0", "0.01"), "0 to 0.01", "fee of a taker, as a fraction of the notional"),
    "fee_digits": Option(_digits, "none, or 2 to 12", "digits after the point that a fee is rounded to, half up"),
    "tiers": Option(
        _tiers,
        "maxSz:mmr:imr:maxLever,... with rising sizes",
        "position tiers, sizes in contracts; imr at most 1/maxLever",
    ),
    "liquidation": _words(
        "tiers", "whole", about="a position beyond the first tier is reduced tier by tier, only until it is held again,"
        " or closed whole at once",
    ),
    "price_band": Option(_number("0.001", "0.5"), "0.001 to 0.5", "how far from the mark an order may be priced"),
    "default_lever": Option(_number("1", "100", 2), "1 to 100", "leverage of both margin modes at the start"),
    "funding_rates": Option(
        _rates, "rate,... each -0.00375 to 0.00375", "funding rate; of several, each period takes the next"
    ),
    "funding_hours": _one_of({str(h): h for h in (1, 2, 4, 6, 8)}, "hours between two fundings, at multiples UTC"),
    "isolated_funding": _words("margin", "cash", about="what the funding of an isolated position changes"),
    "attached_born": _words(
        "ended", "filled", "first_fill", about="an attached TP/SL is born when its parent ends with fills, is filled"
        " completely, or fills first (and then grows with it)",
    ),
    "caa_cancels_algos": _yes_no("cancel-all-after cancels algo orders too"),
    "caa_trigger_unit": _words("ms", "s", about="unit of cancel-all-after's triggerTime"),
    "amend_px_keeps_place": _yes_no("an order keeps its place in the queue when its price is amended"),
    "amend_up_keeps_place": _yes_no("the same when its size is raised"),
    "amend_down_keeps_place": _yes_no("the same when its size is lowered"),
    "off_tick": _words("refuse", "round", about="an order price between two ticks: 51150, or the nearest tick"),
    "pos_id_days": Option(_whole(0, 365), "0 to 365", "days a posId is kept after closing; then a new one is issued"),
    "books_snapshot": _yes_no("the books channel starts with a snapshot; if not, GET market/books is the start"),
    "trades_seq": _words("own", "book", about="a trade's seqId is its own in the book's sequence, or the book's"),
    "trades_all_login": _yes_no("the trades-all channel needs a login"),
    "final_candle": _words("before", "after", about="a candle's final row comes before or after the next one's first"),
    "idle_candles": _yes_no("candles without a trade are pushed"),
    "history_candles_rows": _one_of({"100": 100, "300": 300}, "most rows of one GET market/history-candles"),
    "funding_rate_calls": _one_of({"10": 10, "20": 20}, "calls of GET public/funding-rate per 2 s"),
    "price_limit_calls": Option(_whole(1, 100), "1 to 100", "calls of GET public/price-limit per 2 s"),
    "too_many_status": _one_of({"429": 429, "200": 200}, "HTTP status of 50011"),
    "channel_connections": Option(_whole(1, 1000), "1 to 1000", "connections that one private channel serves"),
    "connections_per_s": Option(_whole(0, 1000), "0 to 1000", "new websockets per second and address; 0 is any number"),
    "vip": Option(_whole(0, 9), "0 to 9", "the account's fee tier, VIP; 0 is Lv1"),
    "tbt_vip": _one_of({"4": 4, "5": 5}, "the tier from which books-l2-tbt and books50-l2-tbt are served"),
    "environment": _words("any", "live", "demo", about="whether the key is one of demo trading; else 50101"),
}  # fmt: skip


def read_rules(given: Iterable[str]) -> Rules:
    """Rules from `name=value` texts; a later one wins. Raises: ConfigError, field `rule` or `rule NAME`."""
    chosen: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        option = OPTIONS.get(name)
        if option is None or not equals:
            raise ConfigError("rule", text, _NAMES_MEND)
        try:
            chosen[name] = option.read(value)
        except ValueError:
            raise ConfigError(f"rule {name}", value, f"give {option.values}") from None
    return Rules(**chosen)


def _as_text(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return "none"
        case Tier():
            return f"{Decimal(value.max_lots) / 100:f}:{value.mmr}:{value.imr}:{value.max_lever}"
        case tuple():
            return ",".join(_as_text(item) for item in value)
    return str(value)


def help_text() -> str:
    """One paragraph per rule: name, values, default, meaning."""
    defaults = {field.name: field.default for field in fields(Rules)}
    lines = ["rules, each with its default:"]
    for name, option in OPTIONS.items():
        lines.append(f"  {name}={_as_text(defaults[name])}")
        lines.append(f"      {option.values}: {option.about}")
    return "\n".join(lines)
