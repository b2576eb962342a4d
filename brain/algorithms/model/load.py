"""A model file becomes the brain's model, or is refused at the start."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Final

from brain.algorithms.model.formats import Opened, Run, open_model
from brain.algorithms.model.output import WIDTHS, Output, score_of
from brain.algorithms.model.refused import ModelRefused
from brain.algorithms.model.sheet import SCHEMA, Sheet, check, features_sha256, read_sheet, sheet_path

LARGEST: Final = 64 << 20
"""Largest model file, bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that fits the brain's features. `places`: where its inputs are in them; `errors`: what it may raise."""

    name: str
    kind: str
    sha256: str
    features: tuple[str, ...]
    places: tuple[int, ...]
    output: Output
    run: Run
    errors: tuple[type[Exception], ...]

    def unknown(self, features: Sequence[float]) -> str:
        """The first of its features that is not a finite number; "" if all are."""
        for place, name in zip(self.places, self.features, strict=True):
            if not isfinite(features[place]):
                return name
        return ""

    def predict(self, features: Sequence[float]) -> float:
        """Score in [-1, 1] of one row of all of the brain's features. Raises: BadOutput, and what is in `errors`."""
        return score_of(self.output, self.run([features[place] for place in self.places]))


def load(path: Path, available: Sequence[str], *, schema: int = SCHEMA) -> Model:
    """The model of a file, checked against the features that the brain has, and tried once.

    Args:    available, the names of the brain's features in the order in which `predict` will get them;
             schema, the version of their definitions.
    Raises:  ModelRefused, with field, value and mend.
    """
    data = _read(path)
    beside = read_sheet(path, data)
    opened = open_model(path, data)
    sheet = _sheet(path, opened, beside, schema)
    places = check(sheet, available, path, schema=schema)
    if opened.inputs not in {0, len(places)}:
        raise ModelRefused(
            len(places), f"the model has {opened.inputs} inputs", "name as many features as it was trained on",
            field=f"{path.name}: features",
        )  # fmt: skip
    try:
        width = len(opened.run([0.0] * len(places)))
    except opened.errors as error:
        raise ModelRefused(path, f"does not compute a row of zeros ({error})", "mend the model") from None
    return Model(
        name=path.name, kind=opened.kind, sha256=hashlib.sha256(data).hexdigest(), features=sheet.features,
        places=places, output=_output(path, opened, sheet, width), run=opened.run, errors=opened.errors,
    )  # fmt: skip


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise ModelRefused(path, "no such file", "name a model file, or nothing for none")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ModelRefused(path, f"cannot be read ({error.strerror})", "mend the file or its mode") from None
    if len(data) > LARGEST:
        raise ModelRefused(path, f"larger than {LARGEST >> 20} MiB", "train a smaller model")
    if not data:
        raise ModelRefused(path, "empty", "write the file anew")
    return data


def _sheet(path: Path, opened: Opened, beside: Sheet | None, schema: int) -> Sheet:
    """The sheet beside the model, the one inside it, or one of the names inside it; all that there is must agree."""
    inside = opened.sheet.features if opened.sheet else opened.names
    if beside is not None:
        if inside is not None and inside != beside.features:
            raise ModelRefused(
                ", ".join(beside.features), f"the model itself names {', '.join(inside)}", "write the sheet anew",
                field=f"{path.name}: features",
            )  # fmt: skip
        return beside
    if opened.sheet is not None:
        return opened.sheet
    if opened.kind == "XGBoost" and opened.names:
        return Sheet(schema=schema, features=opened.names, features_sha256=features_sha256(opened.names))
    raise ModelRefused(
        path, "nobody says which features it was trained on", f"write {sheet_path(path).name} beside it (write_sheet)"
    )


def _output(path: Path, opened: Opened, sheet: Sheet, width: int) -> Output:
    """What the numbers mean. One number alone does not say whether it is a probability; then the sheet must."""
    possible = [output for output in opened.outputs if width in WIDTHS[output]]
    if sheet.output in possible:
        return sheet.output
    field = f"{path.name}: output"
    if sheet.output is not None or not possible:
        raise ModelRefused(
            sheet.output, f"{opened.kind} gives {width} numbers, which may be {' or '.join(possible) or 'no score'}",
            "name what they are, or leave it out", field=field,
        )  # fmt: skip
    if len(possible) > 1:
        raise ModelRefused("", f"one number may be {' or '.join(possible)}", "say in the sheet which", field=field)
    return possible[0]
