"""Small real models, made where a test needs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FEATURES = ("a", "b", "c")
"""What the models are trained on."""
AVAILABLE = ("x", "c", "a", "b")
"""What the brain has, in its order."""


def rows() -> Any:
    return np.random.default_rng(5).normal(size=(90, 3))


def onnx_linear(
    path: Path, *, columns: int = 1, bias: Sequence[float] = (0.0,), metadata: Mapping[str, str] | None = None
) -> Path:
    """Outputs 1a + 2b + 3c + bias in every column."""
    import onnx
    from onnx import TensorProto, helper

    weights = np.repeat(np.array([[1.0], [2.0], [3.0]]), columns, axis=1)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["in", "w"], ["m"]), helper.make_node("Add", ["m", "bias"], ["out"])],
        "linear",
        [helper.make_tensor_value_info("in", TensorProto.FLOAT, [None, 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [None, columns])],
        [
            helper.make_tensor("w", TensorProto.FLOAT, [3, columns], weights.ravel().tolist()),
            helper.make_tensor("bias", TensorProto.FLOAT, [columns], list(bias)),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    if metadata:
        helper.set_model_props(model, dict(metadata))
    onnx.save(model, str(path))
    return path


def xgboost_json(path: Path, objective: str, *, names: Sequence[str] | None = FEATURES) -> Path:
    import xgboost

    data = rows()
    up = data[:, 0] + data[:, 1]
    labels = {"binary:logistic": up > 0, "reg:squarederror": up}.get(objective, np.digitize(up, [-0.7, 0.7]))
    more = {"num_class": 3} if objective.startswith("multi:") else {}
    matrix = xgboost.DMatrix(data, label=labels, feature_names=None if names is None else list(names))
    booster = xgboost.train({"objective": objective, "max_depth": 2, "seed": 1, "nthread": 1, **more}, matrix, 5)
    booster.save_model(str(path))
    return path


def skops_file(path: Path, model: Any, labels: Any = None) -> Path:
    import skops.io

    data = rows()
    model.fit(data, data[:, 0] + data[:, 1] > 0 if labels is None else labels)
    skops.io.dump(model, str(path))
    return path
