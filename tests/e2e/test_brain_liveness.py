"""However the brain stops, the engine notices in 3.0 to 3.5 s, and believes it again only after it showed progress."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.drill.ops import PORT
from tests.drill.record import before, read
from tests.drill.rig import Rig, rig
from tests.support.proxy import Proxy, proxy
from tests.support.system import free_ports

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

STILL_S = "4.5"
PROOF_BEATS = 3
HELD_BACK_MS = "3800"
"""Longer than the engine waits: ops would have replaced a killed brain before it counts as dead."""


def nothing() -> None:
    """It comes back by itself."""


def ways_to_stop(here: Rig, line: Proxy) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """How it is stopped, and how it is let go."""

    def send(number: int) -> Callable[[], object]:
        return lambda: here.signal("brain", number)

    return {
        "SIGSTOP": (send(signal.SIGSTOP), send(signal.SIGCONT)),
        "a blocked event loop": (send(signal.SIGUSR2), nothing),
        "a long garbage collection": (send(signal.SIGUSR1), nothing),
        "a cut socket": (line.cut, line.mend),
        "SIGKILL": (send(signal.SIGKILL), nothing),
    }


def test_each_way_to_stop_is_noticed_in_time_and_forgiven_only_after_progress() -> None:
    (port,) = free_ports(1)
    with proxy(port) as line:
        variables = {PORT: str(line.port), "FRAIL_S": STILL_S, "SOVEREIGN_WIRE__COMMAND_PORT": str(port)}
        with rig(
            brain="tests.support.frail_brain", variables=variables, OPS__BACKOFF_MIN_MS=HELD_BACK_MS,
            SIZING__COOLDOWN_S="86400", SAFETY__BRAIN_PROOF_BEATS=str(PROOF_BEATS),
        ) as here:  # fmt: skip
            began_ns: dict[str, int] = {}
            for name, (stop, let_go) in ways_to_stop(here, line).items():
                began_ns[name] = here.now_ns()
                stop()
                here.await_cause("brain_dead")
                let_go()
                here.await_state("ACTIVE")
            here.settle()
            story = read(here.home.blackbox)
    for name, at_ns in began_ns.items():
        seen_ns = story.said("brain_dead: ", at_ns)
        assert seen_ns is not None, name
        beat_ns = before(story.beats, seen_ns)
        assert beat_ns is not None, name
        assert 2.99 <= (seen_ns - beat_ns) / 1e9 <= 3.5, name  # a heartbeat is recorded after it was judged
        over_ns = story.said("brain_returning is over", seen_ns)
        assert over_ns is not None, name
        assert len([beat for beat in story.beats if seen_ns < beat <= over_ns]) >= PROOF_BEATS, name
