from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.messages import Cause, TradingState, UnknownLayer
from sovereign_tui.cockpit.frame import Paint, framed
from sovereign_tui.cockpit.layout import Part, Rect, beside, place
from sovereign_tui.cockpit.panes import banner, footer, header, processes
from sovereign_tui.cockpit.panes.book import depth_text
from sovereign_tui.cockpit.panes.catalogue import PANES
from sovereign_tui.cockpit.reduce import reduce
from sovereign_tui.cockpit.screens import SCREENS, arrange
from sovereign_tui.cockpit.text import Row, plain, width_of
from sovereign_tui.cockpit.theme import THEMES, Palette
from sovereign_tui.cockpit.ui import Ui, focused, with_preset, zoomed
from sovereign_tui.cockpit.view import Counts, Kill, KillPhase, TickRate, View
from tests.sovereign_tui.cockpit import messages as make

MS = make.MS
HEARD_NS = 10_000 * MS
AGING = tuple(name for name in PANES if name not in {"audit", "log", "replay", "settings"})
"""Panes that show what somebody said, and when."""


def _view(*more: object) -> View:
    heard = (
        make.engine(), make.tick(), make.decision(), make.positions(), make.orders(), make.account(), make.system(),
        make.metrics(), make.pulse(), make.log("reconciled"), TickRate(per_s=98.0), Counts(received=5),
        make.history(), make.candle(), make.flow(), make.heatmap(), make.structure(), make.audit(),
    )  # fmt: skip
    view = View()
    for message in (*heard, *more):
        view = reduce(view, message, HEARD_NS)
    return view


def _paint(view: View, age_ms: float = 40, **changes: Any) -> Paint:
    now_ns = HEARD_NS + round(age_ms * MS)
    fields: dict[str, Any] = {"stale_ms": 2_000.0, "venue": "sim", "instrument": make.INSTRUMENT, "selected": "book"}
    return Paint(view=view, now_ns=now_ns, **(fields | changes))


def _pane(key: str, paint: Paint, width: int = 66, height: int = 18) -> tuple[Row, ...]:
    return framed(paint, key, PANES[key].name, PANES[key].draw, width, height)[0]


def _text(rows: tuple[Row, ...]) -> str:
    return "\n".join(plain(cells) for cells in rows)


def _banner(paint: Paint, width: int = 120) -> list[str]:
    return [plain(cells).rstrip() for cells in banner.draw(paint, width)]


@pytest.mark.parametrize("key", PANES)
@pytest.mark.parametrize(("width", "height"), [(66, 18), (54, 12), (120, 30), (30, 5), (3, 3), (1, 1)])
@pytest.mark.parametrize("view", [View(), _view(), _view(make.halted())], ids=["unknown", "live", "halted"])
def test_a_pane_fills_exactly_its_rectangle_with_styles_that_exist(
    key: str, width: int, height: int, view: View
) -> None:
    rows = _pane(key, _paint(view), width, height)
    assert [width_of(cells) for cells in rows] == [width] * height
    for theme in THEMES:
        palette = Palette(theme)
        assert all(palette.style(span.role) is not None for cells in rows for span in cells)


@pytest.mark.parametrize("key", AGING)
def test_a_pane_that_was_never_heard_says_unknown_and_shows_no_zero_price(key: str) -> None:
    text = _text(_pane(key, _paint(View())))
    assert "UNKNOWN" in text
    assert "0.0" not in text


@pytest.mark.parametrize("key", AGING)
def test_an_old_pane_is_dimmed_and_says_stale_with_its_age(key: str) -> None:
    rows = _pane(key, _paint(_view(), age_ms=3_000))
    assert "STALE 3.0 s" in plain(rows[0])
    inside = {span.role for cells in rows[1:-1] for span in cells if span.text.strip("│ ")}
    assert inside == {"stale"}


@pytest.mark.parametrize("key", PANES)
def test_a_fresh_pane_says_neither(key: str) -> None:
    text = _text(_pane(key, _paint(_view())))
    assert "STALE" not in text
    assert "UNKNOWN" not in text


def test_the_book_shows_the_touch_the_imbalance_and_cumulative_depth() -> None:
    text = _text(_pane("book", _paint(_view()), 54, 10))
    assert "imb 0.60" in text
    assert "    6.00    6.00 64,000.0  64,000.2     4.00    4.00" in text
    assert "   12.00    6.00 63,999.9  64,000.3     4.00    8.00" in text


def test_signals_say_scores_votes_and_why_not_in_words() -> None:
    text = _text(_pane("signals", _paint(_view())))
    assert " 5m       +1.24%  ▲ +1   0.66  ▲ +1   0.58  ·  0   ▲ LONG" in text
    assert " 15m      -0.83%  ·  0   0.66  ▲ +1      ?  ·  0   · flat" in text
    assert "why not COOLDOWN: cooldown: 41 s of 60 s left" in text


def test_positions_say_side_protection_and_orders() -> None:
    text = _text(_pane("positions", _paint(_view(make.positions("-12", tp_price=None)))))
    assert "▼ SHORT 12" in text
    assert "TP    none" in text
    assert "▼ sell        5/12  64,012.4  entry   PARTIALLY_FILLED" in text


def test_flat_is_not_unknown() -> None:
    flat = make.positions()
    empty = type(flat)(timestamp_ns=flat.timestamp_ns, positions=())
    assert "FLAT" in _text(_pane("positions", _paint(_view(empty))))
    assert "pos flat" in plain(header.draw(_paint(_view(empty)), 120)[1])
    assert "pos flat STALE" in plain(header.draw(_paint(_view(empty), age_ms=4_000), 120)[1])


@given(st.floats(0, 1e12))
def test_a_size_leaves_a_gap_to_the_next_column_and_is_still_that_size(contracts: float) -> None:
    text = depth_text(contracts)
    assert len(text) <= 7
    shown = float(text.rstrip("M").replace(",", "")) * (1e6 if text.endswith("M") else 1)
    assert shown == pytest.approx(contracts, rel=0.05, abs=0.005001)


@pytest.mark.parametrize(
    ("contracts", "text"),
    [
        (0.01, "0.01"), (999.99, "999.99"), (1299.0, "1,299.0"), (9999.99, "10,000"), (123_456.7, "123,457"),
        (1_234_567.0, "1.23M"), (2e9, "2.0e+09"),
    ],
)  # fmt: skip
def test_the_larger_a_size_the_fewer_its_decimals(contracts: float, text: str) -> None:
    assert depth_text(contracts) == text


def test_large_sizes_stand_apart_in_the_book() -> None:
    view = _view(make.tick(bid_sizes=(1_299.0,) * 20, ask_sizes=(25_300.5,) * 20))
    text = _text(_pane("book", _paint(view), width=52))
    assert "1,299.0 1,299.0" in text
    assert "25,300  25,300" in text


def test_a_book_that_the_engine_does_not_trust_is_said() -> None:
    nothing: dict[str, Any] = {
        "book_valid": False,
        "bid_prices": (),
        "bid_sizes": (),
        "ask_prices": (),
        "ask_sizes": (),
    }
    text = _text(_pane("book", _paint(_view(make.tick(8, **nothing)))))
    assert "BOOK INVALID" in text
    assert "the engine does not trust its book" in text


def test_the_header_says_venue_state_and_the_result_of_the_day() -> None:
    first, second = (plain(cells) for cells in header.draw(_paint(_view()), 120))
    assert first.startswith("  SIM  BTC-USDT-SWAP │ 64,000.1 │  ▶ ACTIVE ")
    assert first.endswith("^K HALT ")
    assert "eng ●  40 ms  brn ● 440 ms  ops ●  40 ms │ ticks   98/s  40 ms │ day +111.22 USDT" in second
    assert "pos ▲ LONG 12 +2.04" in second


@pytest.mark.parametrize("width", [120, 80, 60])
@pytest.mark.parametrize("age_ms", [40, 4_000])
def test_the_header_keeps_state_position_and_kill_key_at_any_width(width: int, age_ms: float) -> None:
    rows = header.draw(_paint(_view(make.halted()), age_ms=age_ms), width)
    first, second = (plain(cells) for cells in rows)
    assert [width_of(cells) for cells in rows] == [width, width]
    assert "SIM" in first
    assert "HALTED" in first
    assert first.endswith("^K HALT ")
    assert "pos ▲ LONG 12" in second


def test_an_old_state_is_not_shown_as_the_present_one() -> None:
    first, second = (plain(cells) for cells in header.draw(_paint(_view(), age_ms=4_000), 120))
    assert "? STALE 4.0 s, was ACTIVE" in first
    assert "▶" not in first
    assert "eng ✗ 4.0 s" in second
    assert "LONG 12 STALE" in second


def test_the_header_names_the_worst_cause_in_words() -> None:
    causes = (
        Cause(name="ops_lost", since_ns=1, detail="no heartbeat for 3.4 s", forces=TradingState.REDUCING),
        Cause(name="reconciling", since_ns=2, detail="asking the venue", forces=TradingState.HALTED),
    )
    view = _view(make.engine(state=TradingState.HALTED, causes=causes))
    assert "reconciling: asking the venue (+1)" in plain(header.draw(_paint(view), 120)[0])
    assert "■ HALTED  │ reconciling (+1)" in plain(header.draw(_paint(view, screen="8 Settings"), 80)[0])


@pytest.mark.parametrize("width", [120, 80])
@pytest.mark.parametrize(("pct", "said"), [(50.0, "│ authority 50% │"), (1.5625, "│ authority 1.5625% │")])
def test_a_cut_authority_is_in_the_header_at_any_width(width: int, pct: float, said: str) -> None:
    view = _view(make.engine(authority_pct=pct))
    assert said in plain(header.draw(_paint(view), width)[1])
    assert "authority" not in plain(header.draw(_paint(view, age_ms=4_000), width)[1])  # an old one is not the present


def test_a_whole_authority_takes_no_room_in_the_header() -> None:
    assert "authority" not in plain(header.draw(_paint(_view()), 120)[1])


def test_a_wide_pane_of_processes_has_all_of_each_in_columns() -> None:
    (ops, exchange, engine, brain) = make.system().processes
    full = msgspec.structs.replace(
        engine, open_files=900, open_files_limit=1_024, loop_lag_p99_ms=1.4, loop_lag_max_ms=1_250.0,
        last_exit="gave no heartbeat for 15 s",
    )  # fmt: skip
    system = msgspec.structs.replace(make.system(), processes=(ops, exchange, full, brain))
    paint = _paint(_view(system, make.engine()), age_ms=0)
    heads, _, _, row, said, *_ = processes.draw(paint, 100, 20).rows
    assert plain(heads).split() == [
        "process", "state", "pid", "restarts", "heartbeat", "cpu", "memory", "files", "loop", "p99", "max",
    ]  # fmt: skip
    assert plain(row).split("●")[1] == " RUNNING      4002        0    120 ms      8%   80 MB    900      1 ms    1.2 s"
    assert {span.text.strip(): span.role for span in row}["900"] == "warn"
    assert {span.text.strip(): span.role for span in row}["1.2 s"] == "warn"
    assert plain(said) == "   the run before: gave no heartbeat for 15 s"
    narrow = [plain(cells) for cells in processes.draw(paint, 66, 20).rows]
    assert all("files" not in line for line in narrow)
    assert "8%" in narrow[3] and "80 MB" in narrow[3]
    assert narrow[4] == "   the run before: gave no heartbeat for 15 s"


def test_a_process_that_does_not_run_is_named_in_the_header() -> None:
    second = plain(header.draw(_paint(_view(make.system(brain="BACKOFF"))), 120)[1])
    assert "brn ✗ BACKOFF" in second


def test_a_kill_shows_its_steps_and_does_not_say_halted() -> None:
    kill = Kill(number=1, pressed_ns=HEARD_NS, receipt=make.receipt(HEARD_NS, 2))
    assert _banner(_paint(_view(kill))) == [
        " HALT 8f3c by op@pts/2  │ sent 0 ms │ latched 1 ms │ 5556 closed 2 ms │ waiting 40 ms"
    ]


@pytest.mark.parametrize("width", [120, 80, 60])
def test_a_verified_kill_ends_in_verified_at_any_width(width: int) -> None:
    kill = Kill(
        number=1, pressed_ns=HEARD_NS, receipt=make.receipt(HEARD_NS, 4), phase=KillPhase.ANSWERED
    )  # fmt: skip
    rows = _banner(_paint(_view(make.halted(), kill)), width)
    assert any("VERIFIED" in line and "NOT" not in line for line in rows)
    assert any("venue says 0 open 41 ms" in line for line in rows)
    assert "$ sovereign resume 8f3c" in rows[-1]


@pytest.mark.parametrize(("age_ms", "said"), [(499, "waiting 499 ms"), (500, "UNCONFIRMED 500 ms")])
def test_without_an_acknowledgement_it_is_unconfirmed_at_500_ms(age_ms: float, said: str) -> None:
    kill = Kill(number=1, pressed_ns=HEARD_NS, receipt=make.receipt(HEARD_NS))
    paint = _paint(_view(kill), age_ms=age_ms)
    assert said in _banner(paint)[0]
    assert banner.is_unconfirmed(paint) is (age_ms >= 500)
    assert not any("sovereign halt" in line for line in _banner(paint))


def test_the_way_around_is_shown_at_2_s_or_as_soon_as_ops_fails() -> None:
    waiting = Kill(number=1, pressed_ns=HEARD_NS)
    assert "from another terminal: sovereign halt" in _banner(_paint(_view(waiting), age_ms=2_000))[-1]
    failed = Kill(number=1, pressed_ns=HEARD_NS, phase=KillPhase.FAILED, problem="ops is not running")
    rows = _banner(_paint(_view(failed), age_ms=1))
    assert "UNCONFIRMED" in rows[0]
    assert rows[1:] == [
        "   ops is not running",
        "   from another terminal: sovereign halt; and look at the venue yourself",
    ]


def test_a_standing_halt_says_how_to_resume() -> None:
    rows = _banner(_paint(_view(make.halted(), make.receipt(HEARD_NS, 4))))
    assert rows[0].startswith(" HALT 8f3c STANDS by op@pts/2")
    assert "VERIFIED │ $ sovereign resume 8f3c" in rows[1]


def test_a_lifted_halt_takes_its_banner_away() -> None:
    kill = Kill(number=1, pressed_ns=HEARD_NS, receipt=make.receipt(HEARD_NS, 4), phase=KillPhase.ANSWERED)
    view = reduce(_view(make.halted(), kill), make.engine(), HEARD_NS + 600 * MS)
    assert _banner(_paint(view, age_ms=700)) == []


def test_ops_gone_is_said_with_the_commands() -> None:
    rows = _banner(_paint(_view(), age_ms=4_000))
    assert rows == [" OPS is silent for 4.0 s  │ the kill key may not get through │ $ sovereign up │ $ sovereign halt"]
    assert _banner(_paint(View(), started_ns=HEARD_NS)) == []
    assert "was never heard" in _banner(_paint(View(), age_ms=3_000, started_ns=HEARD_NS))[0]


def test_the_footer_counts_what_was_malformed() -> None:
    view = _view(Counts(received=9, malformed=2, last_problem="EngineState: truncated"))
    assert plain(footer.draw(_paint(view), 120)).endswith("2 malformed: EngineState: truncated ")


@pytest.mark.parametrize("key", SCREENS)
def test_a_big_screen_is_covered_without_gap_or_overlap_in_each_of_its_layouts(key: str) -> None:
    for number in range(len(SCREENS[key].presets)):
        for width, height in ((110, 32), (120, 40), (200, 60)):
            ui = with_preset(Ui(screen=key), number)
            cells = [
                (x, y)
                for rect in arrange(ui, width, height, 2, 2).values()
                for x in range(rect.x, rect.x + rect.width)
                for y in range(rect.y, rect.y + rect.height)
            ]
            assert len(cells) == len(set(cells)) == width * (height - 4)


def test_smaller_screens_show_the_chosen_pane_or_the_position_alone() -> None:
    at = focused(Ui(screen="4"), "orders")
    assert list(arrange(at, 80, 24, 2, 1)) == ["orders"]
    assert list(arrange(zoomed(at), 120, 40, 2, 1)) == ["orders"]
    assert list(arrange(at, 60, 12, 2, 1)) == ["positions"]


@given(
    st.lists(st.tuples(st.floats(0.01, 10), st.integers(0, 30), st.integers(1, 20)), min_size=1, max_size=6),
    st.integers(0, 200),
)
def test_the_parts_of_a_split_fill_it_whatever_it_is(parts: list[tuple[float, int, int]], room: int) -> None:
    split = beside(*(Part(str(n), share, fixed, least) for n, (share, fixed, least) in enumerate(parts)))
    found = place(split, Rect(3, 4, room, 7)).values()
    assert all(rect.width >= 0 and (rect.y, rect.height) == (4, 7) for rect in found)
    assert [rect.x for rect in found] == [3 + sum(each.width for each in list(found)[:n]) for n in range(len(parts))]
    assert sum(rect.width for rect in found) == room


def _signals(**changes: Any) -> str:
    return _text(_pane("signals", _paint(_view(make.decision(**changes))), width=80))


def test_the_signals_say_what_the_model_says_and_why_the_rules_decide_without_it() -> None:
    assert "model" not in _signals()
    said = _signals(model="trend.onnx", model_score=-0.25)
    assert re.search(r"model +▼? ?-0\.250.* trend\.onnx", said), said
    assert "rules: model gave no answer in 20 ms" in _signals(model="rules: model gave no answer in 20 ms")


def test_the_signals_say_what_a_layer_does_not_know_and_why() -> None:
    unknown = (UnknownLayer(part="order_flow.pressure", reason="trades 2 to 8 are missing"),)
    assert re.search(r"UNKNOWN +order_flow\.pressure: trades 2 to 8 are missing", _signals(unknown=unknown))
