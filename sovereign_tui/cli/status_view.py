"""The status for people: tables for a terminal, and lines for a pipe. Pure: what ops answered, and the time, in.

The ops that runs may be older than this command: what it does not tell yet is unknown.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.clock import NS_PER_MS
from schemas.printable import printable_value

UNKNOWN: Final = "UNKNOWN"
_LATER: Final[dict[str, Any]] = dict.fromkeys((
    "cpu_pct", "memory_mb", "open_files", "open_files_limit", "loop_lag_p99_ms", "loop_lag_max_ms", "last_exit",
))  # fmt: skip
"""Of a process; the fields that came later."""
_QUANTILES: Final = ("p50", "p99", "p999", "max")


def render(found: dict[str, Any], now_ns: int) -> RenderableType:
    """In tables. `now_ns`: wall time."""
    found = _whole(found)
    if "problem" in found:
        return Group(*(Text(line) for line in _trouble(found)))
    head = Text.assemble((found["state"], "bold"), f"  venue {found['venue']}")
    if found["halt_id"]:
        head.append(f"  halt {found['halt_id']} stands", "bold red")
    alerts = [Text(f"  {line}", "bold red") for line in _alerts(found, now_ns)]
    causes = [Text(f"  {line}") for line in _causes(found, now_ns)]
    parts: list[RenderableType] = [
        head,
        *alerts,
        *causes,
        _processes(found["processes"]),
        _latency(found["latency"]),
    ]
    parts += [_market(found["market"]), _signal(found["signal"]), _positions(found["positions"])]
    return Group(*parts, _account(found["account"], found["orders"]))


def lines(found: dict[str, Any], now_ns: int) -> list[str]:
    """One line a thing, each with the time in front, so that `grep` and `tail` are of use. `now_ns`: wall time."""
    found = _whole(found)
    said = _trouble(found) if "problem" in found else list(_said(found, now_ns))
    return [f"{_time_of_day(now_ns)} {line}" for line in said]


def _whole(found: dict[str, Any]) -> dict[str, Any]:
    """With all that an older ops does not tell, and nothing that commands the terminal."""
    known: dict[str, Any] = {"alerts": [], "latency": {}} | printable_value(found)
    return known | {"processes": [_LATER | one for one in known.get("processes", [])]}


def _said(found: dict[str, Any], now_ns: int) -> Iterator[str]:
    halt = f"  halt {found['halt_id']} stands" if found["halt_id"] else ""
    yield f"{found['state']}  venue {found['venue']}{halt}"
    yield from (f"alert {line}" for line in _alerts(found, now_ns))
    yield from (f"cause {line}" for line in _causes(found, now_ns))
    for one in found["processes"]:
        pid, why = one["pid"] or "-", _reason(one)
        yield (
            f"process {one['name']} {one['state']} pid {pid} restarts {one['restarts']} cpu {_cpu(one)} "
            f"memory {_memory(one)} files {_files(one)} heartbeat {_ms(one['heartbeat_age_ms'])} "
            f"loop p99 {_ms(one['loop_lag_p99_ms'])} max {_ms(one['loop_lag_max_ms'])}{f' {why}' if why else ''}"
        )
    for leg, spans in found["latency"].items():
        if taken := spans["60s"]:
            numbers = " ".join(f"{name} {_us(taken[name])}" for name in _QUANTILES)
            yield f"latency {leg} {numbers} count {taken['count']}"


def _trouble(found: dict[str, Any]) -> list[str]:
    orphans = found.get("orphans") or {}
    return [
        f"{found['state']}: {found['problem']}",
        *(f"{name} still runs (pid {pid})" for name, pid in orphans.items()),
    ]


def _alerts(found: dict[str, Any], now_ns: int) -> Iterator[str]:
    for alert in found["alerts"]:
        yield f"{alert['kind']} for {duration(now_ns - alert['since_ns'])}: {alert['text']}"


def _causes(found: dict[str, Any], now_ns: int) -> Iterator[str]:
    for cause in found["causes"] or ():
        since = duration(now_ns - cause["since_ns"])
        yield f"{cause['forces']} for {since}: {cause['name']}: {cause['detail']}"


def _processes(processes: list[dict[str, Any]]) -> RenderableType:
    """Fits a terminal of 80 columns; why something ended stands below it."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for head in ("process", "pid", "state"):
        table.add_column(head, no_wrap=True)
    for head in ("rst", "cpu", "mem", "files", "beat", "lag p99", "max"):
        table.add_column(head, justify="right", no_wrap=True)
    for one in processes:
        pid = str(one["pid"]) if one["pid"] else "-"
        table.add_row(
            one["name"], pid, one["state"], str(one["restarts"]), _cpu(one), _memory(one), _files(one),
            _ms(one["heartbeat_age_ms"]), _ms(one["loop_lag_p99_ms"]), _ms(one["loop_lag_max_ms"]),
        )  # fmt: skip
    why = [Text(f"{one['name']}: {_reason(one)}") for one in processes if _reason(one)]
    return Group(table, *why, Text(""))


def _reason(process: dict[str, Any]) -> str:
    if process["reason"]:
        return str(process["reason"])
    return f"the run before: {process['last_exit']}" if process["last_exit"] else ""


def _cpu(process: dict[str, Any]) -> str:
    return "-" if process["cpu_pct"] is None else f"{process['cpu_pct']:.0f}%"


def _memory(process: dict[str, Any]) -> str:
    return "-" if process["memory_mb"] is None else f"{process['memory_mb']:.0f} MB"


def _files(process: dict[str, Any]) -> str:
    used, limit = process["open_files"], process["open_files_limit"]
    return "-" if used is None else str(used) if limit is None else f"{used}/{limit}"


def _latency(legs: dict[str, dict[str, dict[str, float] | None]]) -> RenderableType:
    """Of the last minute; nothing where nothing came."""
    if not legs:
        return Text(f"latency {UNKNOWN}")
    table = Table("latency, last 60 s")
    for head in ("p50", "p99", "p99.9", "max", "count"):
        table.add_column(head, justify="right")
    for leg, spans in legs.items():
        taken = spans["60s"]
        cells = ["-"] * 5 if taken is None else [*(_us(taken[name]) for name in _QUANTILES), f"{taken['count']:.0f}"]
        table.add_row(leg, *cells)
    return table


def _market(market: dict[str, Any]) -> Table:
    keys = ("instrument", "last", "bid", "ask", "imbalance", "tick_age_ms", "ticks_per_s")
    table = Table("instrument", "last", "bid", "ask", "bid share", "age ms", "ticks/s")
    table.add_row(*(text(market[key]) for key in keys))
    return table


def _signal(signal: dict[str, Any] | None) -> RenderableType:
    if signal is None:
        return Text(f"signal {UNKNOWN}")
    table = Table("frame", "trend %", "book", "flow", "votes", "direction")
    for frame, scores in signal["frames"].items():
        votes = "/".join(f"{vote:+d}" for vote in scores["votes"].values())
        values = (scores["trend_score_pct"], scores["book_imbalance"], scores["trade_pressure"])
        table.add_row(frame, *(text(value) for value in values), votes, f"{scores['direction']:+d}")
    why = f"direction {signal['direction']:+d}  {signal['why_not']} {signal['why_not_text']}".rstrip()
    return Group(table, Text(why))


def _positions(positions: list[dict[str, Any]] | None) -> RenderableType:
    if not positions:
        return Text("positions UNKNOWN" if positions is None else "no position")
    keys = ("instrument", "contracts", "average_price", "mark_price", "unrealised", "tp_price", "sl_price")
    table = Table("instrument", "contracts", "entry", "mark", "P&L", "TP", "SL")
    for one in positions:
        table.add_row(*(text(one[key]) for key in keys))
    return table


def _account(account: dict[str, Any] | None, orders: dict[str, Any] | None) -> Text:
    working = UNKNOWN if orders is None else str(len(orders["working"]))
    if account is None:
        return Text(f"account {UNKNOWN}  working orders {working}")
    equity, available = text(account["equity"]), text(account["available"])
    return Text(f"equity {equity} {account['currency']}  available {available}  working orders {working}")


def text(value: object) -> str:
    """UNKNOWN for what is not known; numbers short."""
    if value is None:
        return UNKNOWN
    return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1000 else str(value)


def duration(span_ns: int) -> str:
    """In the unit that fits; a clock that stepped back makes nothing of it, not less."""
    milliseconds = max(0, span_ns) / NS_PER_MS
    if milliseconds < 60_000:
        return _ms(milliseconds)
    minutes = milliseconds / 60_000
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0f} ms" if value < 1_000 else f"{value / 1_000:.1f} s"


def _us(value: float) -> str:
    return f"{value:.1f} us" if value < 100 else f"{value:.0f} us" if value < 10_000 else f"{value / 1_000:.1f} ms"


def _time_of_day(wall_ns: int) -> str:
    seconds, rest_ns = divmod(wall_ns, 1_000 * NS_PER_MS)
    return (
        f"{seconds // 3_600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest_ns // NS_PER_MS:03d}Z"
    )  # fmt: skip
