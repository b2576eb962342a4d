"""The three formats: from a file's bytes to a function. Each library is imported where it is used: `sovereign[ml]`.

A pickle runs the code of whoever wrote it, so none is loaded, under whatever name. skops loads only what is numpy's
and scikit-learn's; ONNX and XGBoost JSON hold numbers.
"""

from __future__ import annotations

import importlib
import io
import json
import pickletools
import warnings
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brain.algorithms.model.output import WIDTHS, Output
from brain.algorithms.model.refused import ModelRefused
from brain.algorithms.model.sheet import Sheet, read_metadata

_ZIP: Final = b"PK\x03\x04"
_LARGEST_UNPACKED: Final = 512 << 20
_PICKLES: Final = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth"})
_COMPRESSED: Final = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x78\x01",
    b"\x78\x5e",
    b"\x78\x9c",
    b"\x78\xda",
    b"\x04\x22\x4d\x18",
)
_TRUSTED: Final = frozenset(
    {
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
    }
)
"""scikit-learn's own, which skops leaves to the reader: their numbers are not checked for sense."""
_MEND: Final = "save it as ONNX, as XGBoost JSON (save_model), or with skops.io.dump"
ERRORS: Final[tuple[type[Exception], ...]] = (
    ArithmeticError, AssertionError, AttributeError, EOFError, ImportError, LookupError, MemoryError, OSError,
    RuntimeError, TypeError, ValueError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
"""What the libraries raise of a file or a row that they do not like."""

Run = Callable[[Sequence[float]], list[float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A model as its file tells it. `outputs`: what its numbers may mean; `names`, `sheet`: None, if it says none."""

    kind: str
    run: Run
    inputs: int
    outputs: tuple[Output, ...]
    names: tuple[str, ...] | None = None
    sheet: Sheet | None = None
    errors: tuple[type[Exception], ...] = ERRORS


def open_model(path: Path, data: bytes) -> Opened:
    """The model in `data`. Raises: ModelRefused."""
    if path.suffix.lower() in _PICKLES or _pickled(data):
        raise ModelRefused(path, "a pickle, and loading one runs whatever code is in it", _MEND)
    if data.startswith(_COMPRESSED):
        raise ModelRefused(path, "compressed, as joblib writes its pickles", _MEND)
    if data.startswith(_ZIP):
        return _skops(path, data)
    return _xgboost(path, data) if data.lstrip()[:1] == b"{" else _onnx(path, data)


def _pickled(data: bytes) -> bool:
    if data[:1] == b"\x80" and data[1:2] <= b"\x05":
        return True
    if data.startswith(_ZIP):
        return False
    operations = 0
    try:
        for _ in pickletools.genops(data):
            operations += 1
            if operations >= 16:
                return True
    except (ValueError, IndexError, OverflowError):
        return False
    return operations > 0


def _library(name: str, path: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ModelRefused(path, f"{name} is not there ({error})", "install sovereign[ml]") from None


def _broken(path: Path, kind: str, error: Exception) -> ModelRefused:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ModelRefused(path, f"no {kind} that can be used ({first[:300]})", f"write the file anew: {_MEND}")


# ONNX


def _onnx(path: Path, data: bytes) -> Opened:
    runtime, numpy = _library("onnxruntime", path), _library("numpy", path)
    state = _library("onnxruntime.capi.onnxruntime_pybind11_state", path)
    own = tuple(each for each in vars(state).values() if isinstance(each, type) and issubclass(each, Exception))
    errors = (*ERRORS, *own)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        session = runtime.InferenceSession(data, sess_options=options, providers=["CPUExecutionProvider"])
        entries = dict(session.get_modelmeta().custom_metadata_map)
    except errors as error:
        raise _broken(path, "ONNX model", error) from None
    types = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64}
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in types or len(inputs[0].shape) != 2:
        told = ", ".join(f"{each.name}: {each.type} {each.shape}" for each in inputs)
        raise ModelRefused(path, f"inputs {told}", "give it one input of floats, shape (rows, features)")
    useful = [each for each in session.get_outputs() if each.type in {*types, "seq(map(int64,tensor(float)))"}]
    if len(useful) != 1:
        raise ModelRefused(
            path, f"{len(useful)} outputs of floats", "give it one: a score, a probability, or those of the classes"
        )
    name, output, kind = inputs[0].name, useful[0].name, types[inputs[0].type]

    def run(row: Sequence[float]) -> list[float]:
        (got,) = session.run([output], {name: numpy.array([row], dtype=kind)})
        if isinstance(got, list):  # a map of class -> probability for each row
            return [float(got[0][each]) for each in sorted(got[0])]
        return _flat(got)

    inner = read_metadata(entries, path)
    width = inputs[0].shape[1]
    count = width if isinstance(width, int) else len(inner.features) if inner else 0
    return Opened(kind="ONNX", run=run, inputs=count, outputs=("score", "probability", "classes"), sheet=inner,
                  errors=errors)  # fmt: skip


# XGBoost


def _xgboost(path: Path, data: bytes) -> Opened:
    xgboost, numpy = _library("xgboost", path), _library("numpy", path)
    try:
        objective = str(json.loads(data)["learner"]["objective"]["name"])
        booster = xgboost.Booster({"nthread": 1})
        booster.load_model(bytearray(data))
        inputs, names = int(booster.num_features()), booster.feature_names
    except ERRORS as error:
        raise _broken(path, "XGBoost model", error) from None
    outputs: tuple[Output, ...]
    if objective == "binary:logistic":
        outputs = ("probability",)
    elif objective == "multi:softprob":
        outputs = ("classes",)
    elif objective.startswith("reg:"):
        outputs = ("score",)
    else:
        raise ModelRefused(
            objective, "its output is no score", "train with binary:logistic, multi:softprob or reg:...",
            field=f"{path.name}: objective",
        )  # fmt: skip

    def run(row: Sequence[float]) -> list[float]:
        return _flat(booster.inplace_predict(numpy.array([row], dtype=numpy.float32), validate_features=False))

    return Opened(kind="XGBoost", run=run, inputs=inputs, outputs=outputs, names=tuple(names) if names else None)


# scikit-learn through skops


def _skops(path: Path, data: bytes) -> Opened:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except ERRORS as error:
        raise _broken(path, "skops file", error) from None
    if any(Path(entry.filename).suffix in _PICKLES for entry in entries):
        raise ModelRefused(path, "a pickle in a zip, as torch writes it", _MEND)
    if sum(entry.file_size for entry in entries) > _LARGEST_UNPACKED:
        raise ModelRefused(path, f"unpacks to more than {_LARGEST_UNPACKED >> 20} MiB", "train a smaller model")
    skops, numpy, base = _library("skops.io", path), _library("numpy", path), _library("sklearn.base", path)
    try:
        strangers = set(skops.get_untrusted_types(data=data)) - _TRUSTED
        if strangers:
            raise ModelRefused(
                ", ".join(sorted(strangers)), "not of numpy or scikit-learn, and only these are loaded",
                "build the model of their parts alone", field=f"{path.name}: types",
            )  # fmt: skip
        model = skops.loads(data, trusted=sorted(_TRUSTED))
        inputs = int(model.n_features_in_)
        classes = [float(each) for each in model.classes_] if base.is_classifier(model) else []
        names = getattr(model, "feature_names_in_", None)
        if hasattr(model, "n_jobs"):
            model.n_jobs = 1
    except ERRORS as error:
        raise _broken(path, "scikit-learn model", error) from None
    if not (base.is_classifier(model) or base.is_regressor(model)) or len(classes) not in {0, *WIDTHS["classes"]}:
        raise ModelRefused(
            path,
            f"{type(model).__name__} of {len(classes)} classes",
            "save a regressor, or a classifier of 2 or 3 classes",
        )
    warnings.filterwarnings("ignore", message="X does not have valid feature names", category=UserWarning)

    def run(row: Sequence[float]) -> list[float]:
        rows = numpy.array([row], dtype=numpy.float64)
        return _flat(model.predict_proba(rows) if classes else model.predict(rows))

    return Opened(
        kind="scikit-learn", run=run, inputs=inputs, outputs=("classes",) if classes else ("score",),
        names=None if names is None else tuple(str(name) for name in names),
    )  # fmt: skip


def _flat(array: Any) -> list[float]:
    return [float(value) for value in array.reshape(-1).tolist()]
