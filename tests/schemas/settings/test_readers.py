"""Who reads which settings, and settings with one key changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from schemas.settings import Settings, SettingsError
from schemas.settings.edit import changed_setting
from schemas.settings.readers import AT_NEXT_START, NOT_ITS_OWN, READS, SECRET, when

ROOT = Path(__file__).resolve().parents[3]
PLACES = {"engine": "engine", "brain": "brain", "ops": "sovereign_tui/ops"}


def keys() -> list[str]:
    found = []
    for section, field in Settings.model_fields.items():
        kind: Any = field.annotation
        assert issubclass(kind, BaseModel)
        found += [f"{section}.{name}" for name in kind.model_fields]
    return found


def test_what_is_named_exists_and_every_setting_but_the_screens_is_somebodys() -> None:
    names = {*keys(), *Settings.model_fields}
    assert set().union(*READS.values(), SECRET) <= names
    orphans = [key for key in keys() if all(when(process, key) == NOT_ITS_OWN for process in READS)]
    assert {key.partition(".")[0] for key in orphans} == {"cockpit"}


@pytest.mark.parametrize("process", PLACES)
def test_what_a_process_reads_by_its_full_name_is_said_to_be_its_own(process: str) -> None:
    known, read = set(keys()), set[str]()
    for source in (ROOT / PLACES[process]).rglob("*.py"):
        if "exchange" not in source.parts:  # a process of its own
            read |= {f"{section}.{name}" for section, name in re.findall(r"settings\.(\w+)\.(\w+)", source.read_text())}
    assert read & known, "the pattern finds what there is"
    assert [key for key in sorted(read & known) if when(process, key) != AT_NEXT_START] == []


def test_a_changed_setting_is_checked_with_all_the_others() -> None:
    settings = Settings()
    assert changed_setting(settings, "brain.votes_needed", 3).brain.votes_needed == 3
    assert settings.brain.votes_needed == 2
    for key in keys():
        section, _, name = key.partition(".")
        assert changed_setting(settings, key, getattr(getattr(settings, section), name)) == settings
    with pytest.raises(SettingsError, match="give another value"):
        changed_setting(settings, "brain.history_bars", settings.brain.trend_lookback_bars)
    with pytest.raises(SettingsError, match=r"unknown setting 'brain\.x'"):
        changed_setting(settings, "brain.x", 1)
