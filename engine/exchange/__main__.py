"""`python -m engine.exchange`: reads the flags, builds the parts, says where it listens, runs until told to stop."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, NoReturn

import orjson
import uvloop

from engine.exchange.config import DEFAULT_SEED, ConfigError, Credentials, Settings
from engine.exchange.exchange import Exchange
from engine.exchange.market.events import MarketSource
from engine.exchange.market.history import synthesise
from engine.exchange.market.recording import Recording, RecordingError
from engine.exchange.market.synthetic import SyntheticMarket
from engine.exchange.server import HOST, Server
from schemas.clock import SystemClock

BAD_CONFIGURATION: Final = 78
_PARENT_CHECK_S: Final = 0.5


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
    parser = _Parser(prog="python -m engine.exchange", description="A simulated OKX v5 for BTC-USDT-SWAP.")
    parser.add_argument("--port", default="0", help="loopback port; 0 takes a free one")
    parser.add_argument("--seed", default=str(DEFAULT_SEED), help="seed of the synthetic market and of the past")
    parser.add_argument("--recording", action="append", default=[], metavar="FILE", help="again: what continues it")
    parser.add_argument("--speed", default="1", help="of the recording: a factor of at least 1, or max")
    parser.add_argument("--balance", default="100000", help="USDT")
    parser.add_argument("--latency-ms", default="0", help="delay of the answers to orders")
    parser.add_argument("--frames-per-s", default="0", help="benchmark: bbo-tbt frames at this rate")
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
    return Settings(
        credentials=credentials,
        port=_whole("port", given.port, 0, 65_535),
        seed=_whole("seed", given.seed, 0, 2**63),
        recordings=tuple(Path(name) for name in given.recording),
        speed=_speed(given.speed),
        balance=_balance(given.balance),
        latency_ms=_whole("latency-ms", given.latency_ms, 0, 60_000),
        frames_per_s=_whole("frames-per-s", given.frames_per_s, 0, 100_000),
        parent_pid=None if parent is None else _whole("parent-pid", parent, 1, 2**31),
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


def _balance(text: str) -> Decimal:
    mend = "give an amount of USDT above 0, like 100000"
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ConfigError("balance", text, mend) from None
    if not value.is_finite() or not 0 < value < 10**12:
        raise ConfigError("balance", text, mend)
    return value


def build(settings: Settings) -> Server:
    """The parts, put together. Raises: ConfigError if the recording cannot be used."""
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
    exchange = Exchange(
        clock=SystemClock(),
        source=source,
        past=synthesise(settings.seed, bids[0].px),
        balance=settings.balance,
        rules=settings.rules,
    )
    return Server(exchange, settings.credentials, latency_ms=settings.latency_ms, frames_per_s=settings.frames_per_s)


async def run(settings: Settings) -> None:
    """Serves until SIGTERM, SIGINT or the parent's end. Raises: ConfigError if the port cannot be had."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    server = build(settings)
    tasks: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait())]
    if settings.parent_pid is not None:
        tasks.append(asyncio.create_task(_parent_gone(settings.parent_pid)))
    try:
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
        await server.stop()


async def _parent_gone(pid: int) -> None:
    """Returns when the process has ended. A pidfd also notices one that nobody has reaped yet."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    except (AttributeError, OSError):  # not Linux: ask again and again
        while _alive(pid):
            await asyncio.sleep(_PARENT_CHECK_S)
        return
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(fd, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(fd)
        os.close(fd)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


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
