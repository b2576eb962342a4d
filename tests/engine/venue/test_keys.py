from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.venue.keys import explain, judge

GOOD = {"perm": "read_only,trade", "posMode": "net_mode", "acctLv": "2"}
WITHDRAW = "this key may withdraw; make one with the rights read and trade only"
READ_ONLY = "this key is read-only; make one with the rights read and trade"
POSITIONS = "position mode is 'long_short_mode', 'net_mode' needed; set it at the venue"
SPOT = "account mode is spot (acctLv 1), swaps need futures mode; set it at the venue"


@pytest.mark.parametrize(
    ("row", "problems"),
    [
        (GOOD, []),
        (GOOD | {"perm": "read_only,withdraw,trade"}, [WITHDRAW]),
        (GOOD | {"perm": "read_only"}, [READ_ONLY]),
        (GOOD | {"posMode": "long_short_mode"}, [POSITIONS]),
        (GOOD | {"acctLv": "1"}, [SPOT]),
        ({"perm": "withdraw", "posMode": "long_short_mode", "acctLv": "1"}, [WITHDRAW, READ_ONLY, POSITIONS, SPOT]),
    ],
)
def test_what_an_account_lacks_is_said_with_the_mend(row: dict[str, str], problems: list[str]) -> None:
    assert judge(row) == problems


@given(st.dictionaries(st.sampled_from(["perm", "posMode", "acctLv"]), st.none() | st.text() | st.integers()))
def test_an_account_that_does_not_say_that_it_is_right_is_not_right(row: dict[str, Any]) -> None:
    assert judge(row)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("50101", "wrong environment: a key of production is no key of demo trading"),
        ("50110", "bound to other IP addresses"),
        ("50113", "the secret is"),
        ("59999", "something else"),
    ],
)
def test_a_refusal_says_the_code_and_the_reason(code: str, said: str) -> None:
    text = explain(code, "something else", "demo")
    assert text.startswith("the venue demo refuses the keys: ")
    assert said in text
    assert text.endswith(f"({code})")
