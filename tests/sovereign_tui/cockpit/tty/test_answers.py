from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sovereign_tui.cockpit.tty.answers import Answer, Answers, Question

YES, NO, READY = "\x1b[?2026;2$y", "\x1b[?2026;0$y", "\x1b[0n"
MEANING = {
    YES: Answer(Question.MODE, synchronises=True), NO: Answer(Question.MODE), READY: Answer(Question.STATUS),
}  # fmt: skip
KEYS = ("k", "\x0b", "\x1b[A", "\x1b[1;5C", "\x1b[27u", "0n", "\x1b[<0;3;4M", "\x1b[I", "\x1b[48;40;120;0;0t")


@given(st.lists(st.sampled_from([*MEANING, *KEYS])), st.lists(st.integers(1, 5)))
def test_the_answers_come_out_and_the_keys_stay_however_the_stream_is_cut(parts: list[str], sizes: list[int]) -> None:
    stream, answers = "".join(parts), Answers()
    text, found = "", []
    for size in [*sizes, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        left, heard = answers.feed(piece)
        text += left
        found += heard
    text += answers.release()
    assert found == [MEANING[part] for part in parts if part in MEANING]
    assert text == "".join(part for part in parts if part not in MEANING)


def test_a_bare_escape_is_held_back_until_it_is_released() -> None:
    answers = Answers()
    assert answers.feed("a\x1b") == ("a", ())
    assert answers.begun
    assert answers.release() == "\x1b"
    assert not answers.begun
