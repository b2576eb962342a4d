"""An engine whose keys the venue refuses stops, says why, and asks to be left alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from schemas.process import EXIT_CONFIG
from tests.e2e.test_venues import KEYS, posing
from tests.support.system import system

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

WRONG = "n0ns3ns3n0ns3ns3"


@pytest.mark.parametrize(
    ("pose", "wrong", "code", "said"),
    [
        ("demo", {"SECRET": WRONG}, "50113", "the signature is wrong, so the secret is"),
        ("demo", {"PASSPHRASE": WRONG}, "50105", "the passphrase is wrong"),
        ("demo", {"API_KEY": WRONG}, "50111", "the venue does not know this API key"),
        ("live", {}, "50101", "wrong environment"),
    ],
)
def test_refused_at_its_first_contact_the_engine_ends_with_78_and_the_venues_code(
    pose: str, wrong: dict[str, str], code: str, said: str
) -> None:
    with (
        posing(pose) as venue,
        system(VENUE__NAME="demo", VENUE__REST_URL=venue["rest"], VENUE__WS_URL=venue["ws"], **KEYS | wrong) as here,
    ):
        done = subprocess.run(
            [sys.executable, "-m", "engine"], env=here.environment, capture_output=True, text=True, timeout=30,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == EXIT_CONFIG, done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith(f"sovereign engine: venue: the venue demo refuses the keys: {said}")
        assert last.endswith(f"({code})")
        assert "Traceback" not in done.stderr
        assert not any(text in done.stderr for text in (WRONG, *KEYS.values()))
        assert here.pids() == []
