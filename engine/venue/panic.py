"""`python -m engine.venue.panic`: straight to the venue with ccxt, cancel what is open, and ask until nothing is.

It needs no settings, no home, no engine and no ops: the URL comes on the command line, the keys in the environment. It
says what it does as it does it, one JSON object a line on stdout; the last one is {"result": ...}. Exit code 0 only if
the venue said that nothing is open (and that all is flat, with --flatten). Times are monotonic ns. It loads nothing
that it does not need: that would be time in which orders rest.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import ccxt
import orjson

from engine.venue.calls import Call, Pause, Reply, Said
from engine.venue.keys import CREDENTIALS, explain
from engine.venue.sweep import Sweep
from schemas.clock import NS_PER_S, Clock, SystemClock

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1

_CALL_S: Final = 3.0
"""Longest wait for one answer: the next call may go where this one did not."""
_LEAST_S: Final = 0.05
_ALARM_AGAIN_S: Final = 0.5
"""An alarm in the wrong moment is lost: what it raises may meet somebody who drops it."""
_NO_KEYS: Final = "50103"
_HIDDEN: Final = "***"
_SHORTEST_SECRET: Final = 4

Emit = Callable[[Mapping[str, Any]], None]


class Okx:
    """ccxt, at its lowest level: the venue's own codes, and no call that it makes by itself. Never shows a key."""

    def __init__(self, *, rest: str, keys: Sequence[str], simulated: bool) -> None:
        self._secrets = [text for text in keys if len(text) >= _SHORTEST_SECRET]
        api_key, secret, password = keys
        self._client: Any = ccxt.okx(
            {"apiKey": api_key, "secret": secret, "password": password, "enableRateLimit": False}
        )
        self._client.urls["api"]["rest"] = rest.rstrip("/")
        if simulated:
            self._client.headers = {"x-simulated-trading": "1"}

    def ask(self, call: Call, wait_s: float) -> Reply:
        """The venue's answer within `wait_s`, whatever it is."""
        client = self._client
        client.timeout = max(_LEAST_S, min(_CALL_S, wait_s)) * 1000
        client.last_http_response = None
        try:
            with _ended_after(client.timeout / 1000):
                getattr(client, _entry(call))(call.params)
            trouble = ""
        except (ccxt.AuthenticationError, UnicodeError) as error:
            if client.last_http_response is None:  # they cannot even be sent
                return Reply(code=_NO_KEYS, text="a key is empty, or has a character that no key has")
            trouble = type(error).__name__
        except (ccxt.BaseError, OSError, ValueError) as error:  # the body, if there is one, says it better
            trouble = type(error).__name__
        return self._reply(client.last_http_response, trouble)

    def set_clock(self, wait_s: float) -> str:
        """Sign by the venue's clock from now on. Returns why not, "" when it is done."""
        reply = self.ask(Call(method="GET", path="public/time"), wait_s)
        try:
            venue_ms = int(reply.rows[0]["ts"])
        except (IndexError, KeyError, ValueError):
            return f"{reply.text or 'no answer'}"
        self._client.options["timeDifference"] = self._client.milliseconds() - venue_ms
        return ""

    def _reply(self, body: str | None, trouble: str) -> Reply:
        try:
            envelope = orjson.loads(self._hide(body or ""))  # whatever it quotes
            code, text = str(envelope["code"]), str(envelope.get("msg") or "")
            rows = tuple(row for row in envelope.get("data") or () if isinstance(row, dict))
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return Reply(code=None, text=trouble or "an answer that is not OKX's")
        return Reply(code=code, text=text, rows=rows)

    def _hide(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def _entry(call: Call) -> str:
    """What ccxt calls it: privatePostTradeCancelAlgos."""
    side = "public" if call.path.startswith("public/") else "private"
    words = call.path.replace("/", "-").split("-")
    return side + "".join(word.capitalize() for word in (call.method, *words))


@contextlib.contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """Raises TimeoutError in what still goes on then.

    A time-out of a socket counts from byte to byte: who sends one now and then would keep it waiting for ever. Only the
    main thread can be rung at; in another nothing is raised.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, _ALARM_AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _ring(number: int, frame: object) -> None:
    raise TimeoutError("the time for this call is over")


class Driver:
    """Carries a sweep out until it ends, or its time is over. `timeout_s` 0: for ever."""

    def __init__(self, okx: Okx, *, clock: Clock, sleep: Callable[[float], None], emit: Emit, timeout_s: float) -> None:
        self._okx, self._clock, self._sleep, self._emit = okx, clock, sleep, emit
        self._began_ns = clock.monotonic_ns()
        self._timeout_s = timeout_s
        self._steps: dict[str, dict[str, int]] = {}

    def run(self, sweep: Sweep) -> dict[str, Any]:
        """The result, as JSON takes it."""
        self._set_clock()
        ended = self._drive(sweep)
        tally = sweep.tally
        fields = asdict(tally)
        canceled = fields.pop("canceled")
        problems = [f"{text}, {times} times" if times > 1 else text for text, times in tally.problems.items()]
        if not ended:
            problems.append(f"the venue has not confirmed within {self._timeout_s:g} s; look at the venue yourself")
        return {
            **fields, "canceled": canceled["ordId"], "algos_canceled": canceled["algoId"], "problems": problems,
            "began_ns": self._began_ns, "ended_ns": self._clock.monotonic_ns(), "steps": self._steps,
        }  # fmt: skip

    def _drive(self, sweep: Sweep) -> bool:
        """Whether it came to its end."""
        steps = sweep.steps()
        reply: Reply | None = None
        while True:
            try:
                item = steps.send(reply)
            except StopIteration:
                return True
            reply = None
            if isinstance(item, Said):
                self._say(item)
                continue
            left_s = self._left_s()
            if left_s <= 0:
                steps.close()
                return False
            if isinstance(item, Call):
                reply = self._okx.ask(item, left_s)
            else:
                self._wait(item, left_s)

    def _wait(self, pause: Pause, left_s: float) -> None:
        if pause.resync:
            self._set_clock()
        self._sleep(min(pause.seconds, left_s))

    def _set_clock(self) -> None:
        problem = self._okx.set_clock(self._left_s())
        if problem:
            self._say(Said(step="clock", text=f"the venue does not tell its time ({problem}); ours is used"))

    def _left_s(self) -> float:
        if not self._timeout_s:
            return _CALL_S
        return self._timeout_s - (self._clock.monotonic_ns() - self._began_ns) / NS_PER_S

    def _say(self, said: Said) -> None:
        now_ns = self._clock.monotonic_ns()
        times = self._steps.setdefault(said.step, {"first_ns": now_ns, "last_ns": now_ns})
        times["last_ns"] = now_ns
        self._emit({"mono_ns": now_ns, "step": said.step, "code": said.code, "text": said.text})


def write_line(value: Mapping[str, Any]) -> None:
    """One line on stdout. A reader that is gone stops nothing."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(orjson.dumps(value).decode() + "\n")
        sys.stdout.flush()


def main(argv: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """The process."""
    parser = argparse.ArgumentParser(prog="python -m engine.venue.panic", description=__doc__)
    parser.add_argument("--rest", required=True, help="base URL of the venue's REST API")
    parser.add_argument("--venue", default="", help="its name, for messages")
    parser.add_argument("--simulated", action="store_true", help="send the header of OKX's demo trading")
    parser.add_argument("--flatten", action="store_true", help="also cancel algo orders and close all positions")
    parser.add_argument("--instrument", default="", help="only this instId; default: all of the account")
    parser.add_argument("--timeout", type=float, default=60.0, help="s until it gives up; 0: never")
    given = parser.parse_args(argv)
    okx = Okx(rest=given.rest, keys=[environ.get(name, "") for name in CREDENTIALS], simulated=given.simulated)
    driver = Driver(okx, clock=SystemClock(), sleep=time.sleep, emit=write_line, timeout_s=given.timeout)
    result = driver.run(Sweep(flatten=given.flatten, instrument=given.instrument))
    if result["keys_refused"]:
        result["problems"] = [explain(result["keys_refused"], "", given.venue), *result["problems"]]
    write_line({"result": result})
    return EXIT_OK if result["confirmed"] else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
