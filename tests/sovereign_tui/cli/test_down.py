"""What the commands say while nothing runs."""

from __future__ import annotations

import socket

from schemas import haltfile
from schemas.settings import Settings, load_settings
from sovereign_tui.cli.config import as_toml
from tests.sovereign_tui.cli.support import Shell
from tests.sovereign_tui.ops.support import processes_of


def test_status_of_nothing_is_down_with_code_3(sovereign: Shell) -> None:
    run = sovereign("status", "--json")
    assert (run.code, run.json["state"]) == (3, "DOWN")
    assert sovereign("status").code == 3


def test_down_of_nothing_says_so(sovereign: Shell) -> None:
    assert sovereign("down").out == "nothing was running\n"
    run = sovereign("down", "--json")
    assert (run.code, run.json) == (0, {"ok": True, "state": "DOWN", "stopped": []})


def test_halt_without_ops_fails_but_leaves_a_halt_for_the_next_start(sovereign: Shell) -> None:
    run = sovereign("halt", "--json", "--reason", "smoke")
    assert (run.code, run.json["halt_file"], run.json["receipt"]) == (1, True, None)
    standing = haltfile.read(sovereign.home.runtime)
    assert standing is not None
    assert (standing.id, standing.reason) == (run.json["id"], "smoke")
    again = sovereign("halt")
    assert again.code == 1
    assert f"halt {standing.id}" in again.err


def test_resume_and_attach_without_ops_say_how_to_start_it(sovereign: Shell) -> None:
    run = sovereign("resume")
    assert (run.code, run.err) == (1, "sovereign: ops is not running; start it with `sovereign up`\n")
    attach = sovereign("tui", "--attach")
    assert attach.code == 3
    assert "sovereign up" in attach.err


def test_bad_settings_are_said_before_anything_starts(sovereign: Shell) -> None:
    sovereign.home.settings_file.write_text("[risk]\nprice_ttl_ms = -1\nsize = 3\n")
    for arguments in (("up",), ("config", "check"), ("config", "show"), ("tui",)):
        run = sovereign(*arguments)
        assert run.code == 78
        assert "line 2: risk.price_ttl_ms = -1" in run.err
        assert "line 3: unknown setting risk.size" in run.err
    assert sovereign("up", "--json").json["ok"] is False
    assert not (sovereign.home.logs / "ops.log").exists()
    assert sovereign("down").code == 0


def test_an_unusable_home_is_one_line(sovereign: Shell) -> None:
    sovereign.home.settings_file.write_text("")
    run = sovereign("up", SOVEREIGN_HOME=str(sovereign.home.settings_file))
    assert run.code == 78
    assert len(run.err.splitlines()) == 1


def test_a_taken_port_is_named_and_nothing_is_left(sovereign: Shell) -> None:
    with socket.create_server(("127.0.0.1", int(sovereign.variables["SOVEREIGN_WIRE__SIGNAL_PORT"]))) as taken:
        run = sovereign("up", "--json")
        port = taken.getsockname()[1]
    assert run.code == 78
    assert run.json["ok"] is False
    said = run.json["problems"][0]
    assert f"port {port} (tcp://127.0.0.1:{port}) of the signal channel is taken" in said
    assert "wire.signal_port" in said
    assert processes_of(sovereign.home) == []


def test_a_broken_halt_file_is_still_a_halt(sovereign: Shell) -> None:
    haltfile.path_in(sovereign.home.runtime).write_text("{")
    run = sovereign("halt", "--json")
    assert (run.code, run.json["id"]) == (1, "haltfile")


def test_config_show_is_a_file_that_gives_the_same_settings(sovereign: Shell) -> None:
    sovereign.home.settings_file.write_text('[venue]\nleverage = 7\n[brain]\nframes = ["5m", "1H"]\n')
    run = sovereign("config", "show", SOVEREIGN_WIRE__CURVE="false")
    assert run.code == 0
    assert "leverage = 7  # Leverage set at start, times" in run.out
    shown = sovereign.home.settings_file
    shown.write_text(run.out)
    loaded = load_settings(shown, {})
    assert (loaded.venue.leverage, loaded.brain.frames, loaded.wire.curve) == (7, ("5m", "1H"), False)
    assert sovereign("config", "path").out.strip() == str(shown)
    assert sovereign("config", "check").code == 0


def test_the_defaults_survive_being_written_and_read(sovereign: Shell) -> None:
    sovereign.home.settings_file.write_text(as_toml(Settings()))
    assert load_settings(sovereign.home.settings_file, {}) == Settings()


def test_blackbox_of_nothing(sovereign: Shell) -> None:
    assert sovereign("blackbox", "ls", "--json").json == {"segments": []}
    run = sovereign("blackbox", "verify", "--json")
    assert (run.code, run.json) == (0, {"ok": True, "segments": []})


def test_help_version_and_typos(sovereign: Shell) -> None:
    assert sovereign("--version").out.startswith("sovereign ")
    shown = sovereign("--help").out
    for name in ("tui", "up", "down", "status", "halt", "resume", "config", "exchange", "blackbox"):
        assert name in shown
    assert sovereign("fly").code == 2
    assert sovereign("halt", "--nonsense").code == 2


def test_the_exchange_gets_its_arguments_and_gives_its_exit_code(sovereign: Shell) -> None:
    run = sovereign("exchange", "--port", "1000000")
    assert run.code == 78
    assert "port" in run.err


def test_the_kill_switch_loads_neither_screen_nor_sockets(sovereign: Shell) -> None:
    program = (
        "import sys; sys.argv = ['sovereign', 'halt']\n"
        "from sovereign_tui.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'textual', 'zmq', 'uvloop', 'google'}))"
    )
    assert sovereign.python("-c", program).out.splitlines()[-1] == "[]"
