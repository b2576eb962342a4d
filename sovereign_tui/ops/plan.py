"""What is started, and with what: command lines and environments, as data. Secrets travel in the environment alone."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sovereign_tui
from schemas.settings import Home, Settings
from schemas.settings.venues import DEMO, LIVE, PAPER, Environment, environment
from schemas.topology import BRAIN, ENGINE, EXCHANGE
from sovereign_tui.ops.keyset import VARIABLES as _CREDENTIALS
from sovereign_tui.ops.keyset import Keys

START_ORDER: Final = (EXCHANGE, ENGINE, BRAIN)
STOP_ORDER: Final = (BRAIN, ENGINE, EXCHANGE)
_ELSEWHERE: Final = frozenset({DEMO, LIVE})
"""Venues that are no process of ours."""

_BRAIN_NICE: Final = 5
"""A third of the share of ops and engine, of a processor that they all want."""

CONFIRMED: Final = "SOVEREIGN_LIVE_CONFIRMED"
"""Names the instrument that the operator has confirmed for live trading; never inherited from the user's shell."""
_SIM_CREDENTIALS: Final = ("SOVEREIGN_SIM_API_KEY", "SOVEREIGN_SIM_SECRET", "SOVEREIGN_SIM_PASSWORD")
_ROOT: Final = Path(sovereign_tui.__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One process to start. `environment` may hold secrets: never logged.

    `held_back`: signals that wait until the process says that it is ready for them, instead of killing it.
    `nice`: added to our own niceness: how far it stands back where the others want the processor too. `waits`: whoever
    is at work is not interrupted when it wakes up (SCHED_BATCH, where there is one).
    """

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    held_back: frozenset[signal.Signals] = frozenset()
    nice: int = 0
    waits: bool = False

    def __repr__(self) -> str:
        return f"Command({' '.join(self.argv)})"


class NotReadable(ValueError):
    """The exchange's first line is not what it has to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Venue:
    """Where the engine trades, and its keys: the first line of our exchange on stdout, or a venue of OKX.

    `confirmed`: the instrument that the operator has confirmed for live trading.
    """

    rest: str
    ws: str
    api_key: str
    secret: str
    password: str
    confirmed: str = ""

    @classmethod
    def parse(cls, line: str) -> Venue:
        """Raises: NotReadable."""
        try:
            found = json.loads(line)
            texts = [found[key] for key in ("rest", "ws", "apiKey", "secret", "password")]
        except (ValueError, KeyError, TypeError) as error:
            raise NotReadable(f"the exchange's first line lacks something ({error})") from None
        if not all(isinstance(text, str) and text for text in texts):
            raise NotReadable("the exchange's first line has an empty field")
        return cls(rest=texts[0], ws=texts[1], api_key=texts[2], secret=texts[3], password=texts[4])

    @property
    def port(self) -> int:
        """The port of the REST URL. Raises: NotReadable."""
        text = self.rest.rstrip("/").rpartition(":")[2]
        if not text.isdigit():
            raise NotReadable(f"the exchange's REST URL {self.rest!r} has no port")
        return int(text)

    def __repr__(self) -> str:
        return f"Venue({self.rest})"


def new_venue() -> Venue:
    """A free port of loopback and new keys, for all starts of one system."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return Venue(
        rest=f"http://127.0.0.1:{port}", ws="", api_key=secrets.token_hex(16),
        secret=secrets.token_hex(16), password=secrets.token_hex(8),
    )  # fmt: skip


def remote(where: Environment, keys: Keys, confirmed: str) -> Venue:
    """A venue of OKX with the operator's keys."""
    return Venue(
        rest=where.rest_url, ws=where.ws_url, api_key=keys.api_key, secret=keys.secret, password=keys.passphrase,
        confirmed=confirmed,
    )  # fmt: skip


def start_order(settings: Settings) -> tuple[str, ...]:
    """What runs for the venue of the settings, in the order in which it is started."""
    return tuple(name for name in START_ORDER if name != EXCHANGE or settings.venue.name not in _ELSEWHERE)


def module(name: str, *arguments: str) -> tuple[str, ...]:
    """The command line of one of our modules. -P: a directory `engine` where the user happens to be is not ours."""
    return (sys.executable, "-P", "-m", name, *arguments)


def exchange(settings: Settings, venue: Venue) -> Command:
    """The simulated exchange on the port and with the keys of `venue`; for paper it follows OKX's public data."""
    options = settings.exchange
    arguments = [
        "--port", str(venue.port), "--seed", str(options.seed), "--balance", str(options.balance_usdt),
        "--latency-ms", str(options.latency_ms), "--speed", options.speed,
    ]  # fmt: skip
    if settings.venue.name == PAPER:
        where = environment(settings.venue)
        arguments += ["--follow", f"{where.ws_url}/public", "--follow-rest", where.rest_url]
    elif options.recording:
        arguments += ["--recording", options.recording]
    if options.frames_per_s:
        arguments += ["--frames-per-s", str(options.frames_per_s)]
    if settings.blackbox.enabled:
        kept = Home.from_environment().blackbox
        arguments += ["--blackbox", str(kept), "--blackbox-keep-gb", str(settings.blackbox.keep_gb)]
    keys = dict(zip(_SIM_CREDENTIALS, (venue.api_key, venue.secret, venue.password), strict=True))
    return Command(argv=module("engine.exchange", *arguments), environment=base_environment() | keys, waits=True)


def engine(venue: Venue) -> Command:
    """The engine against `venue`."""
    added = dict(zip(_CREDENTIALS, (venue.api_key, venue.secret, venue.password), strict=True))
    added |= {"SOVEREIGN_VENUE__REST_URL": venue.rest, "SOVEREIGN_VENUE__WS_URL": venue.ws}
    if venue.confirmed:
        added[CONFIRMED] = venue.confirmed
    return Command(
        argv=module("engine"), environment=base_environment() | added,
        held_back=frozenset({signal.SIGUSR1, signal.SIGUSR2}),
    )  # fmt: skip


def brain() -> Command:
    """The brain: it knows no credentials, and a flood of its orders is not to keep a halt from ops and the engine."""
    return Command(argv=module("brain"), environment=base_environment(), nice=_BRAIN_NICE, waits=True)


def ops(added: Mapping[str, str]) -> Command:
    """Ops; `added`: the operator's keys and confirmation, where the venue asks for them."""
    return Command(argv=module("sovereign_tui.ops"), environment={**base_environment(), **added})


def check(name: str, credentials: Mapping[str, str]) -> Command:
    """The process that shows the keys of a venue to it; one JSON object on stdout."""
    added = {**credentials, "SOVEREIGN_VENUE__NAME": name}
    return Command(argv=module("engine.venue.check"), environment=base_environment() | added)


def panic(name: str, rest: str, credentials: Mapping[str, str], *options: str) -> Command:
    """The process that goes to the venue directly, without settings and home; its last line is a result."""
    argv = module("engine.venue.panic", "--venue", name, "--rest", rest, *options)
    return Command(argv=argv, environment={**base_environment(), **credentials})


def base_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Ours, without credentials and confirmations, able to import this very checkout, its home named absolutely."""
    secret = {*_CREDENTIALS, *_SIM_CREDENTIALS, CONFIRMED}
    kept = {key: value for key, value in environment.items() if key not in secret}
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (str(_ROOT), environment.get("PYTHONPATH", ""))))
    kept["PYTHONUNBUFFERED"] = "1"
    if home := environment.get("SOVEREIGN_HOME"):
        kept["SOVEREIGN_HOME"] = str(Path(home).expanduser().absolute())
    return kept
