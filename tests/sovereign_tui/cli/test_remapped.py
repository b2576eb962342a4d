"""Keys of the cockpit that cannot be are refused before anything is drawn, with field, value and mend."""

from __future__ import annotations

import json

import pytest

from tests.sovereign_tui.cli.support import Shell


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["zom=f5"], "'zom' is nothing that a key does; did you mean zoom?"),
        (["dance=f5"], "'dance' is nothing that a key does; choose from halt, leave"),
        (["zoom=ctrl+k"], "ctrl+k of zoom is that of halt; choose another key"),
        (["zoom=3"], "3 of zoom is that of screen 3; choose another key"),
        (["zoom=t"], "t of theme is that of zoom; choose another key"),
        (["zoom"], "zoom has an empty key; name one, as in zoom=f5"),
    ],
)
def test_a_key_that_cannot_be_is_refused_with_the_mend(sovereign: Shell, keys: list[str], said: str) -> None:
    refused = sovereign("tui", SOVEREIGN_COCKPIT__KEYS=json.dumps(keys))
    assert refused.code == 78
    assert said in refused.err
    assert "cockpit" in refused.err
    assert refused.out == ""
