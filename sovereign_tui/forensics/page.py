"""A trace on one page, for a terminal. Pure: values in, something that rich draws out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.messages import Side
from schemas.printable import printable, printable_value
from sovereign_tui.forensics.lines import clock_time
from sovereign_tui.forensics.subject import Subject
from sovereign_tui.forensics.trace import Trace

UNKNOWN: Final = "UNKNOWN"
_MARKS: Final = {"passed": ("ok", "green"), "refused": ("REFUSED", "bold red"), "spared": ("spared", "cyan")}
_LONGEST: Final = 400
"""Characters of one line of a step; JSON has all of it."""


def page(trace: Trace) -> RenderableType:
    """The page: what it was, what it was decided on, every rule, and every step with its times."""
    trace = _shown(trace)
    parts: list[RenderableType] = [_head(trace)]
    if trace.decision is not None:
        parts += [_layers(trace.decision), Text("\n".join(_size(trace.decision)))]
    elif trace.subject.kind == "order":
        parts.append(Text("the decision is not in the record (the engine's own order, or older than the record)"))
    if trace.gate is not None:
        parts += [Text("gate", "bold"), _seen(trace.gate), _rules(trace.gate)]
    parts += [Text("steps", "bold"), _steps(trace)]
    if trace.receipt is not None:
        parts += [Text("receipt", "bold"), _fields(trace.receipt)]
    parts += [Text(line, "yellow") for line in _remarks(trace)]
    return Group(*parts)


def _shown(trace: Trace) -> Trace:
    """The same, nothing in it able to command the terminal."""
    names = ("outcome", "order", "decision", "gate", "receipt")
    values = {name: printable_value(getattr(trace, name)) for name in names}
    steps = tuple(
        replace(step, process=printable(step.process), what=printable(step.what), text=printable(step.text))
        for step in trace.steps
    )
    subject = Subject(**printable_value(asdict(trace.subject)))
    return replace(trace, subject=subject, steps=steps, **values)


def _head(trace: Trace) -> Text:
    ids = trace.subject
    named = (("intent", ids.intent_id), ("client id", ids.client_order_id), ("venue id", ids.venue_order_id),
             ("halt", ids.halt_id))  # fmt: skip
    head = Text("  ".join(f"{name} {value}" for name, value in named if value), "bold")
    head.append(f"\n{trace.outcome}", "bold red" if trace.outcome.startswith(("refused", "not ")) else "bold green")
    if trace.order is not None:
        head.append("\n" + _order_line(trace.order), "not bold default")
    if trace.tick is not None and trace.tick.get("received_ns"):
        head.append(f"\ndecided on tick {trace.tick['sequence']} of {clock_time(trace.tick['received_ns'])} UTC")
    return head


def _order_line(order: Mapping[str, Any]) -> str:
    side = Side(order.get("side", Side.NONE)).name
    price = "at market" if order.get("limit_price") is None else f"at {order['limit_price']}"
    legs = ", ".join(f"{name} {_number(order.get(key))} %" for name, key in (("TP", "tp_pct"), ("SL", "sl_pct")))
    reducing = ", reduce only" if order.get("reduce_only") else ""
    return f"{side} {order.get('contracts')} contracts of {order.get('instrument')} {price}, {legs}{reducing}"


def _layers(decision: Mapping[str, Any]) -> Table:
    """Layers 1 to 3: scores and votes of each time frame, and what they come to."""
    features = decision.get("features") or {}
    titles = (
        ("trend %", "set.trend_threshold_pct"), ("book", "set.book_threshold"), ("flow", "set.flow_threshold"),
        ("direction", "set.votes_needed"),
    )  # fmt: skip
    table = Table("frame", *(f"{title} (needs {_number(features.get(name))})" for title, name in titles))
    for one in decision.get("frames") or ():
        scores = (("trend_score_pct", "trend_vote"), ("book_imbalance", "book_vote"), ("trade_pressure", "flow_vote"))
        cells = [f"{_number(one.get(score))}  vote {one.get(vote, 0):+d}" for score, vote in scores]
        table.add_row(*map(Text, (str(one.get("frame")), *cells)), f"{one.get('direction', 0):+d}")
    return table


def _size(decision: Mapping[str, Any]) -> Iterator[str]:
    """Layer 4: the size, and what it was made of."""
    features = decision.get("features") or {}

    def of(name: str) -> str:
        return _number(features.get(f"size.{name}"))

    sized = f"{decision.get('contracts')} contracts at {decision.get('price')}"
    yield f"direction {decision.get('direction', 0):+d}, {sized}"
    yield from _context(decision)
    if steps := decision.get("size"):
        yield "size, step by step"
        yield from (f"      {step['name']:<20} {step['value']:>16}  {step['text']}" for step in steps)
        return
    risk = f"{of('risk_pct')} % of equity {of('equity_usdt')} USDT"
    basis = f"{of('notional_usdt')} USDT fixed" if "size.notional_usdt" in features else risk
    yield f"size: {basis}, x authority {of('pace_authority_pct')} %, / (price x {of('contract_value')} a contract)"
    yield (
        f"      lot {of('lot')}, minimum {of('minimum')}, largest {of('largest')} contracts, the engine's authority "
        f"{of('engine_authority_pct')} %"
    )


def _context(decision: Mapping[str, Any]) -> Iterator[str]:
    """What else had a say: the model, each filter, and what a layer did not know."""
    if model := decision.get("model"):
        yield f"model: {model}, score {_number(decision.get('model_score'))}"
    for one in decision.get("filters") or ():
        yield f"filter {one['name']}: {'passed' if one['passed'] else 'did not pass'}, {one['text']}"
    for one in decision.get("unknown") or ():
        yield f"UNKNOWN {one['part']}: {one['reason']}"


def _seen(gate: Mapping[str, Any]) -> Text:
    view = gate.get("view") or {}
    names = ("trading_state", "causes", "equity", "available", "position", "working_buy", "working_sell", "price",
             "mid", "mark", "leverage", "authority_pct")  # fmt: skip
    return Text(", ".join(f"{name} {_number(view.get(name))}" for name in names if view.get(name) != ""))


def _rules(gate: Mapping[str, Any]) -> Table:
    table = Table("rule", "code", "observed", "limit", "")
    for row in gate.get("rules") or ():
        mark, style = _MARKS.get(row["outcome"], (row["outcome"], "dim"))
        asked = row["outcome"] != "not asked"
        cells = [
            str(row[name]) if row[name] is not None else UNKNOWN if asked else "" for name in ("observed", "limit")
        ]
        table.add_row(*map(Text, (row["rule"], row["code"], *cells)), Text(mark, style))
    return table


def _steps(trace: Trace) -> Table:
    since = "tick" if trace.subject.kind == "order" else "request"
    table = Table("process", f"ms since the {since}", "+ ms", "what", "", box=None, pad_edge=False)
    table.columns[1].justify = table.columns[2].justify = "right"
    for step, gap_ms in trace.timed():
        text = step.text if len(step.text) <= _LONGEST else step.text[: _LONGEST - 3] + "..."
        gap = "" if gap_ms is None else f"{gap_ms:.3f}"
        what = step.what.replace("_", " ")
        table.add_row(Text(step.process), f"{trace.since_began_ms(step):.3f}", gap, Text(what), Text(text))
    return table


def _fields(values: Mapping[str, Any]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in values.items():
        table.add_row(Text(name), Text(str(value)))
    return table


def _remarks(trace: Trace) -> Iterator[str]:
    if trace.missing:
        yield f"not in the record: {', '.join(name.replace('_', ' ') for name in trace.missing)}"
    if trace.left_out:
        yield f"{trace.left_out} records of other boots of this machine are left out: their times do not compare"


def _number(value: object) -> str:
    if value is None:
        return UNKNOWN
    return f"{value:.6g}" if isinstance(value, float) and abs(value) < 10_000 else str(value)
