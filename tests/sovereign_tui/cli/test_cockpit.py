"""What `sovereign tui` asks of a terminal before it opens the screen, and what it does not believe."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import typer

from sovereign_tui.cli import cockpit as cli
from sovereign_tui.cli import common


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_can_show_no_screen_is_refused_with_the_mend(
    term: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(cli, "sys", SimpleNamespace(**dict.fromkeys(("stdin", "stderr"), _Terminal())))
    with pytest.raises(typer.Exit) as left:
        cli.demand_terminal()
    assert left.value.exit_code == common.EXIT_FAILED
    assert f"TERM={term}: such a terminal shows no screen; set TERM to what it is" in capsys.readouterr().err


class _Terminal:
    def isatty(self) -> bool:
        return True
