"""Where the recordings of real exchanges are; a test that needs one skips with the reason where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def recording(name: str) -> Path:
    """Path of one recording below SOVEREIGN_RECORDINGS, else beside the checkout."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "recordings"
    path = Path(os.environ.get("SOVEREIGN_RECORDINGS", beside)) / name
    if not path.exists():
        pytest.skip(f"no recording {path}; set SOVEREIGN_RECORDINGS to the directory that holds it")
    return path
