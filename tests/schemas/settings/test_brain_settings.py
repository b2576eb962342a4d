"""Settings of the brain that make no sense together are refused with field, value and mend."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.settings import Settings, SettingsError, load_settings


def loaded(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return load_settings(path, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[brain]\nprimary = ""\n', ("[brain] primary: ''", "choose from 5m, 15m")),
        ('[brain]\nframes = ["1H"]\n', ("[brain] primary: '5m' is not among frames 1H", "add it there")),
        ("[brain]\nframes = []\n", ("line 2", "brain.frames = []", "at least 1")),
        ("[brain]\nbook_threshold = 0.4\n", ("line 2", "brain.book_threshold = 0.4", "greater than 0.5", "mend")),
        ("[brain]\nflow_threshold = 0.5\n", ("line 2", "brain.flow_threshold = 0.5", "greater than 0.5", "mend")),
        (
            "[brain]\nvotes_needed = 4\n",
            ("line 2", "brain.votes_needed = 4", "less than or equal to 3", "three (trend, book, flow)", "mend"),
        ),
        (
            "[sizing]\nlosses_pause_s = 0\n",
            ("[sizing] losses_in_a_row: 3", "losses_pause_s = 0", "set losses_in_a_row = 0"),
        ),
        ('[sizing]\nsize_by = "risk"\n', ("line 2", "sizing.size_by = 'risk'", "'notional' or 'stop'")),
        ("[sizing]\nmargin_use_pct = 0\n", ("line 2", "sizing.margin_use_pct = 0", "greater than 0")),
        (
            "[model]\nevery_ms = 500\n",
            ("[model] max_age_ms: 500", "every_ms + timeout_ms = 520", "give at least 520"),
        ),
        ('[model]\nrole = "vote"\n', ("line 2", "model.role = 'vote'", "'replace' or 'confirm'")),
        ("[model]\nthreshold = 1.0\n", ("line 2", "model.threshold = 1.0", "less than 1")),
        ('[filters]\nsessions = ["New York"]\n', ("line 2", "filters.sessions", "pattern")),
        ("[filters]\npremium_discount_edge = 1\n", ("line 2", "filters.premium_discount_edge = 1", "less than 1")),
        ("[filters]\nstructur = true\n", ("unknown setting filters.structur", "did you mean structure?")),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, said: tuple[str, ...]) -> None:
    with pytest.raises(SettingsError) as caught:
        loaded(tmp_path, text)
    for part in said:
        assert part in str(caught.value)


def test_the_defaults_are_the_rules_alone() -> None:
    settings = Settings()
    filters = settings.filters.model_dump()
    assert [name for name, value in filters.items() if value] == ["premium_discount_edge"]
    assert settings.model.path == ""


def test_the_brain_s_own_daily_loss_ends_its_day_before_the_engine_s() -> None:
    settings = Settings()
    assert 0 < settings.sizing.max_daily_loss_pct < settings.risk.max_daily_loss_pct


def test_a_pause_of_no_length_needs_no_losses(tmp_path: Path) -> None:
    assert loaded(tmp_path, "[sizing]\nlosses_in_a_row = 0\nlosses_pause_s = 0\n").sizing.losses_in_a_row == 0
