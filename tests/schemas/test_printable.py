"""Nothing that others wrote commands a terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from schemas.printable import printable, printable_value


def test_escapes_line_ends_and_lone_surrogates_are_question_marks() -> None:
    assert printable("a\x1b]0;evil\x07b\x9bm\nc\ud800 ä") == "a?]0;evil?b?m?c? ä"
    assert printable_value({"a\n": ["\x1b", 1, None, ("\r",)]}) == {"a?": ["?", 1, None, ("?",)]}


@given(st.text())
def test_it_is_as_long_as_before_and_what_is_fit_stays_as_it_is(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    assert all(after == before for before, after in zip(text, shown, strict=True) if before.isprintable())
