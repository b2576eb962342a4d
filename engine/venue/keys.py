"""Can trading begin with these keys and this account? One judgement, for the check of keys and for the engine. Pure.

Source: OKX API guide, "Get account configuration" and "Error Code / REST API".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CREDENTIALS: Final = ("SOVEREIGN_API_KEY", "SOVEREIGN_SECRET", "SOVEREIGN_PASSPHRASE")
"""Under which names a process finds them in its environment."""

_WRONG_KEY: Final = "the venue does not know this API key; make one there, and give it to `sovereign keys set`"
_REASONS: Final[Mapping[str, str]] = {
    "50101": "wrong environment: a key of production is no key of demo trading, and the reverse; make one here",
    "50102": "the clock of this machine is more than 30 s off; set it",
    "50105": "the passphrase is wrong; give all three again to `sovereign keys set`",
    "50110": "this key is bound to other IP addresses; add this machine's at the venue",
    "50111": _WRONG_KEY,
    "50113": "the signature is wrong, so the secret is; give all three again to `sovereign keys set`",
    "50119": _WRONG_KEY,
}


def judge(row: Mapping[str, Any]) -> list[str]:
    """What in an account's configuration keeps it from trading swaps here, one line each with the mend."""
    problems = []
    rights = {right.strip() for right in str(row.get("perm", "")).split(",")}
    if "withdraw" in rights:
        problems.append("this key may withdraw; make one with the rights read and trade only")
    if "trade" not in rights:
        problems.append("this key is read-only; make one with the rights read and trade")
    if row.get("posMode") != "net_mode":
        problems.append(f"position mode is {row.get('posMode')!r}, 'net_mode' needed; set it at the venue")
    if str(row.get("acctLv")) == "1":
        problems.append("account mode is spot (acctLv 1), swaps need futures mode; set it at the venue")
    return problems


def explain(code: str, text: str, venue: str) -> str:
    """A refusal of the keys by the venue of that name, in our words, with its code; `text` is the venue's own."""
    return f"the venue {venue} refuses the keys: {_REASONS.get(code, text or 'no reason given')} ({code})"
