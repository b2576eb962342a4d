"""`make soak-cockpit SOAK_MINUTES=10`: does a cockpit that is used all the time grow?

A busy stand-in system, a real cockpit in a pty, and a key or two each second, at random, through all screens, dialogs,
themes, sizes and a recorded session. Its memory is read each 5 s. SEED=... repeats a run's keys. Exit code 1 where it
grew, or ended.

The judgement: the median of the last third of the run is at most 3 MB above that of the second. The first third is
left out, since there caches and histories fill; a median passes over what a dialog or a replay takes for a moment. What
is kept on purpose (1,000 log lines, half an hour of equity) is under 1 MB, and a leak of 1 kB a frame would be 2 MB in
the 200 s between the middles of the two thirds of ten minutes: shorter runs are not judged, only shown.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import random
import signal
import struct
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil

from tests.bench.cockpit import scene
from tests.bench.cockpit_screen import Screen
from tests.bench.figures import NotMeasured
from tests.sovereign_tui.replay.support import Tape, life

EVERY_S: Final = 5.0
MOST_MB: Final = 3.0
LEAST_MINUTES: Final = 10.0
_BETWEEN_KEYS_S: Final = 0.2
_BARS: Final = "▁▂▃▄▅▆▇█"
_ESC: Final = b"\x1b"
_SIZES: Final = ((120, 40), (200, 60), (80, 24), (60, 15), (130, 34))

Keys = tuple[bytes, ...]
OFTEN: Final[tuple[Keys, ...]] = (
    *((str(number).encode(),) for number in range(1, 10)),
    (b"\t",), (b"\t", b"\t"), (b"\x1b[Z",), (b"z",), (b"p",), (b"t",), (b"o",), (b"j", b"j"), (b"k",), (b"g",), (b"G",),
    (b"\x1b[A",), (b"\x1b[B",), (b"\x1b[C",), (b"\x1b[D",), (b"\x1b[5~",), (b"\x1b[6~",), (b"[",), (b"]",), (b"y",),
    (b"+",), (b"-",), (b"\x1b[1;2C",), (b"\x1b[1;2D",), (b" ", b" "), (b"a",),
)  # fmt: skip
"""What one moment does; what holds the screen still or opens something also ends it."""
DIALOGS: Final[tuple[Keys, ...]] = (
    (b"?", _ESC), (b":", b"zoo", _ESC), (b"/", b"bx", _ESC), (b"/", b"bx", b"\r", b"/", _ESC), (b"q", _ESC),
    (b"f", b"FLAT", _ESC), (b"f", b"no\r"), (b"r",), (b"8", b"j", b"\r", b"9", _ESC), (b"9", b"\r", b"1"),
    (b"9", b" ", b"G", _ESC), (b"3", b"\t", b"\r", _ESC), (b"4", b"\t", b"\t", b"\r", _ESC),
)  # fmt: skip
SELDOM: Final[tuple[Keys, ...]] = ((b"\x0b",), (b"s",))


def grown_mb(samples: Sequence[float]) -> float:
    """The median of the last third above that of the second, MB. Raises: NotMeasured, of fewer than 3 samples."""
    third = len(samples) // 3
    if not third:
        raise NotMeasured("the soak: fewer than three samples")
    return median(samples[-third:]) - median(samples[-2 * third : -third])


def curve(samples: Sequence[float], width: int = 60) -> str:
    """The samples as a line of bars, from the least to the most of them."""
    low, high = min(samples), max(samples)
    step = max(1, -(-len(samples) // width))
    means = [sum(samples[at : at + step]) / len(samples[at : at + step]) for at in range(0, len(samples), step)]
    return "".join(_BARS[round((each - low) / ((high - low) or 1) * (len(_BARS) - 1))] for each in means)


def moment(rng: random.Random) -> Keys:
    """What is pressed next."""
    return rng.choice(rng.choices((OFTEN, DIALOGS, SELDOM), (70, 27, 3))[0])


def memory_mb(screen: Screen, logs: Path) -> float:
    """Of the cockpit's own two processes: the parent that guards the terminal, and the screen. Raises: NotMeasured."""
    with contextlib.suppress(psutil.NoSuchProcess):
        if screen.process.poll() is None:
            parent = psutil.Process(screen.process.pid)
            return sum(float(each.memory_info().rss) for each in (parent, *parent.children())) / 1e6
    said = "\n".join(path.read_text() for path in logs.glob("crash-*"))
    raise NotMeasured(f"the cockpit ended with {screen.process.wait()}\n{said}")


def resize(screen: Screen, columns: int, rows: int) -> None:
    """Another window."""
    fcntl.ioctl(screen.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(screen.process.pid, signal.SIGWINCH)  # it is nobody's controlling terminal


def press(screen: Screen, keys: Keys) -> None:
    """One after the other, as fast as a person."""
    for key in keys:
        screen.type(key)
        time.sleep(_BETWEEN_KEYS_S)


def soak(minutes: float, seed: int) -> list[float]:
    """The samples, MB. Raises: NotMeasured, where the cockpit ended."""
    rng, samples = random.Random(seed), []
    with scene() as there:
        record(there.home)
        logs = there.home / "data" / "logs"
        with there.screen() as screen:
            started = time.monotonic()
            while (past := time.monotonic() - started) < minutes * 60:
                if past >= EVERY_S * len(samples):
                    samples.append(memory_mb(screen, logs))
                    print(f"  {past:5.0f} s  {samples[-1]:6.1f} MB", flush=True)
                if rng.random() < 0.03:
                    resize(screen, *rng.choice(_SIZES))
                press(screen, moment(rng))
                time.sleep(max(0.0, 1.0 - (time.monotonic() - started - past)))
            samples.append(memory_mb(screen, logs))
    return samples


def record(home: Path) -> None:
    """A session that can be replayed."""
    folder = home / "data" / "blackbox"
    folder.mkdir(parents=True, exist_ok=True)
    life(Tape(folder), 60)


def main() -> int:
    """The whole program."""
    environment: Any = os.environ
    minutes, seed = float(environment.get("SOAK_MINUTES", "10")), int(environment.get("SEED", time.time_ns() % 10_000))
    print(f"the cockpit for {minutes:g} minutes, SEED={seed}: resident memory of both its processes")
    try:
        samples = soak(minutes, seed)
        grown = grown_mb(samples)
    except NotMeasured as error:
        print(f"FAILED: {error}")
        return 1
    thirds = len(samples) // 3
    middles = [median(samples[at : at + thirds]) for at in (0, len(samples) - 2 * thirds, len(samples) - thirds)]
    print(f"{curve(samples)}  {min(samples):.1f}..{max(samples):.1f} MB")
    print(f"medians of the thirds: {', '.join(f'{each:.1f}' for each in middles)} MB; grown by {grown:+.2f} MB")
    if minutes < LEAST_MINUTES:
        print(f"not judged: that takes {LEAST_MINUTES:g} minutes")
        return 0
    print("ok" if grown <= MOST_MB else f"FAILED: more than {MOST_MB:g} MB")
    return 0 if grown <= MOST_MB else 1


if __name__ == "__main__":
    sys.exit(main())
