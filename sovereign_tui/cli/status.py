"""`sovereign status`: the system in tables or as JSON."""

from __future__ import annotations

import time
from typing import Annotated, Any, Final

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from schemas.settings import Home
from sovereign_tui.cli import common
from sovereign_tui.ops import client, launch

_WAIT_S: Final = 5.0
_WATCH_S: Final = 0.5
_UNKNOWN: Final = "UNKNOWN"

app = typer.Typer(add_completion=False)


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object; with --watch one a line.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until interrupted.")] = False,
) -> None:
    """Show how the system is. Exit code 3 if it is down."""
    home = Home.from_environment()
    if not watch:
        raise typer.Exit(_once(home, as_json=as_json))
    try:
        if as_json:
            while True:
                _once(home, as_json=True)
                time.sleep(_WATCH_S)
        with Live(console=Console(), auto_refresh=False, screen=False) as live:
            while True:
                live.update(render(ask(home)), refresh=True)
                time.sleep(_WATCH_S)
    except KeyboardInterrupt:
        raise typer.Exit(common.EXIT_OK) from None


def ask(home: Home) -> dict[str, Any]:
    """The status; {"state": "DOWN"} without an ops, {"state": "UNKNOWN"} with one that does not answer."""
    try:
        return client.request_blocking(home, {"cmd": "status"}, _WAIT_S)
    except client.OpsDown as error:
        return {"state": "DOWN", "problem": str(error), "orphans": launch.orphans(home)}
    except client.OpsError as error:
        return {"state": _UNKNOWN, "problem": str(error)}


def _once(home: Home, *, as_json: bool) -> int:
    found = ask(home)
    if as_json:
        common.print_json(found)
    else:
        Console().print(render(found))
    if found["state"] == "DOWN":
        return common.EXIT_DOWN
    return common.EXIT_FAILED if "problem" in found else common.EXIT_OK


def render(found: dict[str, Any]) -> RenderableType:
    """For people."""
    head = Text.assemble((found["state"], "bold"), f"  venue {found.get('venue', _UNKNOWN)}")
    if "problem" in found:
        lines = [Text(f"{found['state']}: {found['problem']}")]
        orphans = found.get("orphans") or {}
        lines += [Text(f"{name} still runs (pid {pid})") for name, pid in orphans.items()]
        return Group(*lines)
    if found["halt_id"]:
        head.append(f"  halt {found['halt_id']} stands", "bold red")
    causes = [Text(f"  {cause['forces']}: {cause['name']}: {cause['detail']}") for cause in found["causes"] or ()]
    parts: list[RenderableType] = [head, *causes, _processes(found["processes"]), _market(found["market"])]
    parts += [_signal(found["signal"]), _positions(found["positions"]), _account(found["account"], found["orders"])]
    return Group(*parts)


def _processes(processes: list[dict[str, Any]]) -> Table:
    table = Table("process", "pid", "state", "restarts", "heartbeat", "reason", title_justify="left")
    for one in processes:
        beat = one["heartbeat_age_ms"]
        age = "-" if beat is None else f"{beat:.0f} ms"
        table.add_row(one["name"], text(one["pid"]), one["state"], str(one["restarts"]), age, one["reason"])
    return table


def _market(market: dict[str, Any]) -> Table:
    keys = ("instrument", "last", "bid", "ask", "imbalance", "tick_age_ms", "ticks_per_s")
    table = Table("instrument", "last", "bid", "ask", "bid share", "age ms", "ticks/s")
    table.add_row(*(text(market[key]) for key in keys))
    return table


def _signal(signal: dict[str, Any] | None) -> RenderableType:
    if signal is None:
        return Text(f"signal {_UNKNOWN}")
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
    working = _UNKNOWN if orders is None else str(len(orders["working"]))
    if account is None:
        return Text(f"account {_UNKNOWN}  working orders {working}")
    equity, available = text(account["equity"]), text(account["available"])
    return Text(f"equity {equity} {account['currency']}  available {available}  working orders {working}")


def text(value: object) -> str:
    """UNKNOWN for what is not known; numbers short."""
    if value is None:
        return _UNKNOWN
    return f"{value:.4g}" if isinstance(value, float) and abs(value) < 1000 else str(value)
