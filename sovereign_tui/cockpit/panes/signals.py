"""What the brain thought at its last decision: scores and votes a frame, the direction, and why there is no trade."""

from __future__ import annotations

import textwrap
from itertools import chain, repeat
from typing import Final

from schemas.messages import Decision, FrameScores
from sovereign_tui.cockpit.frame import Body, Paint, nothing_heard
from sovereign_tui.cockpit.text import Row, Span, clean, left, number, right, row, signed

_VOTES: Final = {1: Span("▲ +1", "up"), 0: Span("·  0", "dim"), -1: Span("▼ -1", "down")}
_MARKS: Final = {1: Span("▲", "up"), 0: Span("·", "dim"), -1: Span("▼", "down")}
_DIRECTIONS: Final = {1: Span("▲ LONG", "up"), 0: Span("· flat", "dim"), -1: Span("▼ SHORT", "down")}
_MISSING: Final = Span("?", "unknown")
_WIDE: Final = 64
_STEP: Final = 32
"""Columns of a step's name and value; the words are beside them where there are enough left for words."""
_ROOM_FOR_WORDS: Final = 20


def draw(paint: Paint, width: int, height: int) -> Body:
    """The last decision."""
    decision = paint.view.decision.value
    age_ms = paint.view.decision.age_ms(paint.now_ns)
    if decision is None:
        return Body(rows=nothing_heard("the brain", "state.decision"), age_ms=age_ms)
    wide = width >= _WIDE
    rows = [_heads(wide)]
    rows += [_wide(scores) if wide else _narrow(scores) for scores in decision.frames]
    rows += [_agreement(decision), ()]
    rows += _verdict(decision, width)
    rows += _model(decision, width)
    rows += _unknown(decision, width)
    rows += _filters(decision, width)
    rows += _size(decision, width)
    return Body(
        rows=tuple(rows[:height]), age_ms=age_ms, extra=row(direction(decision.direction)), chosen=decision.intent_id,
        hints=(("enter", "explain its order"),) if decision.intent_id else (),
    )  # fmt: skip


def direction(value: int) -> Span:
    """A direction as glyph, word and colour."""
    return _DIRECTIONS.get(value, _MISSING)


def _heads(wide: bool) -> Row:
    text = f" {'frame':<6}{'trend':>9} {'vote':>5}  {'book':>5} {'vote':>5}  {'flow':>5} {'vote':>5}   direction"
    return row(Span(text if wide else f" {'frame':<5}{'trend':>8}  {'book':>5}  {'flow':>5}   way", "dim"))


def _wide(scores: FrameScores) -> Row:
    return row(
        Span(f" {clean(scores.frame):<6}", "strong"),
        right(signed(scores.trend_score_pct, 2, "%"), 9), "  ", _vote(scores.trend_vote), "  ",
        right(_share(scores.book_imbalance), 5), "  ", _vote(scores.book_vote), "  ",
        right(_share(scores.trade_pressure), 5), "  ", _vote(scores.flow_vote), "   ",
        direction(scores.direction),
    )  # fmt: skip


def _narrow(scores: FrameScores) -> Row:
    return row(
        Span(f" {clean(scores.frame):<5}", "strong"),
        right(signed(scores.trend_score_pct, 2, "%"), 8), _mark(scores.trend_vote), " ",
        right(_share(scores.book_imbalance), 5), _mark(scores.book_vote), " ",
        right(_share(scores.trade_pressure), 5), _mark(scores.flow_vote), "  ",
        direction(scores.direction),
    )  # fmt: skip


def _share(value: float | None) -> Span:
    return _MISSING if value is None else Span(number(value, 2))


def _vote(vote: int) -> Span:
    return _VOTES.get(vote, _MISSING)


def _mark(vote: int) -> Span:
    return _MARKS.get(vote, _MISSING)


def _agreement(decision: Decision) -> Row:
    """How many of the frames say which way."""
    counts = [sum(frame.direction == way for frame in decision.frames) for way in (1, -1)]
    total = len(decision.frames)
    return row(
        Span(" frames ", "label"), Span(f"▲ {counts[0]}/{total}  ", "up" if counts[0] else "dim"),
        Span(f"▼ {counts[1]}/{total}", "down" if counts[1] else "dim"), Span("  -> ", "label"),
        direction(decision.direction),
    )  # fmt: skip


def _verdict(decision: Decision, width: int) -> list[Row]:
    if not decision.why_not:
        what = f" sent {decision.intent_id}" if decision.intent_id else " an order was sent"
        return [row(Span(" order  ", "label"), direction(decision.direction), Span(clean(what), "strong"))]
    words = clean(f"{decision.why_not}: {decision.why_not_text}".removesuffix(": "))
    lines = textwrap.wrap(words, max(10, width - 10), max_lines=3, placeholder=" …") or [""]
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


def _filters(decision: Decision, width: int) -> list[Row]:
    """The filters that are switched on, and what they said."""
    rows = []
    for head, each in zip(chain([" filters "], repeat(" " * 9)), decision.filters, strict=False):
        said = f"{'√' if each.passed else '✗'} {clean(each.name)}: {clean(each.text)}"
        rows.append(row(Span(head, "label"), Span(said[: max(10, width - 10)], "up" if each.passed else "warn")))
    return rows


def _size(decision: Decision, width: int) -> list[Row]:
    """From the account to contracts, step by step."""
    if not decision.size:
        return []
    rows: list[Row] = [()]
    room = width - _STEP - 3
    for each in decision.size:
        name = Span(f" {clean(each.name).replace('_', ' ')}", "label")
        lines = textwrap.wrap(clean(each.text), room, max_lines=2, placeholder=" …") if room >= _ROOM_FOR_WORDS else []
        said = Span(f"  {lines[0]}" if lines else "", "dim")
        rows.append(row(left(name, _STEP - 12), right(number(each.value, 2), 12), said))
        rows += [row(Span(" " * (_STEP + 2) + line, "dim")) for line in lines[1:]]
    return rows
