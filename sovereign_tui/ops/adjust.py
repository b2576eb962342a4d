"""Changing a limit of the running system, and re-arming it: the engine has to say that it did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from schemas.messages import CONFIRMED, SignalKind
from schemas.settings.edit import toml_text, toml_value
from schemas.settings.risk import Risk, changed, loosened
from sovereign_tui.ops.asking import Asker

_SECTION: Final = "risk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """How it went. `loosening`: it needs, or had, the operator's confirmation. `old` and `new` are TOML texts."""

    ok: bool
    text: str
    old: str = ""
    new: str = ""
    loosening: bool = False


class AdjustDesk:
    """Knows the limits that are in force, and asks the engine for others. `log(level, text)` tells everybody."""

    def __init__(self, *, asker: Asker, risk: Risk, log: Callable[[str, str], None]) -> None:
        self._asker = asker
        self._risk = risk
        self._log = log

    async def change(self, key: str, value: str, *, confirmed: bool, issuer: str) -> Adjusted:
        """Set `key` (dotted) to `value` (TOML). A loosening that is not confirmed is not even asked for."""
        section, _, name = key.partition(".")
        if section != _SECTION or name not in Risk.model_fields:
            return Adjusted(ok=False, text=f"{key}: not a key of [{_SECTION}], which alone a running system takes")
        try:
            after = changed(self._risk, {name: toml_value(value)})
        except ValidationError as error:
            return Adjusted(ok=False, text=f"{key} = {value}: {error.errors()[0]['msg']}; give another value")
        old, new = self._text(self._risk, name), self._text(after, name)
        loosening = bool(loosened(self._risk, after))
        if loosening and not confirmed:
            text = f"{key}: {old} -> {new} allows more than now; it needs your confirmation"
            return Adjusted(ok=False, text=text, old=old, new=new, loosening=True)
        ack = await self._asker.ask(
            SignalKind.CONFIG_UPDATE, issuer=issuer, reason=f"{key}: {old} -> {new}",
            target=CONFIRMED if loosening else "", changes={key: new},
        )  # fmt: skip
        refusal = self._asker.refusal(ack)
        how = "loosened, confirmed" if loosening else "not loosened"
        if refusal is not None:
            self._log("warning", f"{key}: {old} -> {new} ({how}) asked by {issuer}: {refusal}; {old} stays")
            return Adjusted(ok=False, text=f"{refusal}; {old} stays", old=old, new=new, loosening=loosening)
        self._risk = changed(self._risk, {name: getattr(after, name)})
        self._log("warning" if loosening else "info", f"{key}: {old} -> {new} ({how}) by {issuer}")
        return Adjusted(ok=True, text=f"{key}: {old} -> {new}", old=old, new=new, loosening=loosening)

    async def rearm(self, issuer: str, reason: str) -> Adjusted:
        """Lift what waits for the operator."""
        ack = await self._asker.ask(SignalKind.REARM, issuer=issuer, reason=reason)
        refusal = self._asker.refusal(ack)
        text = refusal if refusal is not None else (ack.text if ack is not None else "")
        self._log("warning", f"REARM asked by {issuer} ({reason or 'no reason given'}): {text}")
        return Adjusted(ok=refusal is None, text=text)

    @staticmethod
    def _text(risk: Risk, name: str) -> str:
        value: Any = risk.model_dump(mode="json")[name]
        return toml_text(value)
