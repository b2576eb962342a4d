from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.exchange.__main__ import read_settings
from schemas.settings import Home, HomeError, Settings, SettingsError, default_toml, load_settings
from sovereign_tui.ops import plan


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return path


def test_without_a_file_and_an_environment_all_is_default(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml", {}) == Settings()


def test_the_printed_defaults_are_the_defaults() -> None:
    assert Settings.model_validate(tomllib.loads(default_toml())) == Settings()


def test_the_environment_overrides_the_file_and_other_variables_are_no_settings(tmp_path: Path) -> None:
    path = written(tmp_path, "[wire]\nmarket_port = 6001\ncommand_port = 6002\n")
    settings = load_settings(
        path,
        {
            "SOVEREIGN_WIRE__COMMAND_PORT": "7002",
            "SOVEREIGN_VENUE__NAME": "sim",
            "SOVEREIGN_HOME": "/x",
            "PATH": "y__z",
        },
    )
    assert (settings.wire.market, settings.wire.command) == ("tcp://127.0.0.1:6001", "tcp://127.0.0.1:7002")


def test_an_ipc_endpoint_takes_the_place_of_host_and_port(tmp_path: Path) -> None:
    settings = load_settings(written(tmp_path, '[wire]\nmarket_endpoint = "ipc:///tmp/m"\n'), {})
    assert settings.wire.market == "ipc:///tmp/m"


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("[wire]\n\nmarket_port = 0\n", {}, ("line 3", "wire.market_port = 0", "greater than or equal to 1")),
        ("[wire]\nmarkt_port = 1\n", {}, ("line 2", "unknown setting wire.markt_port", "did you mean market_port?")),
        ("[wyre]\n", {}, ("line 1", "unknown setting wyre", "did you mean wire?")),
        ("[brain]\nprimary = \"1H\"\n", {}, ("'1H'", "is not among frames", "add it there")),
        ("[brain]\nframes = [\"7m\"]\n", {}, ("7m unknown", "choose from")),
        ("[brain]\nbook_threshold = 0.5\n", {}, ("line 2", "0.5", "greater than 0.5")),
        ("[wire]\nhost = \"0.0.0.0\"\n", {}, ("not loopback", "expose = true")),
        ("[wire]\nmarket_port = 5556\n", {}, ("two of the four endpoints are the same",)),
        ("", {"SOVEREIGN_WIRE__MARKET_PORT": "abc"}, ("environment SOVEREIGN_WIRE__MARKET_PORT", "'abc'", "integer")),
        ("x = [", {}, ("not TOML", "mend that line")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_its_place_its_value_and_the_mend(
    tmp_path: Path, text: str, environment: dict[str, str], said: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, text), environment)
    for part in said:
        assert part in str(caught.value)


def test_every_problem_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(written(tmp_path, "[wire]\nmarket_port = 0\n[cockpit]\nfps = 99\n"), {})
    assert len(caught.value.problems) == 2


def test_sovereign_home_moves_everything(tmp_path: Path) -> None:
    home = Home.from_environment({"SOVEREIGN_HOME": str(tmp_path)})
    home.prepare()
    for path in (home.settings_file, home.keys, home.runtime, home.data, home.control_socket, home.logs):
        assert path.is_relative_to(tmp_path)
    assert home.runtime.stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_made_is_named_with_the_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeError, match="set SOVEREIGN_HOME"):
        Home.from_environment({"SOVEREIGN_HOME": str(tmp_path / "file" / "home")}).prepare()


def test_a_home_too_deep_for_a_unix_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HomeError, match="shorter path"):
        Home.from_environment({"SOVEREIGN_HOME": str(tmp_path / ("x" * 120))}).prepare()


@pytest.mark.parametrize(
    ("key", "wrong", "right"),
    [
        ("seed", str(2**63), str(2**63 - 1)),
        ("balance_usdt", "1e12", "999999999999"),
        ("latency_ms", "5.5", "5.0"),
        ("speed", "1001", "1000"),
        ("speed", '"01"', '"max"'),
    ],
)
def test_what_the_simulated_exchange_would_not_start_with_is_no_setting(
    tmp_path: Path, key: str, wrong: str, right: str
) -> None:
    with pytest.raises(SettingsError, match=f"line 2: exchange.{key} = "):
        load_settings(written(tmp_path, f"[exchange]\n{key} = {wrong}\n"), {})
    settings = load_settings(written(tmp_path, f"[exchange]\n{key} = {right}\n"), {})
    argv = plan.exchange(settings, plan.new_venue()).argv
    read_settings(argv[argv.index("engine.exchange") + 1 :], {})


def test_a_variable_that_is_no_setting_is_named_and_not_the_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "none.toml", {"SOVEREIGN_NOPE__X": "1", "SOVEREIGN_VENUE__NAME__X": "1"})
    assert [problem.partition(": ")[0] for problem in caught.value.problems] == [
        "environment SOVEREIGN_VENUE__NAME__X", "environment SOVEREIGN_NOPE__X",
    ]  # fmt: skip
