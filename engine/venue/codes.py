"""OKX's codes, as FACTS.md and its guide explain them. Pure.

What is not in this table nobody here can explain: it may have been done, and no new risk is taken until the operator
has looked. Source: OKX API guide, "Error Code".
"""

from __future__ import annotations

from typing import Final

BUSY: Final = frozenset({"50011", "50061", "50040"})
"""Not processed, and may be sent again a little later."""

UNKNOWN: Final = frozenset({"50004", "51149", "50001", "50026", "50013"})
"""It may have been done: ask first. The last three are "busy", and promise nothing."""

GONE: Final = frozenset({"51400", "51401", "51402", "51410", "51412", "51503", "51511", "51603"})
"""The order has ended, or never was; for a cancel this is often success."""

NOT_FOUND: Final = "51603"

CLOCK: Final = frozenset({"50102", "50112", "60004", "60006", "50036", "50037"})
"""Our time, or one made of it, is not the venue's."""
KEYS: Final = frozenset(
    {
        "50100", "50101", "50103", "50104", "50105", "50106", "50107", "50108", "50109", "50110", "50111", "50113",
        "50114", "50119", "60005", "60007", "60009", "60024", "60032",
    }
)  # fmt: skip
"""Of the keys and their environment: nothing helps but other keys."""
_REQUEST: Final = frozenset(
    {
        "50000", "50002", "50012", "50014", "50015", "50016", "50038", "51000", "51001", "51003", "51016", "51020",
        "51065", "51068", "51071", "51100", "51121", "51150", "60012", "60013", "60014", "60018", "60031",
    }
)  # fmt: skip
_MONEY: Final = frozenset({"51004", "51008", "51119", "51127", "51131", "51201", "51202"})
_PRICE: Final = frozenset(
    {
        "51006", "51046", "51047", "51048", "51049", "51050", "51051", "51052", "51053", "51136", "51137", "51138",
        "51277", "51278", "51279", "51280",
    }
)  # fmt: skip
_POSITION: Final = frozenset({"51023", "51112", "51115", "51117", "51169", "51170", "51513"})
_SETUP: Final = frozenset({"51010", "50072", "54036", "59000", *(str(code) for code in range(59100, 59111))})
_LINKS: Final = frozenset({"60011", "64001", "64003", "64008"})
_REFUSALS: Final = CLOCK | KEYS | _REQUEST | _MONEY | _PRICE | _POSITION | _SETUP | _LINKS | GONE


def explained(code: str) -> bool:
    """Whether the guide says what this code means. 51008 comes with suffixes."""
    return code in _REFUSALS or code in BUSY or code in UNKNOWN or code.startswith("51008_")
