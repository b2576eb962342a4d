"""The sheet beside a model: which features it was trained on, in which order, and whose they are.

It is the file `<model>.features.json`:

    schema           version of the features' definitions
    features         their names, in the order of the model's inputs
    features_sha256  of the names, joined by line feeds
    model_sha256     of the model file
    output           optional: "score", "probability" (of up) or "classes" (probabilities of down, up or down, flat, up)

An ONNX file may carry it in its metadata, under `sovereign.` and these names (the list as JSON), without model_sha256;
an XGBoost file names its features itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from brain.algorithms.model.output import Output
from brain.algorithms.model.refused import ModelRefused
from schemas.whole_file import write_whole

SCHEMA: Final = 1
PREFIX: Final = "sovereign."
_LONGEST: Final = 1 << 20
_TRAIN: Final = "train the model on the features of this version, or name a model that was"

_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\r\n]+$")]


class Sheet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """See the module. `model_sha256` is empty where the sheet is inside the model."""

    schema: int
    features: tuple[_Name, ...]
    features_sha256: str
    model_sha256: str = ""
    output: Output | None = None


def features_sha256(names: Sequence[str]) -> str:
    """Hash of an ordered list of feature names, hexadecimal."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def sheet_path(model: Path) -> Path:
    """Where the sheet of a model lies."""
    return model.with_name(model.name + ".features.json")


def write_sheet(model: Path, features: Sequence[str], *, schema: int = SCHEMA, output: Output | None = None) -> Path:
    """Writes the sheet of a model file that is there. Raises: OSError."""
    sheet = Sheet(
        schema=schema, features=tuple(features), features_sha256=features_sha256(features),
        model_sha256=hashlib.sha256(model.read_bytes()).hexdigest(), output=output,
    )  # fmt: skip
    path = sheet_path(model)
    write_whole(path, msgspec.json.format(msgspec.json.encode(sheet), indent=2) + b"\n")
    return path


def metadata(features: Sequence[str], *, schema: int = SCHEMA, output: Output | None = None) -> dict[str, str]:
    """What an ONNX file shall carry in its metadata_props instead of a sheet beside it."""
    made = {
        "schema": str(schema), "features": msgspec.json.encode(list(features)).decode(),
        "features_sha256": features_sha256(features), **({"output": output} if output else {}),
    }  # fmt: skip
    return {PREFIX + name: text for name, text in made.items()}


def read_sheet(model: Path, data: bytes) -> Sheet | None:
    """The sheet beside a model file whose content is `data`; None: there is none. Raises: ModelRefused."""
    path = sheet_path(model)
    try:
        with path.open("rb") as file:
            text = file.read(_LONGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelRefused(path, f"cannot be read ({error.strerror})", "mend the file or its mode") from None
    sheet = _parsed(text, path)
    found = hashlib.sha256(data).hexdigest()
    if sheet.model_sha256 != found:
        raise ModelRefused(
            sheet.model_sha256, f"the model file's hash is {found}", "it is another file's sheet: write it anew",
            field=f"{path.name}: model_sha256",
        )  # fmt: skip
    return sheet


def read_metadata(entries: Mapping[str, str], path: Path) -> Sheet | None:
    """The sheet inside an ONNX file; None: there is none. Raises: ModelRefused."""
    if PREFIX + "features" not in entries:
        return None
    values: dict[str, object] = {
        name: entries[PREFIX + name]
        for name in ("schema", "features_sha256", "output")
        if PREFIX + name in entries
    }  # fmt: skip
    try:
        values["features"] = msgspec.json.decode(entries[PREFIX + "features"])
        return msgspec.convert(values, type=Sheet, strict=False)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _no_sheet(path, error) from None


def check(sheet: Sheet, available: Sequence[str], path: Path, *, schema: int) -> tuple[int, ...]:
    """Where in the brain's features those of the model are. The model may use fewer than there are.

    Raises: ModelRefused, if the version, the hash or a name is not the brain's.
    """
    if sheet.schema != schema:
        raise ModelRefused(
            sheet.schema, f"the brain's features have version {schema}", _TRAIN, field=f"{path.name}: schema"
        )
    found = features_sha256(sheet.features)
    if sheet.features_sha256 != found:
        raise ModelRefused(
            sheet.features_sha256, f"the hash of the features is {found}", "the list was changed: write the sheet anew",
            field=f"{path.name}: features_sha256",
        )  # fmt: skip
    if not sheet.features or len(set(sheet.features)) < len(sheet.features):
        raise ModelRefused(
            ", ".join(sheet.features), "no features, or one is named twice", "name each input once",
            field=f"{path.name}: features",
        )  # fmt: skip
    places = {name: place for place, name in enumerate(available)}
    unknown = [name for name in sheet.features if name not in places]
    if unknown:
        raise ModelRefused(", ".join(unknown), "the brain has no such feature", _TRAIN, field=f"{path.name}: features")
    return tuple(places[name] for name in sheet.features)


def _parsed(text: bytes, path: Path) -> Sheet:
    if len(text) > _LONGEST:
        raise ModelRefused(path, f"larger than {_LONGEST} bytes", "a sheet has a few lines: write it anew")
    try:
        return msgspec.json.decode(text, type=Sheet)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _no_sheet(path, error) from None


def _no_sheet(path: Path, error: Exception) -> ModelRefused:
    return ModelRefused(path, f"no sheet of features ({error})", "write it anew, see brain/algorithms/model/sheet.py")
