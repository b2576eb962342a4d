"""Latencies, rates, and what went wrong so far."""

from __future__ import annotations

from collections.abc import Mapping

from sovereign_tui.cockpit.frame import Body, Paint
from sovereign_tui.cockpit.panes.counters import is_bad
from sovereign_tui.cockpit.text import Row, Span, age, clean, left, number, right, row, size


def draw(paint: Paint, width: int, height: int) -> Body:
    """The metrics that ops republishes; the engine's counters from its own state; the link's from this screen."""
    metrics, engine = paint.view.metrics.value, paint.view.engine.value
    values: Mapping[str, float] = metrics.values if metrics is not None else {}
    counters: Mapping[str, int] = engine.counters if engine is not None else {}
    rows: list[Row] = [
        _legs(),
        _leg("tick to order", values, "engine.tick_to_order"),
        _leg("frame to publish", values, "engine.frame_to_publish"),
        _leg("publish to decode", values, "brain.publish_to_decode"),
        _leg("decide", values, "brain.decide"),
        *_pairs(_numbers(paint, values, counters), width),
    ]
    if engine is not None:
        rows.append(_authority(engine.authority_pct, width))
    rows += _wrong(values, height - len(rows))
    return Body(rows=tuple(rows[:height]), age_ms=paint.view.metrics.age_ms(paint.now_ns))


def _wrong(values: Mapping[str, float], room: int) -> list[Row]:
    """What of all that is counted went wrong, the most first, where rows are left for it."""
    bad = sorted(((name, value) for name, value in values.items() if is_bad(name, value)), key=lambda each: -each[1])
    return [
        row(Span(" ! ", "warn"), left(Span(clean(name.replace(".", " ").replace("_", " ")), "label"), 34),
            right(Span(number(value, 0), "warn"), 10))
        for name, value in bad[: max(0, room)]
    ]  # fmt: skip


def _legs() -> Row:
    return row(Span(f" {'µs':<18}{'p50':>9}{'p99':>9}{'max':>10}", "dim"))


def _leg(label: str, values: Mapping[str, float], name: str) -> Row:
    p50, p99, most = (values.get(f"{name}_{what}_us") for what in ("p50", "p99", "max"))
    return row(
        left(Span(f" {label}", "label"), 19), right(_us(p50), 9), right(_us(p99), 9), right(_us(most), 10)
    )  # fmt: skip


def _us(value: float | None) -> str:
    return number(value, 0)


def _numbers(paint: Paint, values: Mapping[str, float], counters: Mapping[str, int]) -> list[tuple[str, Span]]:
    view = paint.view
    rate = view.tick_rate.value
    counts = view.counts
    errors = [counters[name] for name in ("book_errors", "venue_errors", "malformed") if name in counters]
    return [
        ("ticks/s", Span("?", "unknown") if rate is None else Span(number(rate.per_s, 0), "strong")),
        ("tick age", _age(view.tick.age_ms(paint.now_ns))),
        ("orders", _count(counters.get("orders"), "text")),
        ("rejects", _count(counters.get("rejects"), "warn")),
        ("gaps", _count(_gaps(paint, values), "warn")),
        ("errors", _count(sum(errors) if errors else None, "error")),
        ("malformed", _count(counts.malformed, "error")),
        ("eng restarts", _count(counts.restarts, "warn")),
    ]


def _gaps(paint: Paint, values: Mapping[str, float]) -> int:
    """Gaps that this screen saw, and those that the others report."""
    reported = sum(value for name, value in values.items() if name.endswith("gaps"))
    return paint.view.counts.gaps + round(reported)


def _age(value_ms: float | None) -> Span:
    return Span("?", "unknown") if value_ms is None else Span(age(value_ms))


def _count(value: int | None, role: str) -> Span:
    if value is None:
        return Span("?", "unknown")
    return Span(size(value), role if value else "dim")


def _pairs(numbers: list[tuple[str, Span]], width: int) -> list[Row]:
    half = (width - 1) // 2
    cells = [(left(Span(f" {name}", "label"), half - 9), right(value, 8), Span(" ")) for name, value in numbers]
    return [(*cells[index], *cells[index + 1]) for index in range(0, len(cells) - 1, 2)]


def _authority(pct: float, width: int) -> Row:
    room = max(4, min(20, width - 26))
    filled = round(room * max(0.0, min(100.0, pct)) / 100)
    role = "text" if pct >= 100 else "warn"
    return row(
        Span(" brain authority ", "label"), Span("■" * filled, "meter"), Span("·" * (room - filled), "meter.off"),
        Span(f" {pct:.0f}%", role),
    )  # fmt: skip
