"""What `sovereign tui` asks of a terminal before it opens the screen, and what it does not believe."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from schemas.settings import Home, Settings
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


def test_the_size_in_the_environment_is_not_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[str | None] = []

    def run(**_: Any) -> int:
        seen.extend(os.environ.get(name) for name in ("COLUMNS", "LINES"))
        return 0

    monkeypatch.setenv("COLUMNS", "abc")
    monkeypatch.setenv("LINES", "99999999")
    monkeypatch.setattr(cli, "gc", SimpleNamespace(disable=lambda: None))
    monkeypatch.setattr(cli.importlib, "import_module", lambda name: SimpleNamespace(run=run, KeyringError=OSError))
    monkeypatch.setattr(cli, "guard", lambda child, logs: child(SimpleNamespace()))
    home = Home.from_environment({"SOVEREIGN_HOME": str(tmp_path)})
    assert cli.show(home, Settings(), readonly=True, halt=False) == 0
    assert seen == [None, None]


class _Terminal:
    def isatty(self) -> bool:
        return True
