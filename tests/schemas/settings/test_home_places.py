"""Where a home is when the machine does not say, or says something odd: never an error of its own."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import platformdirs
import pytest

from schemas.settings import Home, HomeError


def test_without_a_runtime_directory_nothing_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Home.from_environment({}).runtime.name == "sovereign"


def test_a_runtime_directory_of_another_user_is_refused_and_is_no_error_before(monkeypatch: pytest.MonkeyPatch) -> None:
    def stolen(*_: object, **__: object) -> str:
        raise PermissionError(1, "owned by another user", "/tmp/runtime-7")

    monkeypatch.setattr(platformdirs, "user_runtime_dir", stolen)
    home = Home.from_environment({})
    assert home.runtime == Path(os.devnull) / "tmp/runtime-7"


def test_a_home_of_nobody_cannot_be_made() -> None:
    home = Home.from_environment({"SOVEREIGN_HOME": "~nobody-of-that-name/x"})
    with pytest.raises(HomeError, match="nobody-of-that-name/x: cannot be made"):
        home.prepare()
