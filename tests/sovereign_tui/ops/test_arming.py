from __future__ import annotations

from typing import Any

import pytest
from keyring.backends import fail

from schemas.settings import Home, Settings
from schemas.settings.records import Record, digest, write
from sovereign_tui.ops.arming import unarmed
from sovereign_tui.ops.keyset import Keys

NOW_NS = 1_786_541_241_000_000_000
HOUR_NS = 3_600 * 10**9
KEYS = Keys(api_key="a", secret="b", passphrase="c")
LIVE = Settings.model_validate({"venue": {"name": "live"}})
NO_KEYRING = "there is no keyring here; unlock or install"
NO_BACKTEST = "no backtest of BTC-USDT-SWAP with these settings is on record: run one"
NO_PAPER = (
    "no paper run of 24 h of BTC-USDT-SWAP with these settings is on record, the longest has {} h: "
    "`sovereign up --venue paper`"
)


def put(home: Home, kind: str, **fields: Any) -> None:
    whole = {
        "kind": kind, "id": "a1", "begun_ns": NOW_NS - 30 * HOUR_NS, "ended_ns": NOW_NS - HOUR_NS,
        "ran_s": 25 * 3_600.0, "instrument": "BTC-USDT-SWAP", "settings": digest(LIVE),
    }  # fmt: skip
    write(home.data / "records", Record(**{**whole, **fields}))


def test_live_with_everything_lacks_nothing(home: Home) -> None:
    put(home, "backtest")
    put(home, "paper")
    assert unarmed(home, LIVE, KEYS.variables(), NOW_NS) == (KEYS, [])


def test_all_that_is_missing_is_said_at_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", fail.Keyring)
    keys, problems = unarmed(home, LIVE, {}, NOW_NS)
    assert keys is None
    assert problems[0].startswith(NO_KEYRING)
    assert problems[1:] == [NO_BACKTEST, NO_PAPER.format("0.0")]


OTHERS = "instrument, leverage, margin, brain, its layers, its model or sizing"


def test_records_that_do_not_count_are_named_with_their_reason(home: Home) -> None:
    put(home, "backtest", instrument="ETH-USDT-SWAP")
    put(home, "paper", id="short", ran_s=3_600.0)
    put(home, "paper", id="late", begun_ns=NOW_NS + HOUR_NS, ended_ns=NOW_NS + 40 * HOUR_NS)
    put(home, "paper", id="other", settings="0" * 64)
    bad = home.data / "records" / "z.jsonl"
    bad.write_text("nonsense\n")
    _, problems = unarmed(home, LIVE, KEYS.variables(), NOW_NS)
    assert problems[:-1] == [
        NO_BACKTEST,
        NO_PAPER.format("1.0"),
        "does not count: backtest a1: it is of ETH-USDT-SWAP, not of BTC-USDT-SWAP",
        "does not count: paper late: it lies in the future",
        "does not count: paper other: it ran with other settings of " + OTHERS,
    ]
    assert problems[-1].startswith(f"does not count: {bad}, line 1: not a record")


def test_many_short_paper_runs_are_no_long_one_and_even_no_hours_ask_for_a_run(home: Home) -> None:
    put(home, "backtest")
    lenient = Settings.model_validate({"venue": {"name": "live", "arming_paper_hours": 0}})
    assert len(unarmed(home, lenient, KEYS.variables(), NOW_NS)[1]) == 1
    for number in range(30):
        put(home, "paper", id=f"run{number}", ran_s=3_600.0)
    assert unarmed(home, LIVE, KEYS.variables(), NOW_NS)[1] == [NO_PAPER.format("1.0")]
    assert unarmed(home, lenient, KEYS.variables(), NOW_NS)[1] == []


@pytest.mark.parametrize(("name", "keys"), [("sim", None), ("paper", None), ("demo", KEYS)])
def test_the_other_venues_ask_for_no_record_and_only_demo_for_keys(home: Home, name: str, keys: Keys | None) -> None:
    settings = Settings.model_validate({"venue": {"name": name}})
    assert unarmed(home, settings, KEYS.variables(), NOW_NS) == (keys, [])


def test_urls_that_do_not_belong_together_are_missing_too(home: Home) -> None:
    settings = Settings.model_validate({"venue": {"name": "demo", "ws_url": "ws://x"}})
    assert unarmed(home, settings, KEYS.variables(), NOW_NS)[1] == [
        "venue.ws_url is set and venue.rest_url is not: they switch together; set both, or neither"
    ]
