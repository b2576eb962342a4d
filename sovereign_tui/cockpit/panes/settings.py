"""Every setting: its value, where that comes from, and what it means; the one under the cursor can be changed."""

from __future__ import annotations

import textwrap
from typing import Final

from sovereign_tui.cockpit.frame import Body, Paint, matches, pointed, window
from sovereign_tui.cockpit.settings_desk import SettingRow
from sovereign_tui.cockpit.text import Row, Span, clean, left, row

_DETAIL_ROWS: Final = 4
_HINTS: Final = (("enter", "change"), ("/", "filter"))


def draw(paint: Paint, width: int, height: int) -> Body:
    """A list, and below it all about the chosen one. It does not grow old: it is what file and environment say."""
    query = paint.state.query
    found = [each for each in paint.settings if matches(query, each.key, each.text, each.value)]
    extra = row(Span(f"{len(found)} of {len(paint.settings)}", "label"))
    if not found:
        what = f"nothing matches {query!r}" if query else "the settings are being read"
        return Body(
            rows=((), row(Span(clean(f"  {what}"), "dim"))), age_ms=None, ageless=True, extra=extra, hints=_HINTS
        )
    cursor = min(paint.state.cursor, len(found) - 1)
    name = min(36, max(24, width // 3))
    listed = max(1, height - _DETAIL_ROWS - 1)
    rows: list[Row] = []
    for index in window(len(found), cursor, listed):
        cells = _line(found[index], name, width)
        rows.append(pointed(cells, width) if index == cursor else cells)
    rows += [()] * (listed - len(rows))
    rows += [row(Span("─" * width, "frame")), *_detail(found[cursor], width)]
    chosen = found[cursor]
    return Body(
        rows=tuple(rows), age_ms=None, ageless=True, items=len(found), chosen=chosen.key, extra=extra,
        copied=f"{chosen.key} = {chosen.value}", hints=_HINTS,
    )  # fmt: skip


def _line(each: SettingRow, name: int, width: int) -> Row:
    value = 24
    changed = each.value != each.default
    mark = Span("env ", "warn") if each.variable else Span("set ", "key") if changed else Span("    ")
    room = max(0, width - name - value - 7)
    return row(
        " ", mark, left(Span(each.key, "strong" if changed else "text"), name),
        left(Span(clean(each.value), "key" if changed else "text"), value), " ",
        Span(clean(each.text)[:room], "label"),
    )  # fmt: skip


def _detail(each: SettingRow, width: int) -> list[Row]:
    where = f"from {each.variable} in the environment, which overrides the file" if each.variable else ""
    same = "the default" if each.value == each.default else f"the default is {each.default}"
    head = row(
        Span(f" {each.key} = ", "label"), Span(clean(each.value), "strong"), Span(f"   {clean(where or same)}", "label")
    )  # fmt: skip
    lines = textwrap.wrap(clean(each.text), max(10, width - 2))[: _DETAIL_ROWS - 1]
    return [head, *(row(Span(f" {line}")) for line in lines)]
