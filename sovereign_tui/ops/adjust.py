"""Changing a setting of the running system, and re-arming it: each process has to say what it does about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError

from schemas.messages import CONFIRMED, SignalKind
from schemas.settings import Settings, SettingsError
from schemas.settings.edit import changed_setting, toml_text, toml_value
from schemas.settings.readers import SECRET, when
from schemas.settings.risk import Risk, changed, loosened
from schemas.settings.venues import LIVE
from schemas.topology import ENGINE, OPS
from sovereign_tui.ops.asking import Asker
from sovereign_tui.ops.telemetry import SignalAck

_SECTION: Final = "risk"
_LATER: Final = "it counts from the next start, once the settings file has it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjusted:
    """How it went. `loosening`: it needs, or had, the operator's confirmation. `old` and `new` are TOML texts.

    `processes`: name -> what it says about it, of each that was asked.
    """

    ok: bool
    text: str
    old: str = ""
    new: str = ""
    loosening: bool = False
    processes: Mapping[str, str] = field(default_factory=dict)


class AdjustDesk:
    """Knows the settings that are in force, and asks the engine for other limits. `log(level, text)` tells everybody.

    `running`: the processes that hear signals now.
    """

    def __init__(
        self, *, asker: Asker, settings: Settings, running: Callable[[], Set[str]], log: Callable[[str, str], None]
    ) -> None:
        self._asker = asker
        self._settings = settings
        self._risk = settings.risk
        self._live = settings.venue.name == LIVE
        self._running = running
        self._log = log

    async def change(self, key: str, value: str, *, confirmed: bool, issuer: str) -> Adjusted:
        """Set `key` (dotted) to `value` (TOML). What needs a confirmation and has none is not even asked for.

        A limit is changed in the running engine; of every other setting each process says when it takes it.
        """
        section, _, name = key.partition(".")
        if section != _SECTION:
            return await self._change_later(key, value, confirmed=confirmed, issuer=issuer)
        if name not in Risk.model_fields:
            return Adjusted(ok=False, text=f"{key}: not a key of [{_SECTION}]")
        try:
            after = changed(self._risk, {name: toml_value(value)})
        except ValidationError as error:
            return Adjusted(ok=False, text=f"{key} = {value}: {error.errors()[0]['msg']}; give another value")
        old, new = self._text(self._risk, name), self._text(after, name)
        loosening = bool(loosened(self._risk, after))
        if not confirmed and (loosening or self._live):
            why = "allows more than now; it" if loosening else "on the venue live: every change"
            return Adjusted(ok=False, text=f"{key}: {old} -> {new} {why} needs your confirmation", old=old, new=new,
                            loosening=True)  # fmt: skip
        acks = await self._asker.ask_all(
            SignalKind.CONFIG_UPDATE, of={ENGINE}, beside=self._running(), issuer=issuer,
            reason=f"{key}: {old} -> {new}", target=CONFIRMED if loosening else "", changes={key: new},
        )  # fmt: skip
        refusal = self._asker.refusal(acks.get(ENGINE))
        how = "loosened, confirmed" if loosening else "not loosened"
        took = f"{old} stays" if refusal is not None else f"judges by {new} from now on"
        processes = self._said(acks, self._running() | {ENGINE}) | {OPS: took}
        if refusal is not None:
            self._log("warning", f"{key}: {old} -> {new} ({how}) asked by {issuer}: {refusal}; {old} stays")
            return Adjusted(ok=False, text=f"{refusal}; {old} stays", old=old, new=new, loosening=loosening,
                            processes=processes)  # fmt: skip
        self._risk = changed(self._risk, {name: getattr(after, name)})
        self._log("warning" if loosening else "info", f"{key}: {old} -> {new} ({how}) by {issuer}")
        return Adjusted(
            ok=True, text=f"{key}: {old} -> {new}", old=old, new=new, loosening=loosening, processes=processes
        )

    async def _change_later(self, key: str, value: str, *, confirmed: bool, issuer: str) -> Adjusted:
        """A setting that nobody takes while it runs: everybody is told, and says so."""
        if key in SECRET:
            return Adjusted(ok=False, text=f"{key} may hold a secret, and is told nobody; `sovereign config set {key}`")
        try:
            given = toml_value(value)
            changed_setting(self._settings, key, given)
        except SettingsError as error:
            return Adjusted(ok=False, text="; ".join(error.problems))
        section, _, name = key.partition(".")
        found = self._settings.model_dump(mode="json")[section][name]
        old, new = "" if found is None else toml_text(found), toml_text(given)
        if self._live and not confirmed:
            text = f"{key}: {old} -> {new} on the venue live: every change needs your confirmation"
            return Adjusted(ok=False, text=text, old=old, new=new, loosening=True)
        asked = self._running()
        acks = await self._asker.ask_all(
            SignalKind.CONFIG_UPDATE, of=asked, issuer=issuer, reason=f"{key}: {old} -> {new}", changes={key: new}
        )  # fmt: skip
        silent = sorted(asked - acks.keys())
        text = f"{key}: {old} -> {new}; {_LATER}"
        if silent:
            text = f"{', '.join(silent)} has not answered within {self._asker.wait_s:g} s; {text}"
        self._log("info" if not silent else "warning", f"{text}; by {issuer}")
        processes = self._said(acks, asked) | {OPS: when(OPS, key)}
        return Adjusted(ok=not silent, text=text, old=old, new=new, processes=processes)

    def _said(self, acks: Mapping[str, SignalAck], asked: Set[str]) -> dict[str, str]:
        return {name: acks[name].text if name in acks else "has not answered" for name in sorted(asked)}

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
