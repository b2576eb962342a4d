"""What an operator types, and where the commands say something: nothing of it ends a command in the middle."""

from __future__ import annotations

import io
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings import Settings
from schemas.settings.tree import Alerts, Exchange
from sovereign_tui.cli import common
from sovereign_tui.cli.config import as_toml
from tests.sovereign_tui.cli.support import Shell


class _Gone(io.StringIO):
    def readline(self, size: int | None = -1, /) -> str:
        raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    "stdin", [io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"), _Gone(), io.StringIO(""), io.StringIO("liv\n")]
)
def test_what_cannot_be_read_at_the_terminal_is_a_no(monkeypatch: pytest.MonkeyPatch, stdin: io.TextIOBase) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    assert not common.typed("Type live: ", "live")


def test_json_has_no_character_that_commands_a_terminal() -> None:
    assert common.to_json({"a": "\x9b2J\x7f\x1bä"}) == '{"a": "\\u009b2J\\u007f\\u001bä"}'


@pytest.mark.parametrize("home", ["/proc/ä\x1b[2J", "~nobody-of-that-name/x"])
def test_panic_goes_on_with_a_home_that_is_none_and_a_screen_that_cannot_show_it(sovereign: Shell, home: str) -> None:
    said = sovereign("panic", "--timeout", "1", SOVEREIGN_HOME=home, PYTHONIOENCODING="ascii")
    assert said.code == 1
    assert "PANIC NOT CONFIRMED" in said.out
    assert "internal error" not in said.err
    assert "\x1b" not in said.out


def test_a_home_of_nobody_is_refused_as_settings_are(sovereign: Shell) -> None:
    said = sovereign("explain", "abcd", SOVEREIGN_HOME="~nobody-of-that-name/x")
    assert (said.code, "~nobody-of-that-name/x: cannot be made" in said.err) == (78, True)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(bool), min_size=1, max_size=4))
def test_settings_that_are_shown_are_the_same_settings_again_whatever_their_texts(texts: list[str]) -> None:
    settings = Settings(alerts=Alerts(command=tuple(texts)), exchange=Exchange(recording=texts[0]))
    shown = as_toml(settings)
    assert "\x1b" not in shown
    read = tomllib.loads(shown)
    assert (read["alerts"]["command"], read["exchange"]["recording"]) == (texts, texts[0])
