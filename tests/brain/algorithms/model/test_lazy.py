"""The base install has none of the libraries of models: the live brain must start without them."""

from __future__ import annotations

import subprocess
import sys


def test_the_model_slot_and_the_filters_import_no_library_of_models() -> None:
    code = (
        "import sys, brain.algorithms.filters, brain.algorithms.model.slot, brain.algorithms.model.vote;"
        "print([name for name in ('numpy', 'onnxruntime', 'xgboost', 'skops', 'sklearn') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
