"""Settings of layer 2, order flow. What the votes need (levels, thresholds, the window in s) stands in `brain`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from schemas.messages import FRAME_NS
from schemas.settings.risk import Section

_HOUR_NS = FRAME_NS["1H"]
_PROVIDER: dict[str, Any] = {"max_length": 64, "pattern": r"^[A-Za-z0-9_.-]*$"}


class OrderFlow(Section):
    """What rests in the book and who takes from it."""

    book_weighting: Literal["none", "distance"] = Field(
        "none", description="Levels of the imbalance count alike, or less the farther they rest from the mid"
    )
    book_scale_bps: float = Field(
        0.5, ge=0.001, le=1_000, description="Distance at which a level counts 1/e, bps; with book_weighting = distance"
    )
    flow_window: Literal["time", "volume"] = Field(
        "time", description="Trade pressure over brain.flow_window_s, or over flow_window_contracts"
    )
    flow_window_contracts: float = Field(
        1_000.0, ge=1e-8, le=1e7, description="Window of the trade pressure when flow_window = volume, contracts"
    )
    frame: str = Field("1m", description="Bars of CVD, footprint and absorption")
    keep_bars: int = Field(60, ge=1, le=600, description="Bars of CVD and footprint kept")
    session_hour_utc: int = Field(0, ge=0, le=23, description="Hour of the venue's day at which the CVD begins anew")
    divergence_bars: int = Field(3, ge=1, le=50, description="Bars after which a swing of the divergence is confirmed")
    bucket_bps: float = Field(1.0, ge=0.001, le=1_000, description="Width of a footprint bucket, bps of the price")
    bucket_price: float = Field(
        0.0, ge=0, le=1e9, description="Width of a footprint bucket, quote currency; 0: bucket_bps"
    )
    large_by: Literal["multiple", "quantile"] = Field(
        "multiple", description="A trade is large by a multiple of the mean size, or by a quantile of the sizes"
    )
    large_multiple: float = Field(10.0, gt=1, le=10_000, description="Times the mean size, when large_by = multiple")
    large_quantile: float = Field(0.995, gt=0.5, lt=1, description="Quantile of sizes, when large_by = quantile")
    large_trades: int = Field(500, ge=10, le=5_000, description="Trades that the mean or the quantile looks back on")
    absorption_multiple: float = Field(3.0, gt=1, le=1_000, description="Times the usual volume at one price of a bar")
    absorption_bars: int = Field(20, ge=2, le=600, description="Bars that the usual volume looks back on")
    absorption_through: int = Field(1, ge=0, le=100, description="Buckets that a price may overshoot and still hold")
    heatmap: str = Field("book", description="Provider of the heatmap; empty: none", **_PROVIDER)
    cvd: str = Field("trades", description="Provider of the CVD; empty: none", **_PROVIDER)
    heatmap_bucket_bps: float = Field(0.1, ge=0.001, le=1_000, description="Height of a heatmap row, bps of the price")
    heatmap_rows: int = Field(48, ge=4, le=256, description="Prices of the heatmap")
    heatmap_columns: int = Field(60, ge=2, le=240, description="Times of the heatmap")
    heatmap_column_ms: int = Field(1_000, ge=50, le=600_000, description="Time from column to column, ms")
    heatmap_update_ms: int = Field(250, ge=20, le=60_000, description="Shortest time between two looks at the book, ms")
    heatmap_half_life_s: float = Field(10.0, ge=0.01, le=86_400, description="Half of what is gone has faded then, s")
    heatmap_publish_ms: int = Field(1_000, ge=50, le=60_000, description="Interval at which the heatmap is told, ms")
    publish_ms: int = Field(250, ge=50, le=60_000, description="Interval at which CVD, pressure and marks are told, ms")

    @model_validator(mode="after")
    def _bars_make_sense(self) -> OrderFlow:
        if self.frame not in FRAME_NS:
            raise ValueError(f"frame: {self.frame!r} unknown; choose from {', '.join(FRAME_NS)}")
        if self.session_hour_utc * _HOUR_NS % FRAME_NS[self.frame]:
            raise ValueError(
                f"session_hour_utc: a bar of {self.frame} would lie in two sessions that begin at "
                f"{self.session_hour_utc} h; choose an hour at which a bar begins, or a shorter frame"
            )
        if self.heatmap_column_ms < self.heatmap_update_ms:
            raise ValueError(
                f"heatmap_column_ms: {self.heatmap_column_ms} is shorter than heatmap_update_ms "
                f"{self.heatmap_update_ms}; a column needs a look at the book"
            )
        return self
