"""Text that others wrote, made fit for a terminal or a line of a log: nothing in it can command the terminal."""

from __future__ import annotations

from typing import Any


def printable(text: str) -> str:
    """The same in one line: each character that is none to be seen (escapes, line ends, lone surrogates) is a "?"."""
    return text if text.isprintable() else "".join(one if one.isprintable() else "?" for one in text)


def printable_value(value: Any) -> Any:
    """What JSON may hold, with every text and every key of it so."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable_value(key): printable_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(printable_value(one) for one in value)
    return value
