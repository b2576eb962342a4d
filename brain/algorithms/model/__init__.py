"""The slot for a model: `predict(features) -> score in [-1, 1]`, from a file, beside the hot path and never on it."""
