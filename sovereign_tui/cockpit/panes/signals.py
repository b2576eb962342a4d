"""What the brain thought at its last decision: scores and votes a frame, the direction, and why there is no trade."""

from __future__ import annotations

import textwrap
from itertools import chain, repeat
from typing import Final

from schemas.messages import Decision, FrameScores
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.text import Row, Span, clean, left, number, right, row, signed

_VOTES: Final = {1: Span("▲ +1", "up"), 0: Span("·  0", "dim"), -1: Span("▼ -1", "down")}
_DIRECTIONS: Final = {1: Span("▲ LONG", "up"), 0: Span("· flat", "dim"), -1: Span("▼ SHORT", "down")}
_MISSING: Final = Span("?", "unknown")


def draw(paint: Paint, width: int, height: int) -> Body:
    """The last decision."""
    decision = paint.view.decision.value
    age_ms = paint.view.decision.age_ms(paint.now_ns)
    if decision is None:
        return Body(rows=nothing_heard("the brain", "state.decision"), age_ms=age_ms)
    rows = [_heads()]
    rows += [_frame(scores) for scores in decision.frames]
    rows.append(())
    rows += _verdict(decision, width)
    rows += _model(decision, width)
    rows += _unknown(decision, width)
    rows += _features(decision, width)
    return Body(rows=tuple(rows[:height]), age_ms=age_ms, extra=row(_direction(decision.direction)))


def _heads() -> Row:
    text = f" {'frame':<6}{'trend':>9} {'vote':>5}  {'book':>5} {'vote':>5}  {'flow':>5} {'vote':>5}   direction"
    return row(Span(text, "dim"))


def _frame(scores: FrameScores) -> Row:
    return row(
        Span(f" {clean(scores.frame):<6}", "strong"),
        right(signed(scores.trend_score_pct, 2, "%"), 9), "  ", _vote(scores.trend_vote), "  ",
        right(_share(scores.book_imbalance), 5), "  ", _vote(scores.book_vote), "  ",
        right(_share(scores.trade_pressure), 5), "  ", _vote(scores.flow_vote), "   ",
        _direction(scores.direction),
    )  # fmt: skip


def _share(value: float | None) -> Span:
    return _MISSING if value is None else Span(number(value, 2))


def _vote(vote: int) -> Span:
    return _VOTES.get(vote, _MISSING)


def _direction(direction: int) -> Span:
    return _DIRECTIONS.get(direction, _MISSING)


def _verdict(decision: Decision, width: int) -> list[Row]:
    if not decision.why_not:
        what = f" sent {decision.intent_id}" if decision.intent_id else " an order was sent"
        return [row(Span(" order  ", "label"), _direction(decision.direction), Span(clean(what), "strong"))]
    words = clean(f"{decision.why_not}: {decision.why_not_text}".removesuffix(": "))
    lines = textwrap.wrap(words, max(10, width - 10))[:2] or [""]
    out = [row(Span(" why not ", "label"), Span(lines[0], "warn"))]
    out += [row(Span(" " * 9), Span(line, "warn")) for line in lines[1:]]
    return out


def _model(decision: Decision, width: int) -> list[Row]:
    """What the model says, or why the rules decide without it; nothing where there is no model."""
    if not decision.model:
        return []
    if decision.model_score is None:
        return [row(Span(" model   ", "label"), Span(clean(decision.model)[: max(10, width - 10)], "warn"))]
    score = signed(decision.model_score, 3)
    return [row(Span(" model   ", "label"), score, Span(f"  {clean(decision.model)}"[: max(10, width - 20)]))]


def _unknown(decision: Decision, width: int) -> list[Row]:
    """What the layers do not know, and why."""
    lines = [clean(f"{each.part}: {each.reason}")[: max(10, width - 10)] for each in decision.unknown]
    heads = chain([" UNKNOWN "], repeat(" " * 9))
    return [row(Span(head, "label"), Span(line, "unknown")) for head, line in zip(heads, lines, strict=False)]


def _features(decision: Decision, width: int) -> list[Row]:
    """What else the layers say, as name and value, in columns; with a dot: what an order was made of."""
    shown = {name: value for name, value in decision.features.items() if "." not in name}
    if not shown:
        return []
    columns = max(1, width // 33)
    cells = [
        (left(Span(f" {clean(name)}", "label"), 21), right(number(value, 3), 10), Span("  "))
        for name, value in sorted(shown.items())
    ]
    starts = range(0, len(cells), columns)
    return [(), *(tuple(chain.from_iterable(cells[start : start + columns])) for start in starts)]
