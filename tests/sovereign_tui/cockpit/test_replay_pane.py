from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.clock import NS_PER_S
from schemas.topology import ENGINE, OPS
from sovereign_tui.cockpit.panes.replay import draw_replay
from sovereign_tui.cockpit.text import plain, width_of
from sovereign_tui.cockpit.theme import Palette
from sovereign_tui.replay.events import Event, EventKind
from sovereign_tui.replay.sessions import Session, list_sessions
from sovereign_tui.replay.state import ReplayView, choosing, loading, playing
from tests.sovereign_tui.replay import support as s
from tests.sovereign_tui.replay.support import Tape

WALL_NS = 1_721_347_020_000_000_000


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, ...]:
    directory = tmp_path_factory.mktemp("blackbox")
    tape = Tape(directory)
    for number in range(12):
        tape.start(OPS, ENGINE)
        tape.clock.advance(s=70 * (number + 1))
        tape.end(OPS, in_order=number != 10)
        tape.end(ENGINE)
        tape.clock.advance(s=5)
    return list_sessions(directory).sessions


def _event(at_s: float, kind: EventKind, text: str = "HALT 8f3c by op") -> Event:
    at_ns = round(at_s * NS_PER_S)
    return Event(at_ns, WALL_NS + at_ns, kind, text)


def _played(session: Session, at_s: float = 60.0, **changes: object) -> ReplayView:
    marks = (
        _event(0, EventKind.PROCESS, "engine restarted, pid 7"), _event(50, EventKind.DECISION, "decided to BUY"),
        _event(50.1, EventKind.ORDER, "entry buy 0.78 filled"), _event(75, EventKind.ALERT, "halt: it stands"),
        _event(100, EventKind.HALT),
    )  # fmt: skip
    at_ns = round(at_s * NS_PER_S)
    view = ReplayView(
        chosen=session, at_ns=at_ns, wall_ns=WALL_NS + at_ns, first_ns=0, last_ns=100 * NS_PER_S, speed=5.0,
        playing=True, events=marks, marks=marks,
    )  # fmt: skip
    return replace(view, **changes)  # type: ignore[arg-type]


def _text(view: ReplayView, width: int = 118, height: int = 14) -> list[str]:
    return [plain(cells).rstrip() for cells in draw_replay(view, width, height).rows]


def test_the_newest_session_is_the_first_of_the_list_and_the_cursor_stays_in_sight(
    sessions: tuple[Session, ...],
) -> None:
    rows = _text(choosing(sessions))
    assert rows[0].split() == ["session", "start", "(UTC)", "lasted", "size", "ended", "processes"]
    assert rows[1].startswith(f" ▶ {sessions[-1].id}   2024-07-19 ")
    assert rows[1].endswith("in order    engine ops")
    assert "broken off" in rows[2]
    assert rows[-1] == " ↑↓ choose  enter open  esc back"
    low = _text(choosing(sessions, cursor=11), height=6)
    assert sum("▶" in each for each in low) == 1
    assert sessions[0].id in low[-2]
    assert "processes" not in _text(choosing(sessions), 78)[0]
    assert _text(choosing((), problems=("x.bbx: gone",)))[1:3] == ["  no session is recorded", " ! x.bbx: gone"]


def test_while_it_is_read_it_says_how_far_it_is(sessions: tuple[Session, ...]) -> None:
    rows = _text(loading(sessions[0], 3 << 20, 12 << 20))
    assert rows[1] == f"  reading {sessions[0].id}  3.0 of 12.0 MiB"
    assert rows[3].endswith(" 25%")
    assert _text(loading(sessions[0], 0, 0))[3].endswith(" 0%")


@pytest.mark.parametrize("width", [118, 78])
def test_the_scrubber_has_its_marks_where_things_happened(sessions: tuple[Session, ...], width: int) -> None:
    first, marks, line, _, *rest = _text(_played(sessions[0]), width)
    assert first.split() == ["▶", "PLAYING", "5×", "2024-07-18", "23:58:00.0", "UTC", "1:00", "of", "1:40"]
    cells = width - 2
    at = {glyph: marks.index(glyph) - 1 for glyph in "◆●▲■"}
    assert at == {"◆": 0, "●": 50 * cells // 100, "▲": 75 * cells // 100, "■": cells - 1}  # an order hides its decision
    assert line.index("┃") - 1 == 60 * cells // 100
    assert rest[1].split() == ["23:57:50", "-10.0", "s", "○", "decision", "decided", "to", "BUY"]
    assert rest[2].split() == ["▸", "23:57:50", "-9.9", "s", "●", "order", "entry", "buy", "0.78", "filled"]
    assert rest[3].split()[:3] == ["23:58:15", "+15.0", "s"]
    assert rest[-1].startswith(" space play  ←→ 5 s  ")


def test_at_the_end_it_says_so_and_what_is_missing_is_told(sessions: tuple[Session, ...]) -> None:
    ended = _played(sessions[0], 100, playing=False, problems=("a", "b", "c"))
    rows = _text(ended)
    assert "PAUSED" in rows[0]
    assert rows[0].endswith("1:40 of 1:40 end")
    assert rows[-3:-1] == [" ! a", " ! b  and 1 more"]
    assert _text(replace(ended, live=True))[0].endswith("live end")
    quiet = _text(replace(ended, events=(), marks=()))
    assert "nothing happened in this session" in quiet[4]


def test_it_shows_a_source(tmp_path: Path) -> None:
    tape = Tape(tmp_path)
    s.life(tape, 4)
    source, _ = s.opened(tmp_path)
    source.seek_share(0.5)
    view = playing(source)
    assert (view.at_ns, view.wall_ns) == (source.clock.monotonic_ns(), source.clock.wall_ns())
    body = draw_replay(view, 100, 10)
    assert (body.ageless, plain(body.extra)) == (True, source.index.session.id)


@given(st.integers(1, 160), st.integers(1, 30), st.floats(-5, 130), st.integers(0, 3), st.integers(0, 11))
def test_every_row_is_as_wide_as_the_pane_and_every_role_is_known(
    width: int, height: int, at_s: float, problems: int, cursor: int
) -> None:
    views = (
        _played(SESSION, at_s, problems=("something 漢 is wrong",) * problems),
        choosing([SESSION] * 12, cursor, ("x",) * problems),
        loading(SESSION, 5, 7),
    )
    for view in views:
        body = draw_replay(view, width, height)
        assert len(body.rows) <= height
        for cells in body.rows:
            assert width_of(cells) == width
            assert all(Palette("dark").style(span.role) for span in cells)


def _any_session() -> Session:
    with tempfile.TemporaryDirectory() as name:
        tape = Tape(Path(name))
        tape.start(OPS)
        tape.clock.advance(s=5)
        tape.end()
        return s.only(Path(name))


SESSION = _any_session()
