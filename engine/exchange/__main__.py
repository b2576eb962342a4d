"""`python -m engine.exchange`: reads the flags, builds the parts, says where it listens, runs until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, NoReturn

import orjson
import uvloop

from engine.exchange import rule_options
from engine.exchange.config import DEFAULT_SEED, ConfigError, Credentials, Settings
from engine.exchange.evidence import PROCESS, Evidence
from engine.exchange.exchange import Exchange
from engine.exchange.faults import catalogue, load
from engine.exchange.faults.switchboard import Switchboard
from engine.exchange.market.events import MarketSource
from engine.exchange.market.follow import Follower
from engine.exchange.market.history import Minute, synthesise
from engine.exchange.market.live import LiveMarket
from engine.exchange.market.past import PastError, fetch
from engine.exchange.market.recording import Recording, RecordingError
from engine.exchange.market.synthetic import SyntheticMarket
from engine.exchange.parent import parent_gone
from engine.exchange.server import HOST, Server
from schemas.blackbox import BlackboxWriter, NullTap, Tap
from schemas.clock import NS_PER_MS, SystemClock

BAD_CONFIGURATION: Final = 78
_RETRY_S: Final = 2.0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        say(f"{message}; see --help")
        sys.exit(BAD_CONFIGURATION)


def say(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"exchange: {text}\n")
    sys.stderr.flush()


def read_settings(argv: Sequence[str], environ: Mapping[str, str]) -> Settings:
    """Flags and environment. Raises: ConfigError; SystemExit for what argparse itself refuses."""
    parser = _Parser(
        prog="python -m engine.exchange",
        description="A simulated OKX v5 for BTC-USDT-SWAP.",
        epilog=f"{rule_options.help_text()}\n\n{catalogue.help_text()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", default="0", help="loopback port; 0 takes a free one")
    parser.add_argument("--seed", default=str(DEFAULT_SEED), help="seed of the synthetic market and of the past")
    parser.add_argument("--recording", action="append", default=[], metavar="FILE", help="again: what continues it")
    parser.add_argument("--follow", default="", metavar="URL", help="OKX's public websocket as the outside market")
    parser.add_argument("--follow-rest", default="", metavar="URL", help="where the past of that market is asked for")
    parser.add_argument("--speed", default="1", help="of the recording: a factor of at least 1, or max")
    parser.add_argument("--balance", default="100000", help="USDT")
    parser.add_argument("--latency-ms", default="0", help="how long an order call takes: its answer is late by it")
    parser.add_argument("--frames-per-s", default="0", help="benchmark: bbo-tbt frames at this rate")
    parser.add_argument("--faults", default=None, metavar="FILE", help="TOML: what goes wrong, and when; see below")
    parser.add_argument("--rule", action="append", default=[], metavar="NAME=VALUE", help="again for each; see below")
    parser.add_argument("--blackbox", default=None, metavar="DIR", help="record private calls and what orders became")
    parser.add_argument("--blackbox-keep-gb", default="20", help="delete the oldest of DIR beyond this")
    parser.add_argument("--parent-pid", default=None, help="exit when this process is gone")
    parser.add_argument("--pose", choices=("demo", "live"), default=None, help="refuse the other one's requests: 50101")
    for name in ("api-key", "secret", "password"):
        parser.add_argument(f"--{name}", default=None, help=f"better: SOVEREIGN_SIM_{name.upper().replace('-', '_')}")
    given = parser.parse_args(argv)
    credentials = Credentials(
        api_key=environ.get("SOVEREIGN_SIM_API_KEY") or given.api_key or secrets.token_hex(16),
        secret=environ.get("SOVEREIGN_SIM_SECRET") or given.secret or secrets.token_hex(16).upper(),
        passphrase=environ.get("SOVEREIGN_SIM_PASSWORD") or given.password or secrets.token_hex(8),
        simulated=None if given.pose is None else given.pose == "demo",
    )
    parent = given.parent_pid
    if given.follow and given.recording:
        raise ConfigError("recording", given.recording[0], "leave it out, or --follow: the market is one of the two")
    if given.follow_rest and not given.follow:
        raise ConfigError("follow-rest", given.follow_rest, "give --follow too: it is the past of that market")
    return Settings(
        credentials=credentials,
        port=_whole("port", given.port, 0, 65_535),
        seed=_whole("seed", given.seed, 0, 2**63 - 1),
        recordings=tuple(Path(name) for name in given.recording),
        follow=_url("follow", given.follow, "ws://", "wss://"),
        follow_rest=_url("follow-rest", given.follow_rest, "http://", "https://"),
        speed=_speed(given.speed),
        balance=_positive("balance", given.balance),
        latency_ms=_whole("latency-ms", given.latency_ms, 0, 60_000),
        frames_per_s=_whole("frames-per-s", given.frames_per_s, 0, 100_000),
        rules=rule_options.read_rules(given.rule),
        parent_pid=None if parent is None else _whole("parent-pid", parent, 1, 2**31),
        faults=None if given.faults is None else Path(given.faults),
        blackbox=None if given.blackbox is None else Path(given.blackbox),
        blackbox_keep_gb=_positive("blackbox-keep-gb", given.blackbox_keep_gb),
    )


def _whole(field: str, text: str, least: int, most: int) -> int:
    mend = f"give a whole number from {least} to {most}"
    try:
        value = int(text)
    except ValueError:
        raise ConfigError(field, text, mend) from None
    if not least <= value <= most:
        raise ConfigError(field, text, mend)
    return value


def _url(field: str, text: str, *schemes: str) -> str:
    if text and not text.startswith(schemes):
        raise ConfigError(field, text, f"give a URL that begins with {' or '.join(schemes)}")
    return text.rstrip("/")


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    mend = "give a factor from 1 to 1000, or max"
    try:
        value = float(text)
    except ValueError:
        raise ConfigError("speed", text, mend) from None
    if not 1 <= value <= 1000:
        raise ConfigError("speed", text, mend)
    return value


def _positive(field: str, text: str) -> Decimal:
    mend = "give an amount above 0, like 100000"
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ConfigError(field, text, mend) from None
    if not value.is_finite() or not 0 < value < 10**12:
        raise ConfigError(field, text, mend)
    return value


def build(settings: Settings, tap: Tap) -> Server:
    """The parts around a market of our own. Raises: ConfigError if the recording or the faults cannot be used."""
    source: MarketSource
    if settings.recordings:
        try:
            source = Recording(
                settings.recordings,
                settings.speed,
                lambda why: say(f"recording: {why}; the last book stays and the feed is silent from here"),
            )
        except RecordingError as error:
            raise ConfigError("recording", str(settings.recordings[0]), str(error)) from error
    else:
        source = SyntheticMarket(settings.seed)
    bids, _ = source.opening()
    return _serve(settings, tap, source, synthesise(settings.seed, bids[0].px))


def _serve(
    settings: Settings,
    tap: Tap,
    source: MarketSource,
    past: list[Minute],
    valid: Callable[[int], bool] = lambda now_ns: True,
) -> Server:
    clock = SystemClock()
    plan = load.Plan(seed=None, faults=()) if settings.faults is None else load.read(settings.faults)
    faults = Switchboard(settings.seed if plan.seed is None else plan.seed, clock)
    faults.arm_all(plan.faults)
    exchange = Exchange(
        clock=clock,
        source=source,
        past=past,
        balance=settings.balance,
        rules=settings.rules,
        faults=faults,
        valid=valid,
    )
    return Server(
        exchange, settings.credentials, latency_ms=settings.latency_ms, frames_per_s=settings.frames_per_s,
        evidence=None if isinstance(tap, NullTap) else Evidence(tap, clock),
    )  # fmt: skip


async def _build_following(settings: Settings, tap: Tap, market: LiveMarket, follower: Follower) -> Server:
    """The parts around a market that is followed, as soon as its book and its past are known."""
    clock = SystemClock()
    past: list[Minute] | None = None
    while past is None or market.problem:
        await follower.first_book()
        if not settings.follow_rest:
            past = synthesise(settings.seed, market.opening()[0][0].px)
            continue
        try:
            past = await fetch(settings.follow_rest, clock.wall_ns() // NS_PER_MS)
        except PastError as error:
            say(f"follow-rest: {error}; asked for again")
            await asyncio.sleep(_RETRY_S)
    return _serve(settings, tap, market, past, market.valid)


async def run(settings: Settings) -> None:
    """Serves until SIGTERM, SIGINT or the parent's end. Raises: ConfigError if port or recording cannot be had."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    tasks: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait())]
    tap = _blackbox(settings)
    if settings.parent_pid is not None:
        tasks.append(asyncio.create_task(parent_gone(settings.parent_pid)))
    server = None
    try:
        server = await _made(settings, tap, tasks)
        if server is None:
            return
        try:
            port = await server.start(settings.port)
        except OSError as error:
            mend = f"{error.strerror or error}; give another port, or 0 for a free one"
            raise ConfigError("port", settings.port, mend) from error
        line = {
            "rest": f"http://{HOST}:{port}",
            "ws": f"ws://{HOST}:{port}/ws/v5",
            "apiKey": settings.credentials.api_key,
            "secret": settings.credentials.secret,
            "password": settings.credentials.passphrase,
        }
        sys.stdout.write(orjson.dumps(line).decode() + "\n")
        sys.stdout.flush()
        tasks.append(asyncio.create_task(server.wait()))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        if server is not None:
            await server.stop()
        if isinstance(tap, BlackboxWriter):
            tap.close()


def _blackbox(settings: Settings) -> Tap:
    if settings.blackbox is None:
        return NullTap()
    keep_bytes = int(settings.blackbox_keep_gb * 2**30)
    return BlackboxWriter(settings.blackbox, PROCESS, SystemClock(), keep_bytes=keep_bytes, vital_wakes=False)


async def _made(settings: Settings, tap: Tap, tasks: list[asyncio.Task[object]]) -> Server | None:
    """The server; None, if it was told to stop before the followed market was there. Raises: ConfigError."""
    if not settings.follow:
        return build(settings, tap)
    market = LiveMarket()
    follower = Follower(settings.follow, market, clock=SystemClock(), say=say)
    tasks.append(asyncio.create_task(follower.run()))
    making = asyncio.create_task(_build_following(settings, tap, market, follower))
    try:
        await asyncio.wait([*tasks, making], return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
        return making.result() if making.done() else None
    finally:
        making.cancel()


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 after a stop, 78 for a configuration that cannot work."""
    try:
        settings = read_settings(sys.argv[1:] if argv is None else argv, os.environ)
        uvloop.run(run(settings))
    except ConfigError as error:
        say(str(error))
        return BAD_CONFIGURATION
    return 0


if __name__ == "__main__":
    sys.exit(main())
