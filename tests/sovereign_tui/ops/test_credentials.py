from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import keyring
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyring.backends import fail, null
from keyring.errors import KeyringLocked

from sovereign_tui.ops import credentials
from sovereign_tui.ops.credentials import CredentialsError
from sovereign_tui.ops.keyset import VARIABLES, Keys
from tests.support.keyring import PlaintextKeyring, TestKeyring

DEMO = Keys(api_key="demo-key", secret="demo-secret", passphrase="demo-phrase")
LIVE = Keys(api_key="live-key", secret="live-secret", passphrase="live-phrase")


@pytest.fixture(autouse=True)
def ring() -> Iterator[TestKeyring]:
    before = keyring.get_keyring()
    memory = TestKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_demo_and_live_are_kept_apart_and_removed_apart() -> None:
    credentials.store("demo", DEMO)
    assert credentials.find("live", {}) is None
    credentials.store("live", LIVE)
    assert (credentials.find("demo", {}), credentials.find("live", {})) == (DEMO, LIVE)
    assert credentials.remove("live")
    assert not credentials.remove("live")
    assert (credentials.find("demo", {}), credentials.find("live", {})) == (DEMO, None)


def test_the_environment_wins_and_needs_no_keyring() -> None:
    credentials.store("live", LIVE)
    assert credentials.find("live", DEMO.variables()) == DEMO
    keyring.set_keyring(fail.Keyring())
    assert credentials.find("live", DEMO.variables()) == DEMO


@given(st.sets(st.sampled_from(VARIABLES), min_size=1, max_size=2))
def test_half_of_the_keys_in_the_environment_is_refused_and_not_filled_up_from_the_keyring(given: set[str]) -> None:
    credentials.store("live", LIVE)
    missing = ", ".join(name for name in VARIABLES if name not in given)
    with pytest.raises(CredentialsError, match=f"but not {missing}; set or unset all"):
        credentials.find("live", dict.fromkeys(given, "x"))


@pytest.mark.parametrize(
    "wrong", ["two\nlines", "end\r\nX: y", "schlüssel", "ключ", "\udcff", " lead", "tab\t", "nul\0"]
)
@pytest.mark.parametrize("at", range(3))
def test_what_no_header_can_hold_is_refused_by_its_name_and_not_shown(wrong: str, at: int) -> None:
    texts = ["a", "b", "c"]
    texts[at] = wrong
    keys = Keys(api_key=texts[0], secret=texts[1], passphrase=texts[2])
    for attempt in (lambda: credentials.store("live", keys), lambda: credentials.find("live", keys.variables())):
        with pytest.raises(CredentialsError) as caught:
            attempt()
        assert str(caught.value).startswith(
            f"the {('api key', 'secret', 'passphrase')[at]} has a character that no key"
        )
        assert wrong not in str(caught.value)
    assert credentials.find("live", {}) is None


def test_keys_of_which_a_part_is_gone_do_not_count_and_are_still_removed(ring: TestKeyring) -> None:
    credentials.store("live", LIVE)
    ring.delete_password("sovereign", "live.secret")
    assert credentials.find("live", {}) is None
    assert credentials.remove("live")


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        (fail.Keyring(), "there is no keyring here"),
        (null.Keyring(), "there is no keyring here"),
        (PlaintextKeyring(), "PlaintextKeyring keeps secrets in clear, which is refused"),
        (type("Gnome", (TestKeyring,), {"__module__": "keyrings.alt.Gnome"})(), "keeps secrets in clear"),
    ],
)
def test_a_keyring_that_keeps_nothing_or_in_clear_is_refused_with_the_mend(backend: TestKeyring, said: str) -> None:
    keyring.set_keyring(backend)
    for act in (
        lambda: credentials.store("live", LIVE),
        lambda: credentials.find("live", {}),
        lambda: credentials.remove("live"),
    ):
        with pytest.raises(CredentialsError) as caught:
            act()
        assert said in str(caught.value)
        assert "SOVEREIGN_API_KEY, SOVEREIGN_SECRET, SOVEREIGN_PASSPHRASE in the environment" in str(caught.value)


def test_of_several_keyrings_the_first_safe_one_is_used(monkeypatch: pytest.MonkeyPatch, ring: TestKeyring) -> None:
    chain = SimpleNamespace(backends=[PlaintextKeyring(), ring])
    monkeypatch.setattr(keyring, "get_keyring", lambda: chain)
    assert credentials.safe_backend() is ring


def test_a_locked_keyring_is_named_without_any_secret(monkeypatch: pytest.MonkeyPatch, ring: TestKeyring) -> None:
    def locked(*_: str) -> None:
        raise KeyringLocked("live-secret")

    monkeypatch.setattr(ring, "set_password", locked)
    with pytest.raises(CredentialsError, match="cannot be used \\(KeyringLocked\\); unlock") as caught:
        credentials.store("live", LIVE)
    assert "live-secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("before", [None, LIVE])
@pytest.mark.parametrize("error", [KeyringLocked("cancelled"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_keys_that_are_broken_off_midway_leave_those_before_them(
    monkeypatch: pytest.MonkeyPatch, ring: TestKeyring, at: int, error: BaseException, before: Keys | None
) -> None:
    if before is not None:
        credentials.store("demo", before)
    write, calls = ring.set_password, iter(range(100))

    def breaks(service: str, username: str, password: str) -> None:
        if next(calls) == at:
            raise error
        write(service, username, password)

    monkeypatch.setattr(ring, "set_password", breaks)
    with pytest.raises((CredentialsError, KeyboardInterrupt)):
        credentials.store("demo", DEMO)
    assert credentials.find("demo", {}) == before
    assert credentials.remove("demo") == (before is not None)


def test_the_repr_shows_nothing() -> None:
    assert repr(LIVE) == "Keys()"
