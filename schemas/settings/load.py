"""Reads the settings: file, then environment. What is wrong is refused with the line, the value and the mend."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from schemas.settings.tree import Settings

PREFIX: Final = "SOVEREIGN_"


class SettingsError(Exception):
    """The settings cannot be used. `problems` has one line each: where, what was given, and the mend."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_settings(path: Path, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings of `path` (the defaults, if there is no such file) under the overrides of `environment`.

    `SOVEREIGN_<SECTION>__<KEY>` overrides a key; other SOVEREIGN_ variables are not settings.
    Raises: SettingsError.
    """
    return parse_settings(read_text(path), path, environment)


def parse_settings(text: str, path: Path | None, environment: Mapping[str, str]) -> Settings:
    """The same, of the text that `path` has, or shall have; None: it is of no file. Raises: SettingsError."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path}: not TOML: {error}; mend that line"]) from None
    origins: dict[tuple[str, ...], str] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and "__" in name:
            keys = tuple(part.lower() for part in name.removeprefix(PREFIX).split("__"))
            origins[keys] = f"environment {name}"
            _put(tree, keys, toml_value(value), name)
    return _validated(tree, path, text, origins)


def changed_settings(tree: Mapping[str, Any], changes: Mapping[str, str]) -> Settings:
    """A recorded tree of settings with some keys changed: `section.key` -> the value as a file has it.

    Raises: SettingsError.
    """
    copy = {name: dict(section) if isinstance(section, Mapping) else section for name, section in tree.items()}
    origins: dict[tuple[str, ...], str] = {}
    for dotted, value in changes.items():
        keys = tuple(dotted.split("."))
        origins[keys] = f"--set {dotted}"
        _put(copy, keys, toml_value(value), f"--set {dotted}")
    return _validated(copy, None, "", origins)


def _validated(tree: dict[str, Any], path: Path | None, text: str, origins: dict[tuple[str, ...], str]) -> Settings:
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise SettingsError([_explain(path, text, origins, detail) for detail in error.errors()]) from None


def default_toml() -> str:
    """A settings file with every key at its default and its meaning beside it."""
    lines: list[str] = []
    for section, field in Settings.model_fields.items():
        model = field.annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        lines += [f"[{section}]", *(f"# {line}" for line in (model.__doc__ or "").splitlines()[:1])]
        defaults = model().model_dump(mode="json")
        for key, inner in model.model_fields.items():
            lines.append(f"{key} = {_as_toml(defaults[key], inner.annotation)}  # {inner.description}")
        lines.append("")
    return "\n".join(lines)


def _as_toml(value: object, annotation: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_as_toml(item, None) for item in value) + "]"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value)


def read_text(path: Path) -> str:
    """The whole file, empty if there is none. Raises: SettingsError."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError([f"{path}: cannot be read ({error}); mend the file or its mode"]) from None


def toml_value(text: str) -> Any:
    """The value as TOML reads it; a bare word is a text, and so is what would be more than one value."""
    try:
        table = tomllib.loads(f"x = {text}")
    except (ValueError, RecursionError):  # a number of thousands of digits, too
        return text
    return table["x"] if len(table) == 1 else text


def _put(tree: dict[str, Any], keys: tuple[str, ...], value: Any, name: str) -> None:
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise SettingsError([f"{name}: {key} is not a section; see `sovereign config show`"])
    tree[keys[-1]] = value


def _line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """Line of a dotted key in the file, counted from 1."""
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"\s*\[([^\[\]]+)\]", line):
            section = tuple(part.strip().strip('"') for part in found[1].split("."))
            if section == keys:
                return number
        elif (found := re.match(r"\s*([\w.\"-]+)\s*=", line)) and keys == (
            *section, *(part.strip('"') for part in found[1].split("."))
        ):  # fmt: skip
            return number
    return None


def _explain(path: Path | None, text: str, origins: dict[tuple[str, ...], str], detail: ErrorDetails) -> str:
    keys = tuple(str(part) for part in detail["loc"] if isinstance(part, str))
    dotted = ".".join(keys)
    if not keys:  # sections that do not go together
        return f"{'' if path is None else f'{path}: '}{detail['msg'].removeprefix('Value error, ')}"
    where = _place(path, text, origins, keys)
    if detail["type"] == "extra_forbidden":
        return f"{where}unknown setting {dotted}{nearest(keys)}; remove it, or see `sovereign config show`"
    message = detail["msg"].removeprefix("Value error, ")
    if len(keys) < 2 and isinstance(detail["input"], dict | BaseModel):
        return f"{where}[{dotted}] {message}"
    return f"{where}{dotted} = {detail['input']!r}: {message[0].lower()}{message[1:]}{_unit(keys)}; mend the value"


def _place(path: Path | None, text: str, origins: dict[tuple[str, ...], str], keys: tuple[str, ...]) -> str:
    """Where the value of these keys came from, as the beginning of a message."""
    if keys in origins:
        return f"{origins[keys]}: "
    if path is not None and (line := _line_of(text, keys)):
        return f"{path}, line {line}: "
    if len(keys) > 1 or keys[0] not in Settings.model_fields:  # no section of ours: a variable may have made it
        for longer, name in origins.items():
            if longer[: len(keys)] == keys:
                return f"{name}: "
    return "" if path is None else f"{path}: "


def nearest(keys: tuple[str, ...]) -> str:
    """What was meant by a key that is not there, as a question; empty if nothing is like it."""
    names: list[str] = list(Settings.model_fields)
    if len(keys) > 1 and keys[0] in Settings.model_fields:
        model = Settings.model_fields[keys[0]].annotation
        assert isinstance(model, type)
        assert issubclass(model, BaseModel)
        names = list(model.model_fields)
    close = difflib.get_close_matches(keys[-1], names, 1)
    return f" (did you mean {close[0]}?)" if close else ""


def _unit(keys: tuple[str, ...]) -> str:
    model = Settings.model_fields[keys[0]].annotation if keys and keys[0] in Settings.model_fields else None
    if len(keys) == 2 and isinstance(model, type) and issubclass(model, BaseModel) and keys[1] in model.model_fields:
        return f" ({model.model_fields[keys[1]].description})"
    return ""
