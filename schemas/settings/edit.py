"""Changing one key of the settings file: checked first, comments and order kept. Pure but for `write`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from schemas.settings.load import PREFIX, SettingsError, parse_settings, toml_value
from schemas.settings.tree import Settings

__all__ = ["Change", "change", "toml_text", "toml_value", "write"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key with a new value. `before` and `after` are the whole settings; `text` is the whole new file.

    `value` is the new value as TOML.
    """

    key: str
    value: str
    before: Settings
    after: Settings
    text: str

    @property
    def section(self) -> str:
        """The table that the key is in."""
        return self.key.partition(".")[0]


def change(path: Path, key: str, value: str, environment: Mapping[str, str] = os.environ) -> Change:
    """What `key` (dotted) = `value` (TOML; a bare word is a text) would make of the file `path`.

    Raises: SettingsError, also if the environment overrides the key: the file would change nothing then.
    """
    section, _, name = key.partition(".")
    variable = f"{PREFIX}{section.upper()}__{name.upper()}"
    if variable in environment:
        raise SettingsError([f"{key}: {variable} in the environment overrides the file; change it there, or unset it"])
    given = toml_value(value)
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        before = parse_settings(text, path, environment)
        document = tomlkit.parse(text)
        parse_settings(tomlkit.dumps({section: {name: given}}), Path(key), environment)  # names the key, not a line
        table = document.setdefault(section, tomlkit.table())
        table[name] = given
        changed = tomlkit.dumps(document)
    except (OSError, UnicodeDecodeError, TOMLKitError, TypeError) as error:
        raise SettingsError([f"{path}: {key} cannot be changed ({error}); edit the file by hand"]) from None
    return Change(
        key=key, value=toml_text(given), before=before, after=parse_settings(changed, path, environment), text=changed
    )


def toml_text(value: Any) -> str:
    """A value as TOML."""
    return str(tomlkit.item(value).as_string())


def write(path: Path, text: str) -> None:
    """Replaces the file whole, as private as it was. Raises: OSError."""
    tomllib.loads(text)
    target = path.resolve()  # a link stays a link
    scratch = target.with_suffix(".new")
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
    scratch.replace(target)
