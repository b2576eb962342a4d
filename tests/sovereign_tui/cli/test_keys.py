"""`sovereign keys`, against exchanges that pose as demo and as live."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.sovereign_tui.cli.support import ROOT, Shell
from tests.support.terminal import terminal

pytestmark = pytest.mark.e2e

RING = {"PYTHON_KEYRING_BACKEND": "tests.support.keyring.TestKeyring"}


@pytest.fixture
def ring(sovereign: Shell) -> dict[str, str]:
    return RING | {"TEST_KEYRING_FILE": str(sovereign.home.data / "ring.json")}


@pytest.fixture
def demo() -> Iterator[dict[str, str]]:
    argv = [sys.executable, "-m", "engine.exchange", "--pose", "demo"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def lines(said: dict[str, str]) -> str:
    return f"{said['apiKey']}\n{said['secret']}\n{said['password']}\n"


def urls(said: dict[str, str]) -> dict[str, str]:
    return {"SOVEREIGN_VENUE__REST_URL": said["rest"], "SOVEREIGN_VENUE__WS_URL": said["ws"]}


def test_keys_are_kept_checked_and_removed(sovereign: Shell, ring: dict[str, str], demo: dict[str, str]) -> None:
    variables = ring | urls(demo)
    missing = sovereign("keys", "check", "demo", **variables)
    assert (missing.code, missing.err) == (78, "sovereign: no keys of demo; `sovereign keys set demo`\n")
    kept = sovereign("keys", "set", "demo", "--stdin", stdin=lines(demo), **variables)
    assert kept.code == 0, kept
    checked = sovereign("keys", "check", "demo", "--json", **variables)
    assert (checked.code, checked.json) == (0, {"ok": True, "venue": "demo", "taken": True, "problems": []})
    assert sovereign("keys", "rm", "demo", **variables).out == "the keys of demo are removed\n"
    assert sovereign("keys", "rm", "demo", **variables).out == "there were no keys of demo\n"
    for run in (missing, kept, checked):
        assert not any(demo[name] in run.out + run.err for name in ("apiKey", "secret", "password"))


def test_a_key_of_the_other_environment_and_a_wrong_secret_are_named(
    sovereign: Shell, ring: dict[str, str], demo: dict[str, str]
) -> None:
    given = dict(
        zip(
            ("SOVEREIGN_API_KEY", "SOVEREIGN_SECRET", "SOVEREIGN_PASSPHRASE"),
            (demo["apiKey"], demo["secret"], demo["password"]),
            strict=True,
        )
    )
    wrong = sovereign("keys", "check", "live", **given, **urls(demo))
    assert wrong.code == 1
    assert "wrong environment" in wrong.err
    assert "(50101)" in wrong.err
    secret = sovereign("keys", "check", "demo", **given | {"SOVEREIGN_SECRET": "nonsense"}, **urls(demo))
    assert (secret.code, "(50113)" in secret.err) == (1, True)
    away = sovereign(
        "keys", "check", "demo", **given,
        SOVEREIGN_VENUE__REST_URL="http://127.0.0.1:1", SOVEREIGN_VENUE__WS_URL="ws://127.0.0.1:1",
    )  # fmt: skip
    assert (away.code, "no answer from http://127.0.0.1:1" in away.err) == (1, True)


def test_without_a_keyring_nothing_is_kept_and_the_mend_is_said(sovereign: Shell) -> None:
    for backend in ("keyring.backends.fail.Keyring", "tests.support.keyring.PlaintextKeyring"):
        run = sovereign("keys", "set", "live", "--stdin", stdin="a\nb\nc\n", PYTHON_KEYRING_BACKEND=backend)
        assert (run.code, "in the environment" in run.err) == (78, True)
    empty = sovereign("keys", "set", "live", "--stdin", stdin="a\n\nc\n", **RING)
    assert (empty.code, empty.err) == (78, "sovereign: secret: empty; nothing was changed\n")
    assert sovereign("keys", "set", "live", **RING).err == "sovereign: not a terminal; give three lines with --stdin\n"


def test_at_a_terminal_the_keys_are_asked_for_without_echo(sovereign: Shell, ring: dict[str, str]) -> None:
    environment = sovereign.environment(**ring)
    with terminal("keys", "set", "live", environment=environment) as shown:
        for label, text in (("API key", "typed-key"), ("secret", "typed-secret"), ("passphrase", "typed-phrase")):
            shown.until(label, lambda screen, label=label: f"{label} of live:" in screen)
            shown.type(f"{text}\n")
        screen = shown.until("it is kept", lambda screen: "are in the keyring" in screen)
    assert "typed-" not in screen
    kept = json.loads((sovereign.home.data / "ring.json").read_text())
    assert kept == {
        "sovereign/live.api_key": "typed-key", "sovereign/live.secret": "typed-secret",
        "sovereign/live.passphrase": "typed-phrase",
    }  # fmt: skip
