"""The settings as a list to look at, and one change to them: what it would make of the file, then the file itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from schemas.settings import Settings, SettingsError
from schemas.settings.edit import Busy, Change, alone, toml_text, write
from schemas.settings.edit import change as change_of
from schemas.settings.load import PREFIX, load_settings

_WAIT_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """One setting. `value` and `default` as TOML; `text`: what it means, with its unit; `variable`: what overrides it,
    "" where nothing does."""

    key: str
    value: str
    default: str
    text: str
    variable: str


class SettingsDesk:
    """Reads and changes the settings file. Everything here takes milliseconds."""

    def __init__(self, path: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._path = path
        self._environment = environment
        self.problem = ""
        """Why the rows are not those of the file; "" where they are."""

    def rows(self) -> tuple[SettingRow, ...]:
        """Every setting as file and environment say; the defaults, and a problem, where they cannot be read."""
        defaults = Settings()
        try:
            current = load_settings(self._path, self._environment)
            self.problem = ""
        except SettingsError as error:
            current, self.problem = defaults, error.problems[0]
        except OSError as error:
            current, self.problem = defaults, f"{self._path}: {error.strerror}"
        return tuple(row for section in Settings.model_fields for row in self._section(section, current, defaults))

    def propose(self, key: str, value: str) -> Change:
        """What the file would be with it. Raises: SettingsError, naming what is wrong and the mend."""
        return change_of(self._path, key, value, self._environment)

    def keep(self, key: str, value: str) -> None:
        """Writes it into the file, as it is by now. Raises: SettingsError, Busy, OSError."""
        with alone(self._path, _WAIT_S):
            write(self._path, self.propose(key, value).text)

    def _section(self, section: str, current: Settings, defaults: Settings) -> list[SettingRow]:
        here, usual = getattr(current, section), getattr(defaults, section)
        assert isinstance(here, BaseModel)
        assert isinstance(usual, BaseModel)
        values, standard = here.model_dump(mode="json"), usual.model_dump(mode="json")
        rows = []
        for name, field in type(here).model_fields.items():
            variable = f"{PREFIX}{section.upper()}__{name.upper()}"
            rows.append(SettingRow(
                key=f"{section}.{name}", value=toml_text(values[name]), default=toml_text(standard[name]),
                text=field.description or "", variable=variable if variable in self._environment else "",
            ))  # fmt: skip
        return rows


__all__ = ["Busy", "Change", "SettingRow", "SettingsDesk", "SettingsError"]
