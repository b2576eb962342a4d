from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.settings import Settings, SettingsError
from schemas.settings.edit import Busy, alone, change, toml_text, toml_value, write

FILE = """# mine
[risk]
max_orders_per_s = 5  # enough
instruments = ["BTC-USDT-SWAP"]

[cockpit]
fps = 20
"""


def written(tmp_path: Path, text: str = FILE) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text)
    return path


def test_one_value_changes_and_comments_and_order_stay(tmp_path: Path) -> None:
    found = change(written(tmp_path), "risk.max_orders_per_s", "3", {})
    assert found.text == FILE.replace("max_orders_per_s = 5 ", "max_orders_per_s = 3 ")
    assert (found.value, found.section) == ("3", "risk")
    assert (found.before.risk.max_orders_per_s, found.after.risk.max_orders_per_s) == (5, 3)


@pytest.mark.parametrize(
    ("key", "value", "line"),
    [
        ("venue.name", "demo", '[venue]\nname = "demo"\n'),
        ("brain.frames", '["5m", "1H"]', '[brain]\nframes = ["5m", "1H"]\n'),
        ("risk.collar_pct", "0.5", "collar_pct = 0.5\n"),
        ("risk.require_stop", "false", "require_stop = false\n"),
        ("risk.max_order_contracts", "50", "max_order_contracts = 50\n"),
    ],
)
def test_a_key_or_a_section_that_is_not_there_is_added(tmp_path: Path, key: str, value: str, line: str) -> None:
    assert line in change(written(tmp_path), key, value, {}).text
    assert change(tmp_path / "none.toml", key, value, {}).text.startswith("[")


@pytest.mark.parametrize(
    ("key", "value", "environment", "said"),
    [
        ("risk.max_orders_per_s", "-1", {}, ("max_orders_per_s = -1", "greater than or equal to 0")),
        ("risk.max_order_per_s", "1", {}, ("unknown setting 'risk.max_order_per_s'", "did you mean max_orders_per_s?")),
        ("fps", "1", {}, ("unknown setting 'fps' (did you mean ops?); see `sovereign config show`",)),
        ("risk.a\nb", "1", {}, ("unknown setting 'risk.a\\nb'",)),
        ("risk.max_orders_per_s", "\udcff", {}, ("risk.max_orders_per_s = '\\udcff': not UTF-8",)),
        ("risk.collar_pct", "wide", {}, ("collar_pct = 'wide'", "number")),
        ("wire.market_port", "5556", {}, ("two of the four endpoints are the same",)),
        (
            "risk.collar_pct", "2", {"SOVEREIGN_RISK__COLLAR_PCT": "1"},
            ("SOVEREIGN_RISK__COLLAR_PCT in the environment overrides the file",),
        ),
    ],
)  # fmt: skip
def test_what_would_be_wrong_is_refused_with_the_mend(
    tmp_path: Path, key: str, value: str, environment: dict[str, str], said: tuple[str, ...]
) -> None:
    with pytest.raises(SettingsError) as caught:
        change(written(tmp_path), key, value, environment)
    for part in said:
        assert part in str(caught.value)


def test_the_file_is_replaced_whole_as_private_as_it_was_and_through_a_link(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.chmod(0o640)
    link = tmp_path / "link.toml"
    link.symlink_to(path)
    write(link, "x = 1\n")
    assert (path.read_text(), path.stat().st_mode & 0o777, link.is_symlink()) == ("x = 1\n", 0o640, True)
    new = tmp_path / "new.toml"
    write(new, "x = 1\n")
    assert new.stat().st_mode & 0o777 == 0o600
    assert sorted(found.name for found in tmp_path.iterdir()) == ["link.toml", "new.toml", "settings.toml"]


def test_a_wrong_value_is_said_in_one_line_that_names_the_key_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        change(written(tmp_path), "risk.max_orders_per_s", "true", {})
    assert caught.value.problems == [
        "risk.max_orders_per_s = True: neither true nor false can stand here (Orders in one second); mend the value"
    ]


def test_a_value_with_more_behind_it_is_no_value(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="valid integer"):
        change(written(tmp_path), "risk.max_orders_per_s", '3\n[venue]\nname = "live"', {})


def test_links_in_a_circle_are_refused_as_settings(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.symlink_to(path)
    with pytest.raises(SettingsError, match=r"cannot be read .*symbolic links"):
        change(path, "risk.max_orders_per_s", "3", {})


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path)

    def full(_fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write(path, "x = 1\n")
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("settings.toml", FILE)]


def test_two_changes_at_a_time_wait_for_each_other_or_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path)
    with alone(path, 0), pytest.raises(Busy, match=r"settings.toml: is being changed by another"), alone(path, 0):
        pass
    with alone(path, 0):
        assert [found.name for found in tmp_path.iterdir()] == ["settings.toml"]


@given(st.recursive(st.booleans() | st.integers(-(2**60), 2**60) | st.text(), st.lists, max_leaves=4))
def test_a_value_as_toml_is_read_back_as_the_value(value: Any) -> None:
    assert tomllib.loads(f"x = {toml_text(value)}")["x"] == value


@given(st.sampled_from(sorted(set(Settings().risk.model_dump()) - {"instruments"})))
def test_every_limit_can_be_set_to_its_default_and_the_file_says_so(name: str) -> None:
    text = toml_text(Settings().model_dump(mode="json")["risk"][name])
    found = change(Path("/nonexistent/settings.toml"), f"risk.{name}", text, {})
    assert found.after == Settings()
    assert tomllib.loads(found.text) == {"risk": {name: tomllib.loads(f"x = {text}")["x"]}}


@pytest.mark.parametrize("text", ["[" * 3_000, "9" * 5_000])
def test_a_value_beyond_reason_is_a_text_and_no_crash(text: str) -> None:
    assert toml_value(text) == text
