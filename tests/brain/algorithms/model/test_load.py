"""A model file becomes a score, or is refused with field, value and mend."""

from __future__ import annotations

import json
import os
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brain.advisor import find_model
from brain.algorithms.model.load import LARGEST, load
from brain.algorithms.model.refused import BadOutput, ModelRefused
from brain.algorithms.model.sheet import features_sha256, metadata, sheet_path, write_sheet
from schemas.settings import Settings
from tests.brain.algorithms.model.support import AVAILABLE, FEATURES, onnx_linear, rows, skops_file, xgboost_json


class Doubler(RegressorMixin, BaseEstimator):
    """Not scikit-learn's own."""

    def fit(self, data: Any, labels: Any) -> Doubler:
        self.n_features_in_ = data.shape[1]
        return self

    def predict(self, data: Any) -> Any:
        return data[:, 0] * 2


def with_sheet(path: Path, **more: Any) -> Path:
    write_sheet(path, FEATURES, **more)
    return path


def refused(path: Path, available: tuple[str, ...] = AVAILABLE, **more: Any) -> ModelRefused:
    with pytest.raises(ModelRefused) as caught:
        load(path, available, **more)
    error = caught.value
    assert str(error) == f"{error.field} = {error.value!r}: {error.why}; {error.mend}"
    assert error.field
    assert error.mend
    return error


def row(a: float, b: float, c: float, x: float = 9.0) -> tuple[float, ...]:
    """As the brain gives it: in its own order."""
    return (x, c, a, b)


# what is served


def test_an_onnx_score_is_clipped_and_its_features_are_found_by_name(tmp_path: Path) -> None:
    model = load(with_sheet(onnx_linear(tmp_path / "m.onnx"), output="score"), AVAILABLE)
    assert (model.kind, model.output, model.features, model.places) == ("ONNX", "score", FEATURES, (2, 3, 1))
    assert model.predict(row(0.1, 0.1, -0.1)) == pytest.approx(0.0, abs=1e-6)
    assert model.predict(row(0.1, 0.05, 0.1)) == pytest.approx(0.5, abs=1e-6)
    assert model.predict(row(5, 0, 0)) == 1.0
    assert model.predict(row(0, 0, -5)) == -1.0


def test_an_onnx_file_may_carry_its_sheet_itself(tmp_path: Path) -> None:
    path = onnx_linear(tmp_path / "m.onnx", bias=(0.25,), metadata=metadata(FEATURES, output="probability"))
    model = load(path, AVAILABLE)
    assert model.predict(row(0, 0, 0)) == pytest.approx(-0.5)
    with pytest.raises(BadOutput, match="no probability"):
        model.predict(row(2, 0, 0))


def test_two_columns_of_an_onnx_file_are_down_and_up(tmp_path: Path) -> None:
    path = with_sheet(onnx_linear(tmp_path / "m.onnx", columns=2, bias=(0.3, 0.7)))
    assert load(path, AVAILABLE).predict(row(0, 0, 0)) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("objective", "score"),
    [
        ("binary:logistic", lambda got: 2 * got[0] - 1),
        ("multi:softprob", lambda got: got[0][2] - got[0][0]),
        ("reg:squarederror", lambda got: max(-1.0, min(1.0, got[0]))),
    ],
)
def test_xgboost_gives_the_score_of_its_own_prediction(
    tmp_path: Path, objective: str, score: Callable[[Any], float]
) -> None:
    import xgboost

    path = xgboost_json(tmp_path / "m.json", objective)
    model, own = load(path, AVAILABLE), xgboost.Booster(model_file=str(path))
    scores = set()
    for a, b, c in rows()[:10]:
        expected = score(own.inplace_predict(np.array([[a, b, c]]), validate_features=False))
        got = model.predict(row(a, b, c))
        assert got == pytest.approx(float(expected), abs=1e-6)
        scores.add(got)
    assert len(scores) > 2


@pytest.mark.parametrize(
    "made",
    [
        LogisticRegression(), RandomForestClassifier(5, random_state=1, n_jobs=-1),
        GradientBoostingClassifier(n_estimators=5, random_state=1),
        HistGradientBoostingClassifier(max_iter=3, random_state=1),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=lambda model: type(model).__name__,
)  # fmt: skip
def test_scikit_learn_gives_the_score_of_its_own_probability(tmp_path: Path, made: Any) -> None:
    model = load(with_sheet(skops_file(tmp_path / "m.skops", made)), AVAILABLE)
    for a, b, c in rows()[:5]:
        down, up = made.predict_proba(np.array([[a, b, c]]))[0]
        assert model.predict(row(a, b, c)) == pytest.approx(up - down)
    assert (model.kind, model.output) == ("scikit-learn", "classes")


def test_scikit_learn_s_three_classes_and_its_regressors(tmp_path: Path) -> None:
    data = rows()
    three = LogisticRegression()
    labels = np.digitize(data[:, 0], [-0.5, 0.5]) - 1
    model = load(with_sheet(skops_file(tmp_path / "m.skops", three, labels)), AVAILABLE)
    down, _, up = three.predict_proba(data[:1])[0]
    assert model.predict(row(*data[0])) == pytest.approx(up - down)
    plain = load(with_sheet(skops_file(tmp_path / "r.skops", Ridge(alpha=1e-6), data[:, 0])), AVAILABLE)
    assert plain.output == "score"
    assert plain.predict(row(0.5, 1.0, 2.0)) == pytest.approx(0.5, abs=1e-4)
    assert plain.predict(row(70.0, 1.0, 2.0)) == 1.0


def test_the_first_unknown_feature_of_the_model_s_own_is_named(tmp_path: Path) -> None:
    model = load(with_sheet(onnx_linear(tmp_path / "m.onnx"), output="score"), AVAILABLE)
    nan = float("nan")
    assert model.unknown(row(1, nan, float("inf"))) == "b"
    assert model.unknown(row(1, 2, 3, x=nan)) == ""


@pytest.mark.parametrize("bias", [float("nan"), float("inf")])
def test_an_output_that_is_no_number_is_a_failure(tmp_path: Path, bias: float) -> None:
    model = load(with_sheet(onnx_linear(tmp_path / "m.onnx", bias=(bias,)), output="score"), AVAILABLE)
    with pytest.raises(BadOutput, match="not finite"):
        model.predict(row(0, 0, 0))


# what is refused


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.onnx", "m.json", "m.skops"])
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_a_pickle_is_refused_under_every_name_and_never_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, protocol: int
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / name
    path.write_bytes(pickle.dumps({"a": [Bomb()], "b": list(range(9))}, protocol=protocol))
    with_sheet(path)
    error = refused(path)
    assert (error.value, error.why) == (str(path), "a pickle, and loading one runs whatever code is in it")
    assert "skops.io.dump" in error.mend
    assert not (tmp_path / "exploded").exists()


def test_a_good_model_under_a_pickle_s_name_a_compressed_joblib_and_torch_s_zip_are_refused(tmp_path: Path) -> None:
    path = xgboost_json(tmp_path / "m.json", "reg:squarederror")
    assert "a pickle" in refused(path.rename(tmp_path / "m.pkl")).why
    joblib.dump(Ridge(), tmp_path / "m.bin", compress=3)
    assert "compressed" in refused(tmp_path / "m.bin").why
    with zipfile.ZipFile(tmp_path / "m.net", "w") as archive:
        archive.writestr("archive/data.pkl", b"x")
    assert "a pickle in a zip" in refused(tmp_path / "m.net").why


def test_types_that_are_not_scikit_learn_s_are_refused_by_name(tmp_path: Path) -> None:
    error = refused(with_sheet(skops_file(tmp_path / "m.skops", Doubler())))
    assert (error.field, error.value) == ("m.skops: types", f"{__name__}.Doubler")


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("m.onnx", b"\x08\x07garbage", "no ONNX model"),
        ("m.json", b"{}", "no XGBoost model"),
        ("m.json", b'{"learner', "no XGBoost model"),
        ("m.json", b'{"learner": {"objective": {"name": "reg:squarederror"}}}', "no XGBoost model"),
        ("m.json", b"[" * 9_000, "no ONNX model"),
        ("m.json", b'{"a":' * 90_000, "no XGBoost model"),
        ("m.skops", b"PK\x03\x04garbage", "no skops file"),
        ("m.txt", b"hello", "no ONNX model"),
        ("m.onnx", b"", "empty"),
    ],
)
def test_a_corrupt_file_is_refused(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with_sheet(path)
    error = refused(path)
    assert (error.field, error.value) == ("model.path", str(path))
    assert why in error.why


def test_a_cut_file_of_each_format_is_refused(tmp_path: Path) -> None:
    for path in (
        onnx_linear(tmp_path / "m.onnx"), xgboost_json(tmp_path / "m.json", "binary:logistic"),
        skops_file(tmp_path / "m.skops", LogisticRegression()),
    ):  # fmt: skip
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        assert "no " in refused(with_sheet(path)).why


def test_a_missing_file_a_directory_and_one_too_large_are_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.onnx").why == "no such file"
    assert refused(tmp_path).why == "no such file"
    with (tmp_path / "m.onnx").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert refused(tmp_path / "m.onnx").why == "larger than 64 MiB"


@pytest.mark.parametrize("library", ["onnxruntime", "xgboost", "skops.io", "numpy"])
def test_a_library_that_is_not_there_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    made = {
        "xgboost": lambda: xgboost_json(tmp_path / "m.json", "binary:logistic"),
        "skops.io": lambda: with_sheet(skops_file(tmp_path / "m.skops", LogisticRegression())),
    }
    path = made.get(library, lambda: with_sheet(onnx_linear(tmp_path / "m.onnx"), output="score"))()
    assert load(path, AVAILABLE), "half an import of a library, without numpy, would stay for other tests"
    monkeypatch.setitem(sys.modules, library, None)
    error = refused(path)
    assert f"{library} is not there" in error.why
    assert error.mend == "install sovereign[ml]"


def edited(path: Path, **changes: Any) -> Path:
    sheet = sheet_path(path)
    sheet.write_text(json.dumps({**json.loads(sheet.read_text()), **changes}))
    return path


@pytest.mark.parametrize(
    ("changes", "field", "why"),
    [
        ({"schema": 2}, "m.onnx: schema", "the brain's features have version 1"),
        ({"features_sha256": "0"}, "m.onnx: features_sha256", "the hash of the features is"),
        ({"features": ["b", "a", "c"]}, "m.onnx: features_sha256", "the hash of the features is"),
        (
            {"features": ["a", "b", "d"], "features_sha256": features_sha256(["a", "b", "d"])},
            "m.onnx: features", "the brain has no such feature",
        ),
        (
            {"features": ["a", "b"], "features_sha256": features_sha256(["a", "b"])},
            "m.onnx: features", "the model has 3 inputs",
        ),
        (
            {"features": ["a", "b", "a"], "features_sha256": features_sha256(["a", "b", "a"])},
            "m.onnx: features", "no features, or one is named twice",
        ),
        ({"model_sha256": "0"}, "m.onnx.features.json: model_sha256", "the model file's hash is"),
        ({"output": "classes"}, "m.onnx: output", "ONNX gives 1 numbers, which may be score or probability"),
        ({"output": None}, "m.onnx: output", "one number may be score or probability"),
        ({"features": "abc"}, "model.path", "no sheet of features"),
    ],
)  # fmt: skip
def test_a_sheet_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], field: str, why: str) -> None:
    error = refused(edited(with_sheet(onnx_linear(tmp_path / "m.onnx"), output="score"), **changes))
    assert error.field == field
    assert why in error.why


def test_without_a_sheet_only_a_model_that_names_its_features_is_served(tmp_path: Path) -> None:
    assert "nobody says" in refused(onnx_linear(tmp_path / "m.onnx")).why
    assert "nobody says" in refused(skops_file(tmp_path / "m.skops", LogisticRegression())).why
    assert "nobody says" in refused(xgboost_json(tmp_path / "m.json", "binary:logistic", names=None)).why
    error = refused(xgboost_json(tmp_path / "n.json", "binary:logistic"), ("a", "b"))
    assert (error.field, error.value, error.why) == ("n.json: features", "c", "the brain has no such feature")


def test_a_sheet_that_contradicts_the_model_s_own_names_is_refused(tmp_path: Path) -> None:
    path = xgboost_json(tmp_path / "m.json", "binary:logistic")
    write_sheet(path, ("b", "a", "c"))
    assert refused(path).why == "the model itself names a, b, c"
    path = onnx_linear(tmp_path / "m.onnx", metadata=metadata(("c", "b", "a"), output="score"))
    assert refused(with_sheet(path, output="score")).why == "the model itself names c, b, a"


def test_the_features_of_another_version_are_refused(tmp_path: Path) -> None:
    path = with_sheet(onnx_linear(tmp_path / "m.onnx"), output="score", schema=3)
    assert refused(path).field == "m.onnx: schema"
    assert load(path, AVAILABLE, schema=3).features == FEATURES


def test_an_objective_without_a_score_and_too_many_columns_are_refused(tmp_path: Path) -> None:
    error = refused(xgboost_json(tmp_path / "m.json", "multi:softmax"))
    assert (error.field, error.value) == ("m.json: objective", "multi:softmax")
    path = with_sheet(onnx_linear(tmp_path / "m.onnx", columns=4, bias=(0.0,) * 4))
    assert refused(path).why == "ONNX gives 4 numbers, which may be no score"
    five = with_sheet(skops_file(tmp_path / "m.skops", LogisticRegression(), np.arange(90) % 5))
    assert refused(five).why == "LogisticRegression of 5 classes"


def test_a_path_of_somebody_whom_the_machine_does_not_know_is_refused() -> None:
    settings = Settings.model_validate({"model": {"path": "~nobody-here/model.onnx"}})
    with pytest.raises(ModelRefused, match=r"model\.path = '~nobody-here/model\.onnx': no such path"):
        find_model(settings, AVAILABLE)
    assert find_model(Settings(), AVAILABLE) is None
