"""The simulated exchange of a system records beside the others, where anything is recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.exchange.__main__ import read_settings
from schemas.settings import Home, Settings
from sovereign_tui.ops import plan


@pytest.mark.parametrize("enabled", [True, False])
def test_the_exchange_records_in_the_systems_blackbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enabled: bool
) -> None:
    monkeypatch.setenv("SOVEREIGN_HOME", str(tmp_path))
    settings = Settings.model_validate({"blackbox": {"enabled": enabled, "keep_gb": 2.5}})
    argv = plan.exchange(settings, plan.new_venue()).argv
    read = read_settings(argv[argv.index("engine.exchange") + 1 :], {})
    assert read.blackbox == (Home.from_environment().blackbox if enabled else None)
    assert float(read.blackbox_keep_gb) == (2.5 if enabled else 20)
