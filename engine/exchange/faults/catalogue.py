"""The faults by name: what each does, what it strikes, and which parameters it takes. Data, and nothing else.

Those that bend the answer to an order strike both doors, REST and the websocket.

Sources: FACTS 3 (64008, 4007), 4 (sequence rules, candles), 6 (limits, HTTP), 9 (unknown results, 51603), 10 (attached
TP/SL), 13 (codes); TRAPS 5, 9, 10, 17, 21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

_DAY_MS: Final = 86_400_000
_MINUTES_10_MS: Final = 600_000

PLACING: Final = frozenset({"POST trade/order", "POST trade/batch-orders"})
ORDERING: Final = PLACING | {
    "POST trade/cancel-order",
    "POST trade/cancel-batch-orders",
    "POST trade/amend-order",
    "POST trade/amend-batch-orders",
    "POST trade/close-position",
    "POST trade/order-algo",
    "POST trade/cancel-algos",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A whole number, a fraction (float), a switch (bool) or a text; the bounds of a number are inclusive."""

    kind: type[int] | type[float] | type[bool] | type[str]
    default: int | float | bool | str | None
    least: float = 0
    most: float = 0
    meaning: str

    def view(self) -> dict[str, object]:
        """As the control route shows it."""
        bounds = {"least": self.least, "most": self.most} if self.kind in (int, float) else {}
        return {"default": self.default, **bounds, "meaning": self.meaning}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fault. `calls`: the REST calls it strikes unless its `call` says another; None is any, or no REST at all.

    A `lasting` fault is a state: it strikes once, when it begins, and holds until it is cleared.
    """

    what: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    calls: frozenset[str] | None = None
    lasting: bool = False

    def view(self) -> dict[str, object]:
        """As the control route shows it."""
        parameters = {name: parameter.view() for name, parameter in {**COMMON, **self.parameters}.items()}
        return {"what": self.what, "lasting": self.lasting, "parameters": parameters}


def _delay(default: int, meaning: str) -> Parameter:
    return Parameter(kind=int, default=default, least=0, most=_MINUTES_10_MS, meaning=f"ms {meaning}")


_CALL: Final = Parameter(
    kind=str, default="", meaning="only this REST call, like trade/order or POST trade/order; empty: all it can strike"
)
_EXECUTED: Final = Parameter(kind=bool, default=True, meaning="whether the call is processed all the same")

COMMON: Final[Mapping[str, Parameter]] = MappingProxyType(
    {
        "times": Parameter(
            kind=int, default=None, least=1, most=1_000_000, meaning="how often it still strikes; absent: until cleared"
        ),
        "probability": Parameter(kind=float, default=1.0, least=0, most=1, meaning="of a strike, at each occasion"),
        "after_ms": Parameter(kind=int, default=0, least=0, most=_DAY_MS, meaning="ms after arming before it strikes"),
    }
)  # fmt: skip

CATALOGUE: Final[Mapping[str, Entry]] = MappingProxyType(
    {
        # -- answers of REST ------------------------------------------------------------------------------------------
        "ack_lost": Entry(
            what="an order call is executed, and the connection is dropped without an answer",
            parameters={"call": _CALL},
            calls=ORDERING,
        ),
        "fill_before_ack": Entry(
            what="a placing call: the pushes go out first, the answer comes later",
            parameters={"delay_ms": _delay(500, "until the answer"), "call": _CALL},
            calls=PLACING,
        ),
        "disconnect_mid_order": Entry(
            what="an order call is executed without an answer, and every private websocket drops without a close frame",
            parameters={"call": _CALL},
            calls=ORDERING,
        ),
        "rate_limited": Entry(
            what="any REST call: HTTP 429, code 50011; not processed",
            parameters={"call": _CALL},
        ),
        "unavailable": Entry(
            what="any REST call: HTTP 503, code 50001; not processed",
            parameters={"call": _CALL},
        ),
        "endpoint_timeout": Entry(
            what="any REST call: code 50004, which does not say whether it was processed",
            parameters={"executed": _EXECUTED, "call": _CALL},
        ),
        "order_timeout": Entry(
            what="an order call: code 51149 for each order, which does not say whether it was processed",
            parameters={"executed": _EXECUTED, "call": _CALL},
            calls=ORDERING,
        ),
        "unexplained_answer": Entry(
            what="an order call: HTTP 200 with JSON that OKX's guide does not explain",
            parameters={"executed": _EXECUTED, "call": _CALL},
            calls=ORDERING,
        ),
        "not_found": Entry(
            what="GET trade/order answers 51603 for a young order that is there; strikes once per order",
            parameters={
                "lookups": Parameter(kind=int, default=2, least=1, most=100, meaning="look-ups that do not find it"),
                "within_ms": _delay(5000, "after placing; an older order is always found"),
            },
        ),
        "slow_answer": Entry(
            what="any REST call is processed at once and answered late",
            parameters={"delay_ms": _delay(1000, "until the answer"), "call": _CALL},
        ),
        # -- trading --------------------------------------------------------------------------------------------------
        "partial_fills": Entry(
            what="an immediate order fills only in part (the rest: cancelSource 14), a resting one in slices; no fok",
            parameters={
                "share": Parameter(
                    kind=float, default=0.5, least=0.01, most=0.99, meaning="of the order's size: the part, or a slice"
                )
            },
        ),
        "cancel_fill_race": Entry(
            what="a cancel comes too late: a public trade fills the order first, at its own price; 51402",
            parameters={
                "ack": Parameter(kind=bool, default=False, meaning="the cancel is acked although the fill won")
            },
        ),
        "protection_late": Entry(
            what="attached TP/SL is born only some time after its parent ended",
            parameters={"delay_ms": _delay(2000, "until it is born")},
        ),
        "protection_never": Entry(what="attached TP/SL is never born"),
        # -- pushes ---------------------------------------------------------------------------------------------------
        "duplicate_push": Entry(what="an orders push is sent twice"),
        "push_lost": Entry(what="an orders push is never sent"),
        "sequence_gap": Entry(what="a books update is swallowed: the next prevSeqId does not link"),
        "sequence_reset": Entry(
            what="maintenance: a books update with seqId < prevSeqId; the chain goes on from the smaller one",
            parameters={
                "back": Parameter(kind=int, default=1_000_000, least=10_000, most=10**9, meaning="how far seqId falls")
            },
        ),
        "crossed_book": Entry(what="a books update whose best bid is the best ask, then a correct one"),
        "silent_book": Entry(
            what="no books, books5 and bbo-tbt pushes for some time",
            parameters={"delay_ms": _delay(5000, "of silence")},
        ),
        "final_candle_late": Entry(
            what="the confirm 1 row of a candle comes late, after the first row of the next candle",
            parameters={"delay_ms": _delay(2000, "until the final row")},
        ),
        "final_candle_missing": Entry(what="the confirm 1 row of a candle is never sent"),
        # -- the venue as a whole -------------------------------------------------------------------------------------
        "upgrade_notice": Entry(
            what="event notice 64008 on all connections; those that got it are closed later",
            parameters={"delay_ms": _delay(60_000, "from the notice to the close")},
        ),
        "key_changed": Entry(
            what="the API key is changed: each websocket that has logged in is closed with 4007; the key works on"
        ),
        "clock_skew": Entry(
            what="the venue's wall clock is off: public/time, every ts, the 30 s signature window, expTime",
            parameters={
                "offset_ms": Parameter(
                    kind=int, default=5000, least=-3_600_000, most=3_600_000, meaning="ms ahead; negative is behind"
                )
            },
            lasting=True,
        ),
    }
)  # fmt: skip


def strikes_call(name: str, wanted: str, method: str, call: str) -> bool:
    """Whether a fault whose parameter `call` is `wanted` strikes a REST call (the path after /api/v5/)."""
    if wanted:
        return wanted in (call, f"{method} {call}")
    calls = CATALOGUE[name].calls
    return calls is None or f"{method} {call}" in calls


def help_text() -> str:
    """For --help: a line per fault, with its parameters and their defaults."""
    lines = ["faults (--faults FILE.toml, or /sim/v1/faults while it runs):"]
    for name, entry in CATALOGUE.items():
        given = ", ".join(f"{key}={_text(parameter.default)}" for key, parameter in entry.parameters.items())
        lines.append(f"  {name}: {entry.what}" + (f" [{given}]" if given else ""))
    given = ", ".join(f"{key}: {parameter.meaning}" for key, parameter in COMMON.items())
    return "\n".join([*lines, f"  all of them: {given}"])


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
