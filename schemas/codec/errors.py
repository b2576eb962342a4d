"""The one error of the codec."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation


class Malformed(ValueError):
    """Bytes that cannot be read as the message they claim to be.

    `what` names the message, `problem` what is wrong with it; the reader drops the message, counts it, and goes on.
    """

    def __init__(self, what: str, problem: str) -> None:
        super().__init__(f"{what}: {problem}")
        self.what = what
        self.problem = problem


def decimal_of(text: str, what: str) -> Decimal:
    """Decimal of `text`. Raises Malformed unless it is a finite number."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise Malformed(what, f"{text!r} is not a decimal number") from None
    if not value.is_finite():
        raise Malformed(what, f"{text!r} is not a finite number")
    return value


def optional_decimal(text: str, what: str) -> Decimal | None:
    """None for the empty text."""
    return decimal_of(text, what) if text else None


def decimal_text(value: Decimal | None) -> str:
    """Plain notation, "" for None."""
    return "" if value is None else format(value, "f")
