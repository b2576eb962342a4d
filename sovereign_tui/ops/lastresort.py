"""What can be found out when everything is broken: which venue, where it listens, and with which keys.

Refuses nothing: what cannot be read is said, and the next best is taken. Keys of the venues of OKX come from the
environment, else from the keyring; those of the simulated exchange from the file that it left, else from its output.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from schemas.settings import Home, SettingsError, load_settings
from schemas.settings.load import toml_value
from schemas.settings.tree import Venue
from schemas.settings.venues import ENVIRONMENTS, VenueMismatch, environment
from schemas.topology import EXCHANGE
from sovereign_tui.ops import plan
from sovereign_tui.ops.keyset import VARIABLES, Keys

_NAME_FILE: Final = "venue"
_VENUE_FILE: Final = "exchange.json"
_NEEDED: Final = ("name", "rest_url")
_KEYLESS: Final = {"SOVEREIGN_API_KEY": "", "SOVEREIGN_SECRET": "", "SOVEREIGN_PASSPHRASE": ""}

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """One way to reach the venue. `source`: where the keys are from."""

    source: str
    rest: str
    simulated: bool
    keys: Keys = field(repr=False)


def venue_settings(path: Path, environ: Mapping[str, str], say: Say) -> Venue:
    """[venue] of the settings; of broken ones, each value that can be used."""
    try:
        return load_settings(path, environ).venue
    except SettingsError as error:
        for problem in error.problems:
            say(f"settings: {problem}")
    found = _scraped(path)
    found |= {
        key: toml_value(text) for key in _NEEDED if (text := environ.get(f"SOVEREIGN_VENUE__{key.upper()}")) is not None
    }
    kept = {key: found[key] for key in _NEEDED if key in found and _usable(key, found[key])}
    venue = Venue.model_validate(kept)
    say(f"settings: of the rest, venue.name = {venue.name!r} and venue.rest_url = {venue.rest_url!r} are used")
    return venue


def venue_name(home: Home, settings: Venue, asked: str, say: Say) -> str:
    """Which venue is meant: the one asked for, that of what runs, that of the settings."""
    if asked:
        return asked
    try:
        running = (home.runtime / _NAME_FILE).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):  # nothing runs that says so
        running = ""
    if running in ENVIRONMENTS:
        return running
    say(f"nothing says which venue runs; {settings.name} of the settings is taken, --venue names another")
    return settings.name


def chances(home: Home, name: str, settings: Venue, environ: Mapping[str, str], say: Say) -> Iterator[Chance]:
    """Ways to reach the venue, the best first; each is looked for when it is asked for."""
    own = ENVIRONMENTS[name]
    if own.keys:
        rest = _rest_url(name, settings, say)
        yield from _of_operator(name, rest, environ, say)
        return
    for path in (home.runtime / _VENUE_FILE, home.runtime / f"{EXCHANGE}.out"):
        found = _first_line(path, say)
        if found is not None:
            keys = Keys(api_key=found.api_key, secret=found.secret, passphrase=found.password)
            yield Chance(source=path.name, rest=found.rest, simulated=False, keys=keys)
    given = [environ.get(variable, "") for variable in VARIABLES]
    if all(given) and settings.rest_url and name == settings.name and not own.feed:
        keys = Keys(api_key=given[0], secret=given[1], passphrase=given[2])
        yield Chance(source="the environment", rest=settings.rest_url, simulated=False, keys=keys)


def _of_operator(name: str, rest: str, environ: Mapping[str, str], say: Say) -> Iterator[Chance]:
    """Of the environment, then of the keyring."""
    from sovereign_tui.ops import credentials  # noqa: PLC0415  # a keyring may be slow, or ask: not before it is needed

    simulated, last = ENVIRONMENTS[name].simulated, None
    for source, found_in in (("the environment", environ), ("the keyring", _KEYLESS)):
        if source == "the environment" and not any(environ.get(variable) for variable in VARIABLES):
            continue
        try:
            keys = credentials.find(name, found_in)
        except credentials.CredentialsError as error:
            say(f"{source}: {error}")
            continue
        if keys is not None and keys != last:
            last = keys
            yield Chance(source=source, rest=rest, simulated=simulated, keys=keys)


def _rest_url(name: str, settings: Venue, say: Say) -> str:
    """OKX's, or that of the settings if keys may go there."""
    own = ENVIRONMENTS[name]
    if not settings.rest_url:
        return own.rest_url
    try:
        return environment(Venue(name=own.name, rest_url=settings.rest_url, ws_url=own.ws_url)).rest_url
    except VenueMismatch as error:
        say(f"settings: {error}; {own.rest_url} is asked")
        return own.rest_url


def _first_line(path: Path, say: Say) -> plan.Venue | None:
    """What the exchange said when it began to listen."""
    try:
        with path.open(encoding="utf-8") as file:
            return plan.Venue.parse(file.readline())
    except FileNotFoundError:
        say(f"{path}: not there")
    except (OSError, UnicodeDecodeError, plan.NotReadable) as error:
        say(f"{path}: {error}")
    return None


def _scraped(path: Path) -> dict[str, Any]:
    """venue.name and venue.rest_url of a file in which something is wrong, perhaps not even TOML."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    try:
        tree = tomllib.loads(text)
        venue = tree.get("venue", {})
        return dict(venue) if isinstance(venue, dict) else {}
    except tomllib.TOMLDecodeError:
        found: dict[str, Any] = {}
    for line in text.splitlines():  # no other section has keys of these names
        try:
            read = tomllib.loads(line)
        except tomllib.TOMLDecodeError:
            continue
        venue = read.get("venue")
        found |= venue if isinstance(venue, dict) else {key: read[key] for key in _NEEDED if key in read}
    return found


def _usable(key: str, value: object) -> bool:
    try:
        Venue.model_validate({key: value})
    except ValidationError:
        return False
    return True
