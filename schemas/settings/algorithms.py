"""Layer 3 beside the votes: filters by the context of layer 1, all off, and the slot for a model, empty."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.settings.risk import Section

SessionName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class Filters(Section):
    """What the context must not say against an entry. All off: the votes alone decide."""

    structure: bool = Field(False, description="The last BOS or CHoCH must not point the other way")
    premium_discount: bool = Field(False, description="No long in the premium, no short in the discount")
    premium_discount_edge: float = Field(
        0.5, gt=0, lt=1, description="Share of the range, from its low, above which no long; mirrored for shorts"
    )
    order_block_pct: float = Field(
        0.0, ge=0, le=100, description="Entry no farther than this from an open block of its side, percent; 0: off"
    )
    room_pct: float = Field(
        0.0, ge=0, le=100, description="Least way to the next level against the trade, percent of price; 0: off"
    )
    sessions: tuple[SessionName, ...] = Field((), description="Sessions in which to enter; none: at any time")
    divergence: bool = Field(False, description="No entry against a divergence of CVD and price")


class Model(Section):
    """A model file that has a say in layer 3. Where it gives no valid score, the rules decide alone."""

    path: str = Field("", description="Model file (ONNX, XGBoost JSON, skops); empty: none")
    role: Literal["replace", "confirm"] = Field(
        "confirm", description="Its vote takes the place of the rules' direction, or the rules' must agree with it"
    )
    threshold: float = Field(0.2, ge=0, lt=1, description="Score in [-1, 1] beyond which it votes")
    timeout_ms: float = Field(20.0, ge=0.1, le=60_000, description="Time that a score may take, ms; later is a failure")
    every_ms: float = Field(100.0, ge=0, le=60_000, description="Shortest time between two questions to it, ms")
    max_age_ms: float = Field(
        500.0, gt=0, le=600_000, description="Age, since it was asked, up to which a score is valid, ms"
    )
    max_failures: int = Field(5, ge=1, le=1_000, description="Failures in a row after which it is off until a restart")

    @model_validator(mode="after")
    def _a_score_outlives_the_next(self) -> Model:
        needed = self.every_ms + self.timeout_ms
        if self.max_age_ms < needed:
            raise ValueError(
                f"max_age_ms: {self.max_age_ms:g} ends before the next score can be there (every_ms + timeout_ms = "
                f"{needed:g}), so that rules and model would take turns; give at least {needed:g}"
            )
        return self
