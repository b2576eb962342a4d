"""What `panic` finds out when everything is broken."""

from __future__ import annotations

import json
from pathlib import Path

import keyring
import pytest

from schemas.settings import Home
from schemas.settings.tree import Venue
from sovereign_tui.ops.credentials import store
from sovereign_tui.ops.keyset import Keys
from sovereign_tui.ops.lastresort import Chance, chances, venue_name, venue_settings
from tests.support.keyring import TestKeyring

ENVIRONMENT = {"SOVEREIGN_API_KEY": "k", "SOVEREIGN_SECRET": "s", "SOVEREIGN_PASSPHRASE": "p"}
OF_ENVIRONMENT = Keys(api_key="k", secret="s", passphrase="p")
OF_KEYRING = Keys(api_key="ring-k", secret="ring-s", passphrase="ring-p")
SAID = {"rest": "http://127.0.0.1:7", "ws": "ws://127.0.0.1:7", "apiKey": "a", "secret": "b", "password": "c"}
OF_EXCHANGE = Keys(api_key="a", secret="b", passphrase="c")
OKX = "https://www.okx.com"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home.from_environment({"SOVEREIGN_HOME": str(tmp_path)})
    made.prepare()
    return made


@pytest.fixture
def ring() -> object:
    before = keyring.get_keyring()
    keyring.set_keyring(TestKeyring())
    store("demo", OF_KEYRING)
    yield
    keyring.set_keyring(before)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[venue]\nname = "live"\n', Venue(name="live")),
        ('[venue]\nname = "live"\nleverage = -7\n', Venue(name="live")),
        ('[venue]\nname = "demo"\nrest_url = "https://eea.okx.com"\n[nonsense\n',
         Venue(name="demo", rest_url="https://eea.okx.com")),
        ('venue.name = "demo"\nx = \n', Venue(name="demo")),
        ('[venue]\nname = "moon"\n', Venue()),
        ("venue = 3\n", Venue()),
        ("\x00\xff", Venue()),
    ],
)  # fmt: skip
def test_of_broken_settings_what_can_be_used_is(tmp_path: Path, text: str, wanted: Venue) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    said: list[str] = []
    assert venue_settings(path, {}, said.append) == wanted
    assert (said == []) == (text == '[venue]\nname = "live"\n')


def test_the_environment_overrides_broken_settings_and_an_unreadable_file_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    environ = {"SOVEREIGN_VENUE__NAME": "live", "SOVEREIGN_RISK__MAX_CONTRACTS": "many"}
    assert venue_settings(tmp_path, environ, said.append) == Venue(name="live")
    assert said[-1] == "settings: of the rest, venue.name = 'live' and venue.rest_url = '' are used"


def test_the_venue_is_the_one_asked_for_else_what_runs_else_the_settings(home: Home) -> None:
    said: list[str] = []
    live = Venue(name="live")
    assert venue_name(home, live, "", said.append) == "live"
    assert said == ["nothing says which venue runs; live of the settings is taken, --venue names another"]
    (home.runtime / "venue").write_text("moon")
    assert venue_name(home, live, "", said.append) == "live"
    (home.runtime / "venue").write_text("paper\n")
    assert venue_name(home, live, "", said.append) == "paper"
    assert venue_name(home, live, "demo", said.append) == "demo"
    assert len(said) == 2


def test_keys_of_okx_come_from_the_environment_then_from_the_keyring(home: Home, ring: object) -> None:
    said: list[str] = []
    found = list(chances(home, "demo", Venue(name="demo"), ENVIRONMENT, said.append))
    assert found == [
        Chance(source="the environment", rest=OKX, simulated=True, keys=OF_ENVIRONMENT),
        Chance(source="the keyring", rest=OKX, simulated=True, keys=OF_KEYRING),
    ]
    assert said == []
    some = list(chances(home, "demo", Venue(name="demo"), {"SOVEREIGN_SECRET": "s"}, said.append))
    assert [chance.source for chance in some] == ["the keyring"]
    assert "SOVEREIGN_API_KEY, SOVEREIGN_PASSPHRASE" in said[0]
    assert list(chances(home, "live", Venue(name="live"), {}, said.append)) == []


def test_keys_go_to_the_url_of_the_settings_only_where_they_are_safe(home: Home, ring: object) -> None:
    said: list[str] = []
    for url, wanted in (
        ("https://eea.okx.com", "https://eea.okx.com"), ("http://127.0.0.1:9", "http://127.0.0.1:9"),
        ("http://evil.example", OKX), ("nonsense", OKX),
    ):  # fmt: skip
        (chance,) = chances(home, "demo", Venue(name="demo", rest_url=url), {}, said.append)
        assert chance.rest == wanted
    assert len(said) == 2


def test_the_exchange_is_found_by_its_file_or_its_output(home: Home) -> None:
    said: list[str] = []
    (home.runtime / "exchange.out").write_text(json.dumps(SAID) + "\n")
    of_output = Chance(source="exchange.out", rest=SAID["rest"], simulated=False, keys=OF_EXCHANGE)
    assert list(chances(home, "sim", Venue(), {}, said.append)) == [of_output]
    assert said == [f"{home.runtime / 'exchange.json'}: not there"]
    (home.runtime / "exchange.json").write_text("{")
    assert list(chances(home, "paper", Venue(name="paper"), {}, said.append)) == [of_output]
    (home.runtime / "exchange.json").write_text(json.dumps(SAID))
    first, second = chances(home, "sim", Venue(), {}, said.append)
    assert (first.source, second) == ("exchange.json", of_output)


def test_the_environment_is_tried_for_an_exchange_that_left_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    nowhere = Home.from_environment({"SOVEREIGN_HOME": str(tmp_path / "nowhere")})
    settings = Venue(rest_url="http://127.0.0.1:9", ws_url="ws://127.0.0.1:9")
    wanted = Chance(source="the environment", rest="http://127.0.0.1:9", simulated=False, keys=OF_ENVIRONMENT)
    assert list(chances(nowhere, "sim", settings, ENVIRONMENT, said.append)) == [wanted]
    assert list(chances(nowhere, "paper", settings, ENVIRONMENT, said.append)) == []
