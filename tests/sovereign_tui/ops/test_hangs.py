from __future__ import annotations

import asyncio
import http.server
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from schemas.clock import NS_PER_S
from schemas.settings import Settings
from sovereign_tui.ops.children import Child
from sovereign_tui.ops.exchange_pulse import PATH, ask_exchange
from sovereign_tui.ops.hangs import HangWatch, slept_ns
from sovereign_tui.ops.supervisor import Policy, State
from tests.support.clock import ManualClock

POLICY = Policy.of(Settings())


@dataclass
class Process:
    """A child as the watch sees it."""

    name: str
    pid: int = 7
    state: State = State.RUNNING
    policy: Policy = POLICY
    hung: list[str] = field(default_factory=list)

    def hang(self, reason: str) -> None:
        self.hung.append(reason)
        self.state = State.HUNG


class Scene:
    """One process, ops beside it, and time that passes in turns of half a second."""

    def __init__(self, **process: Any) -> None:
        self.clock = ManualClock()
        self.process = Process("engine", **process)
        self.pulses: dict[tuple[str, int], int] = {}
        self.slept_ns = 0
        self.said: list[str] = []
        self.watch = HangWatch(
            children={"engine": cast(Child, self.process)}, pulse_ns=lambda name, pid: self.pulses.get((name, pid)),
            clock=self.clock, log=lambda level, text: self.said.append(text), slept=lambda: self.slept_ns,
        )  # fmt: skip

    def beat(self) -> None:
        self.pulses["engine", self.process.pid] = self.clock.monotonic_ns()

    def pass_s(self, seconds: float) -> None:
        for _ in range(round(seconds * 2)):
            self.watch.look()
            self.clock.advance(s=0.5)
        self.watch.look()


def test_a_process_that_beats_is_left_alone_and_one_that_stopped_to_is_ended() -> None:
    scene = Scene()
    for _ in range(10):
        scene.beat()
        scene.pass_s(10)
    scene.beat()
    scene.pass_s(15)
    assert scene.process.hung == []
    scene.pass_s(0.5)
    assert (scene.process.hung, scene.said) == (["gave no heartbeat for 15 s"], [])


def test_one_that_runs_and_never_beat_is_ended_after_the_same_time() -> None:
    scene = Scene()
    scene.pass_s(15)
    assert scene.process.hung == []
    scene.pass_s(0.5)
    assert scene.process.hung == ["gave no heartbeat for 15 s"]


def test_the_heartbeat_of_the_process_before_counts_for_nobody_and_a_new_one_has_its_time() -> None:
    scene = Scene()
    scene.beat()
    scene.pass_s(10)
    scene.process.pid = 8
    scene.pass_s(15)
    assert scene.process.hung == []
    scene.pass_s(0.5)
    assert len(scene.process.hung) == 1


@pytest.mark.parametrize("state", [state for state in State if state is not State.RUNNING])
def test_only_what_runs_is_judged(state: State) -> None:
    scene = Scene(state=state)
    scene.pass_s(60)
    assert scene.process.hung == []


def test_a_timeout_of_zero_means_never() -> None:
    scene = Scene(policy=Policy.of(Settings.model_validate({"ops": {"hang_timeout_s": 0}})))
    scene.pass_s(1_000)
    assert scene.process.hung == []


def test_after_a_freeze_of_ops_nobody_is_judged_by_what_could_not_be_heard() -> None:
    scene = Scene()
    scene.beat()
    scene.pass_s(5)
    scene.clock.advance(s=60)
    scene.pass_s(15)
    assert (scene.process.hung, scene.said) == ([], ["ops did not run for 60.0 s; all ages begin anew"])
    scene.pass_s(0.5)
    assert scene.process.hung == ["gave no heartbeat for 15 s"]


def test_after_a_sleep_of_the_machine_ages_begin_anew_though_our_clock_stood_still() -> None:
    scene = Scene()
    scene.beat()
    scene.pass_s(14)
    scene.slept_ns += 3_600 * NS_PER_S
    scene.pass_s(14)
    assert (scene.process.hung, scene.said) == ([], ["ops did not run for 3600.0 s; all ages begin anew"])


def test_the_machine_says_how_long_it_slept() -> None:
    assert slept_ns() - slept_ns() + NS_PER_S >= 0  # both clocks are there, and near each other


@pytest.fixture
def exchange() -> Iterator[str]:
    """Refuses the first call, answers the second, then is gone."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == PATH else 404)
            self.end_headers()

        def log_message(self, *said: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_the_exchange_beats_as_long_as_it_answers_and_only_while_it_runs(exchange: str) -> None:
    async def scenario() -> list[tuple[str, int]]:
        heard: list[tuple[str, int]] = []
        process, twice = Process("exchange"), asyncio.Event()

        def pulse(name: str, pid: int) -> None:
            heard.append((name, pid))
            if len(heard) == 2:
                process.state = State.STOPPING
                twice.set()

        asking = asyncio.ensure_future(ask_exchange(cast(Child, process), lambda: exchange, pulse, every_s=0.01))
        async with asyncio.timeout(10):
            await twice.wait()
        await asyncio.sleep(0.05)
        asking.cancel()
        return heard

    assert asyncio.run(scenario()) == [("exchange", 7), ("exchange", 7)]


def test_an_exchange_that_is_gone_or_not_known_yet_has_no_heartbeat(exchange: str) -> None:
    async def scenario() -> tuple[int, int]:
        asked: list[str | None] = [None, "http://127.0.0.1:9", exchange]
        heard, answered = list[int](), asyncio.Event()

        def url() -> str | None:
            return asked.pop(0) if len(asked) > 1 else asked[0]

        def pulse(name: str, pid: int) -> None:
            heard.append(len(asked))
            answered.set()

        asking = asyncio.ensure_future(ask_exchange(cast(Child, Process("exchange")), url, pulse, every_s=0.01))
        async with asyncio.timeout(10):
            await answered.wait()
        asking.cancel()
        return heard[0], len(heard)

    assert asyncio.run(scenario()) == (1, 1)
