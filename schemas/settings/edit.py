"""Changing one key of the settings file: checked first, comments and order kept; one change at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from schemas.settings.load import PREFIX, SettingsError, nearest, parse_settings, read_text, toml_value
from schemas.settings.tree import Settings
from schemas.whole_file import write_whole

__all__ = ["Busy", "Change", "alone", "change", "changed_setting", "toml_text", "toml_value", "write"]

_POLL_S: Final = 0.02


class Busy(Exception):
    """Somebody else is changing the file."""


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
    section, name = _known(key)
    variable = f"{PREFIX}{section.upper()}__{name.upper()}"
    if variable in environment:
        raise SettingsError([f"{key}: {variable} in the environment overrides the file; change it there, or unset it"])
    if not _is_text(value):
        raise SettingsError([f"{key} = {value!r}: not UTF-8; mend the value"])
    given = toml_value(value)
    text = read_text(path)
    before = parse_settings(text, path, environment)
    try:
        document = tomlkit.parse(text)
        parse_settings(tomlkit.dumps({section: {name: given}}), None, environment)  # names the key, not a line
        table = document.setdefault(section, tomlkit.table())
        table[name] = given
        changed = tomlkit.dumps(document)
    except (TOMLKitError, TypeError) as error:
        raise SettingsError([f"{path}: {key} cannot be changed ({error}); edit the file by hand"]) from None
    return Change(
        key=key, value=toml_text(given), before=before, after=parse_settings(changed, path, environment), text=changed
    )


def changed_setting(settings: Settings, key: str, value: Any) -> Settings:
    """These settings with another value of `key` (dotted), checked as a whole.

    Raises: SettingsError, naming key, value and mend.
    """
    section, name = _known(key)
    fields = settings.model_dump()
    try:
        return Settings.model_validate(fields | {section: fields[section] | {name: value}})
    except ValidationError as error:
        raise SettingsError([f"{key} = {value!r}: {error.errors()[0]['msg']}; give another value"]) from None


def _known(key: str) -> tuple[str, str]:
    """Section and name. Raises: SettingsError if there is no such key."""
    section, _, name = key.partition(".")
    known = Settings.model_fields.get(section)
    if known is None or name not in getattr(known.annotation, "model_fields", {}):
        keys = (section, name) if name else (section,)
        raise SettingsError([f"unknown setting {key!r}{nearest(keys)}; see `sovereign config show`"])
    return section, name


def toml_text(value: Any) -> str:
    """A value as TOML."""
    return str(tomlkit.item(value).as_string())


def _is_text(value: str) -> bool:
    """Whether a file can hold it: what a shell gives need not be UTF-8."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def alone(path: Path, wait_s: float) -> Iterator[None]:
    """Within it nobody else changes the file: who reads and then writes would write over what came between.

    Raises: Busy, if somebody else does so for longer than `wait_s`; OSError.
    """
    fd = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    end = time.monotonic() + wait_s
    try:
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise Busy(f"{path}: is being changed by another `sovereign config set`; end that one") from None
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(fd)


def write(path: Path, text: str) -> None:
    """Replaces the file whole, as private as it was; what cannot be written leaves nothing. Raises: OSError."""
    tomllib.loads(text)
    target = Path(os.path.realpath(path))  # a link stays a link
    mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
    write_whole(target, text.encode(), mode=mode, durable=True)  # an empty file is the defaults, which may be looser
