"""What every test shares: how long properties may take, and an environment of its own."""

from __future__ import annotations

import gc
import os
import signal

import hypothesis

hypothesis.settings.register_profile("default", deadline=None, max_examples=50, print_blob=True)
hypothesis.settings.register_profile("soak", deadline=None, max_examples=2_000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

for _name in [name for name in os.environ if name.startswith("SOVEREIGN_") and name != "SOVEREIGN_RECORDINGS"]:
    del os.environ[_name]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so is a shell's job in the background, and all that it starts
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """What was imported stays: the collector looks at it no more, which is a quarter of the time of a property."""
    gc.collect()
    gc.freeze()
