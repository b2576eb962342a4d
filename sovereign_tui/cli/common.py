"""What several commands need: home and settings with one-line refusals, output for people and for programs."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterable
from typing import Any, Final, NoReturn

import typer

from schemas.printable import printable
from schemas.settings import Home, HomeError, Settings, SettingsError, load_settings

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_DOWN: Final = 3
EXIT_INTERRUPTED: Final = 130
EXIT_CONFIG: Final = 78
LONGEST_REASON: Final = 1_000
"""Characters. Ops takes no command of more than 16 KiB, and a long text must not keep a halt from it."""
_ESCAPED: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def find_home(*, as_json: bool = False) -> Home:
    """The directories of this user's system, made if they are not there. Exits with 78 if they cannot be."""
    try:
        home = Home.from_environment()
        home.prepare()
    except HomeError as error:
        fail([str(error)], EXIT_CONFIG, as_json=as_json)
    return home


def find_settings(home: Home, *, as_json: bool = False) -> Settings:
    """The effective settings. Exits with 78 if they are wrong."""
    try:
        return load_settings(home.settings_file)
    except SettingsError as error:
        fail(error.problems, EXIT_CONFIG, as_json=as_json)


def fail(problems: Iterable[str], code: int, *, as_json: bool = False, **fields: Any) -> NoReturn:
    """Says what is wrong, one line each, and exits."""
    lines = [line for problem in problems for line in problem.splitlines()]
    if as_json:
        print_json({"ok": False, "problems": lines, **fields})
    else:
        for line in lines:
            sys.stderr.write(f"sovereign: {printable(line)}\n")
    raise typer.Exit(code)


def typed(question: str, word: str) -> bool:
    """Whether the operator types this very word at the terminal; an interrupt, and what cannot be read, is a no."""
    try:
        sys.stderr.write(question)
        sys.stderr.flush()
        return sys.stdin.readline().strip() == word
    except (KeyboardInterrupt, OSError, ValueError):  # the terminal is gone, or bytes that are no text were typed
        return False


def print_json(value: object) -> None:
    """One JSON object on stdout."""
    sys.stdout.write(to_json(value, indent=2) + "\n")


def to_json(value: object, *, indent: int | None = None) -> str:
    """JSON without a character that commands a terminal: it leaves 7f to 9f as they are."""
    return json.dumps(value, indent=indent, ensure_ascii=False).translate(_ESCAPED)


def issuer() -> str:
    """Who commands: user@terminal."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        try:
            return f"{user}@{os.ttyname(stream.fileno())}"
        except (OSError, ValueError, AttributeError):
            continue  # not a terminal: try the next
    return f"{user}@notty"
