from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from sovereign_tui.cockpit.text import Row, Span, plain
from sovereign_tui.cockpit.tty.changes import MERGE_CELLS, changed

WIDTH = 30
Cell = tuple[str, str]
cells = st.lists(st.tuples(st.sampled_from("ab "), st.sampled_from(["text", "up"])), min_size=WIDTH, max_size=WIDTH)


def row_of(wanted: list[Cell], cuts: list[int]) -> Row:
    """The same cells in as many spans as the roles ask for, and a few more."""
    spans: list[Span] = []
    for x, (letter, role) in enumerate(wanted):
        if spans and spans[-1].role == role and x not in cuts:
            spans[-1] = Span(spans[-1].text + letter, role)
        else:
            spans.append(Span(letter, role))
    return tuple(spans)


def cells_of(row: Row) -> list[Cell]:
    return [(letter, span.role) for span in row for letter in span.text]


@given(cells, cells, st.lists(st.integers(0, WIDTH)))
def test_the_old_row_with_the_changes_is_the_new_row(old: list[Cell], new: list[Cell], cuts: list[int]) -> None:
    stretches = changed(row_of(old, []), row_of(new, cuts))
    assert stretches is not None
    patched = list(old)
    for first, end in stretches:
        patched[first:end] = new[first:end]
        assert old[first] != new[first]
        assert old[end - 1] != new[end - 1]
    assert patched == new
    assert all(b[0] - a[1] >= MERGE_CELLS for a, b in itertools.pairwise(stretches))


@given(cells, st.lists(st.integers(0, WIDTH)))
def test_other_spans_of_the_same_cells_are_no_change(same: list[Cell], cuts: list[int]) -> None:
    assert changed(row_of(same, []), row_of(same, cuts)) == ()


def test_far_changes_are_two_near_ones_are_one_and_another_width_is_all() -> None:
    old = (Span("." * 40),)
    assert changed(old, (Span("x" + "." * 38 + "x"),)) == ((0, 1), (39, 40))
    assert changed(old, (Span("x..x" + "." * 36),)) == ((0, 4),)
    assert changed(old, (Span(plain(old), "up"),)) == ((0, 40),)
    assert changed(old, (Span("." * 41),)) is None
