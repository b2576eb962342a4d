"""Faults from TOML and from JSON: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.exchange.config import ConfigError
from engine.exchange.faults.load import Plan, of_json, read
from engine.exchange.faults.switchboard import Fault


def written(folder: Path, text: str) -> Path:
    path = folder / "faults.toml"
    path.write_text(text)
    return path


def test_a_file_holds_a_seed_and_faults(tmp_path: Path) -> None:
    text = """
        seed = 7

        [[fault]]
        name = "ack_lost"
        times = 1

        [[fault]]
        name = "partial_fills"
        share = 0.25
        probability = 0.5
        after_ms = 1000
    """
    assert read(written(tmp_path, text)) == Plan(
        seed=7,
        faults=(
            Fault(name="ack_lost", times=1),
            Fault(name="partial_fills", share=0.25, probability=0.5, after_ms=1000),
        ),
    )
    assert read(written(tmp_path, "")) == Plan(seed=None, faults=())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seed = -1", ("seed: -1", "whole number")),
        ("seed = true", ("seed: True", "whole number")),
        ("faults = []", ("faults: []", "[[fault]]")),
        ("fault = 3", ("fault: 3", "a list")),
        ("fault = [3]", ("fault[0]: 3", "with a name")),
        ("[[fault]]\ntimes = 1", ("fault[0].name: None", "name the fault")),
        ('[[fault]]\nname = "ack_lost"\n[[fault]]\nname = "ack"', ("fault[1].name: 'ack'", "ack_lost")),
        ('[[fault]]\nname = "ack_lost"\ntime = 1', ("fault[0].time: 1", "times")),
        ('[[fault]]\nname = "slow_answer"\ndelay_ms = "9"', ("fault[0].delay_ms: '9'", "0 to 600000")),
        ('[[fault]]\nname = "ack_lost"\nshare = 0.5', ("fault[0].share: 0.5", "leave it out")),
        ("[[fault]", ("faults:", "faults.toml", "line 1", "TOML")),
    ],
)
def test_a_wrong_file_is_refused_with_field_value_and_mend(tmp_path: Path, text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        read(written(tmp_path, text))
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read(tmp_path / "nowhere.toml")
    (tmp_path / "odd.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="give a TOML file"):
        read(tmp_path / "odd.toml")
    with pytest.raises(ConfigError, match="Is a directory"):
        read(tmp_path)


def test_json_is_one_fault_or_a_list_and_null_is_left_out() -> None:
    one = Fault(name="order_timeout", executed=False)
    assert of_json(b'{"name":"order_timeout","executed":false,"times":null}') == (one,)
    assert of_json('[{"name":"order_timeout","executed":false},{"name":"push_lost"}]') == (one, Fault(name="push_lost"))
    assert of_json("[]") == ()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("{", ("body: '{'", "as JSON")),
        ("7", ("body: 7", "a list")),
        ("[7]", ("[0]: 7", "with a name")),
        ('{"times": 1}', ("name: None", "name the fault")),
        ('[{"name":"push_lost"},{"name":"push_lost","times":-1}]', ("[1].times: -1", "1 to 1000000")),
    ],
)
def test_wrong_json_is_refused_with_field_value_and_mend(body: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        of_json(body)
    assert all(word in str(caught.value) for word in words), str(caught.value)
