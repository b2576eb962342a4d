"""Every setting, with its unit and bounds. The defaults are SPEC's numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from schemas.messages import FRAME_NS
from schemas.settings.algorithms import Filters, Model
from schemas.settings.cockpit import Cockpit
from schemas.settings.order_flow import OrderFlow
from schemas.settings.price_action import PriceAction
from schemas.settings.risk import Risk, Section
from schemas.settings.sizing import Sizing

Port = Annotated[int, Field(ge=1, le=65_535)]
Share = Annotated[float, Field(gt=0.5, lt=1)]


class Venue(Section):
    """Where to trade. URLs are empty for `sim`: the exchange process says where it listens."""

    name: Literal["sim", "paper", "demo", "live"] = Field("sim", description="Which venue")
    instrument: str = Field("BTC-USDT-SWAP", pattern=r"^[A-Z0-9]+-[A-Z0-9]+-SWAP$", description="OKX instId")
    rest_url: str = Field("", description="Base URL of the REST API; empty: the venue's own")
    ws_url: str = Field("", description="Base URL of the websocket, without /public; empty: the venue's own")
    leverage: int = Field(5, ge=1, le=125, description="Leverage set at start, times")
    margin_mode: Literal["isolated", "cross"] = Field("isolated", description="tdMode of every order")
    order_entry: Literal["websocket", "rest"] = Field(
        "websocket", description="How orders are sent; REST is used in either case while the websocket is down"
    )
    arming_paper_hours: float = Field(
        24.0, ge=0, le=8_760, description="Length of the paper run that live trading asks for, h"
    )
    request_timeout_ms: int = Field(3_000, ge=50, le=60_000, description="Longest wait for a REST answer, ms")


class WireSettings(Section):
    """Sockets between the processes."""

    host: str = Field("127.0.0.1", min_length=1, description="Address that the binding sides bind")
    market_port: Port = Field(5555, description="PUB/SUB market data and state, engine binds")
    command_port: Port = Field(5556, description="REQ/REP orders and heartbeats, engine binds")
    telemetry_port: Port = Field(5557, description="PUSH/PULL telemetry, ops binds")
    signal_port: Port = Field(5558, description="PUB/SUB system events, ops binds")
    market_endpoint: str = Field("", description="Instead of host and port, e.g. ipc:///path")
    command_endpoint: str = Field("", description="Instead of host and port")
    telemetry_endpoint: str = Field("", description="Instead of host and port")
    signal_endpoint: str = Field("", description="Instead of host and port")
    curve: bool = Field(True, description="Authenticate and encrypt every socket")
    expose: bool = Field(False, description="Allow `host` to be another address than loopback")

    @property
    def market(self) -> str:
        """Endpoint of the market stream."""
        return self.market_endpoint or f"tcp://{self.host}:{self.market_port}"

    @property
    def command(self) -> str:
        """Endpoint of the command channel."""
        return self.command_endpoint or f"tcp://{self.host}:{self.command_port}"

    @property
    def telemetry(self) -> str:
        """Endpoint of the telemetry pipeline."""
        return self.telemetry_endpoint or f"tcp://{self.host}:{self.telemetry_port}"

    @property
    def signal(self) -> str:
        """Endpoint of the system events."""
        return self.signal_endpoint or f"tcp://{self.host}:{self.signal_port}"

    @model_validator(mode="after")
    def _endpoints_differ(self) -> WireSettings:
        endpoints = [self.market, self.command, self.telemetry, self.signal]
        if len(set(endpoints)) < len(endpoints):
            raise ValueError(f"two of the four endpoints are the same ({', '.join(endpoints)}); give each its own port")
        if not self.expose and self.host not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(f"host {self.host!r} is not loopback; set expose = true if others shall reach this system")
        return self


class Exchange(Section):
    """The simulated exchange of the venue `sim`."""

    seed: int = Field(256, ge=0, lt=2**63, description="Seed of the synthetic market")
    balance_usdt: Decimal = Field(Decimal(100_000), gt=0, lt=10**12, description="Opening balance, USDT")
    latency_ms: int = Field(5, ge=0, le=10_000, description="How long an order takes to be answered, ms")
    recording: str = Field("", description="File to replay instead of the synthetic market")
    speed: str = Field(
        "1", pattern=r"^([1-9][0-9]{0,2}|1000|max)$", description="Speed of the replay, 1 to 1000 times, or `max`"
    )
    frames_per_s: int = Field(0, ge=0, le=100_000, description="Fixed rate of book frames, for benchmarks; 0: as OKX")


class Safety(Section):
    """When the engine stops by itself."""

    brain_timeout_s: float = Field(3.0, ge=0.5, le=600, description="Without a heartbeat of the brain: dead, s")
    ops_timeout_s: float = Field(3.0, ge=0.5, le=600, description="Without a heartbeat of ops: only reduce, s")
    protection_timeout_s: float = Field(
        3.0, ge=0.2, le=60, description="How long a position may be without a stop at the venue, s"
    )
    dead_man_s: int = Field(30, ge=10, le=120, description="cancel-all-after while orders rest, s")
    brain_death: Literal["all", "unprotected", "none"] = Field(
        "unprotected", description="Which positions to close when the brain dies"
    )
    brain_proof_beats: int = Field(
        3, ge=1, le=100, description="Good heartbeats in a row that a brain owes before it may trade again"
    )
    loop_lag_ms: float = Field(
        500.0, ge=10, le=10_000, description="Lateness of the engine's event loop beyond which it only reduces, ms"
    )
    halt_on: tuple[Literal["daily_loss", "lifecycle_error", "venue_errors"], ...] = Field(
        ("daily_loss", "lifecycle_error", "venue_errors"), description="What makes the engine halt by itself"
    )
    venue_errors: int = Field(
        10, ge=1, le=10_000, description="Orders within venue_errors_window_s that the venue did not take: halt"
    )
    venue_errors_window_s: float = Field(60.0, gt=0, le=86_400, description="Window of venue_errors, s")
    halt_deadline_s: float = Field(10.0, ge=0.5, le=600, description="How long `halt` waits for the venue, s")


class Brain(Section):
    """The layers and how they vote."""

    frames: tuple[str, ...] = Field(("5m", "15m"), min_length=1, description="Time frames that vote")
    primary: str = Field("5m", description="The frame that must agree")
    history_bars: int = Field(
        4_032, ge=300, le=10_000, description="Confirmed candles kept a frame; two weeks of 5m know the week before"
    )
    trend_lookback_bars: int = Field(24, ge=1, le=1_000, description="Bars back that the trend is measured from")
    trend_threshold_pct: float = Field(1.0, gt=0, le=100, description="Trend beyond which it votes, percent")
    book_levels: int = Field(5, ge=1, le=20, description="Levels a side of the imbalance")
    book_threshold: Share = Field(0.6, description="Share of size beyond which the book votes")
    flow_window_s: float = Field(30.0, gt=0, le=3_600, description="Window of the trade pressure, s")
    flow_threshold: Share = Field(0.6, description="Share of volume beyond which the flow votes")
    votes_needed: int = Field(2, ge=1, le=3, description="Scores of three (trend, book, flow) that must agree")
    heartbeat_ms: int = Field(1_000, ge=50, le=60_000, description="Interval of the heartbeats, ms")
    publish_ms: int = Field(200, ge=0, le=60_000, description="Shortest time between two published non-trades, ms")

    @model_validator(mode="after")
    def _frames_make_sense(self) -> Brain:
        unknown = [frame for frame in self.frames if frame not in FRAME_NS]
        if unknown:
            raise ValueError(f"frames: {', '.join(unknown)} unknown; choose from {', '.join(FRAME_NS)}")
        if len(set(self.frames)) < len(self.frames):
            raise ValueError("frames: a frame is named twice; name each once")
        if not self.primary:
            raise ValueError(f"primary: '' names no frame, and one must agree; choose from {', '.join(self.frames)}")
        if self.primary not in self.frames:
            raise ValueError(f"primary: {self.primary!r} is not among frames {', '.join(self.frames)}; add it there")
        return self


class Ops(Section):
    """The supervisor."""

    heartbeat_ms: int = Field(500, ge=50, le=10_000, description="Interval of OPS_HEARTBEAT, ms")
    backoff_min_ms: int = Field(250, ge=10, le=60_000, description="First wait before a restart, ms")
    backoff_max_ms: int = Field(10_000, ge=10, le=600_000, description="Longest wait before a restart, ms")
    crash_limit: int = Field(8, ge=1, le=1_000, description="Crashes within crash_window_s that end in FATAL")
    crash_window_s: float = Field(120.0, gt=0, le=86_400, description="Window of crash_limit, s")
    start_timeout_s: float = Field(30.0, gt=0, le=600, description="How long a process may take to come up, s")
    stop_timeout_s: float = Field(5.0, gt=0, le=600, description="How long a process may take to stop, s")
    hang_timeout_s: float = Field(
        15.0, ge=0, le=3_600, description="Without a heartbeat: ended and started anew, s; 0: never"
    )
    prometheus_port: int = Field(
        0, ge=0, le=65_535, description="Port of loopback where Prometheus reads all numbers; 0: none"
    )


class Blackbox(Section):
    """The record of every message."""

    enabled: bool = Field(True, description="Record every message of every process")
    segment_mb: int = Field(64, ge=1, le=4_096, description="Size at which a new file is begun, MiB")
    keep_gb: float = Field(20.0, gt=0, le=10_000, description="Oldest files beyond this are deleted, GiB a process")
    min_free_mb: int = Field(
        1_024, ge=0, le=10**7, description="With less left on the disk ticks, candles and states are not recorded, MiB"
    )
    queue_records: int = Field(200_000, ge=1_000, le=10_000_000, description="Records waiting for the disk at most")


class Snapshots(Section):
    """What the market looked like as it was decided, for models: market_snapshots.jsonl in the data directory."""

    enabled: bool = Field(True, description="Write snapshots")
    every_ms: int = Field(
        1_000, ge=0, le=3_600_000, description="At least one so often, and one for each order and change of mind, ms"
    )
    segment_mb: int = Field(64, ge=1, le=4_096, description="Size at which the file is closed and compressed, MiB")


AlertKind = Literal["halt", "brain_death", "unprotected_position", "loss_80", "process_fatal", "stale_feed"]


class Alerts(Section):
    """Who is told when a person has to look. Nobody, unless `command` or `url` is set."""

    command: tuple[str, ...] = Field((), description="Program and arguments; gets each alert as JSON on its stdin")
    url: str = Field("", description="Gets each alert as JSON by POST; https, or http on this machine")
    kinds: tuple[AlertKind, ...] = Field(get_args(AlertKind), description="Which alerts are told")
    timeout_s: float = Field(10.0, ge=0.1, le=300, description="How long command and url may take, s")
    repeat_s: float = Field(600.0, ge=0, le=86_400, description="Told again while it stands, s; 0: once")

    @model_validator(mode="after")
    def _told_safely(self) -> Alerts:
        if self.command and not self.command[0]:
            raise ValueError("command: the program is empty; name it, or set command = []")
        if not self.url:
            return self
        where = urlsplit(self.url)
        local = where.scheme == "http" and where.hostname in {"127.0.0.1", "localhost", "::1"}
        if not where.hostname or not (where.scheme == "https" or local):
            raise ValueError("url: neither https nor http on this machine; nobody on the way may read it")
        return self


class Settings(Section):
    """The whole tree."""

    venue: Venue = Venue()
    wire: WireSettings = WireSettings()
    exchange: Exchange = Exchange()
    risk: Risk = Risk()
    safety: Safety = Safety()
    brain: Brain = Brain()
    price_action: PriceAction = PriceAction()
    order_flow: OrderFlow = OrderFlow()
    filters: Filters = Filters()
    model: Model = Model()
    sizing: Sizing = Sizing()
    ops: Ops = Ops()
    blackbox: Blackbox = Blackbox()
    snapshots: Snapshots = Snapshots()
    alerts: Alerts = Alerts()
    cockpit: Cockpit = Cockpit()

    @model_validator(mode="after")
    def _sections_agree(self) -> Settings:
        known = [hours.name for hours in self.price_action.hours()]
        unknown = [name for name in self.filters.sessions if name not in known]
        if unknown:
            raise ValueError(
                f"filters.sessions: {', '.join(unknown)} is no session; choose from {', '.join(known)}, or add it to "
                "price_action.sessions"
            )
        if self.brain.history_bars <= self.brain.trend_lookback_bars:
            raise ValueError(
                f"brain.history_bars: {self.brain.history_bars} candles give no trend over "
                f"{self.brain.trend_lookback_bars}; keep more than brain.trend_lookback_bars"
            )
        if self.filters.divergence and not self.order_flow.cvd:
            raise ValueError(
                'filters.divergence needs a CVD, and order_flow.cvd is empty; name a provider, as in cvd = "trades"'
            )
        return self
