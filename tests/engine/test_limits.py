"""Limits of a running engine: what tightens them, what loosens them, and what they remember."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.account import Account
from engine.limits import Limits
from engine.risk.gate import Cleared
from engine.risk.ledger import Ledger, Trade
from engine.risk.memory import RiskMemory
from engine.risk.trading_state import CauseName, TradingCauses
from engine.risk.view import Refusal, Traffic
from engine.venue.frames import AccountData, BalanceDetail, PositionData
from schemas.messages import OrderAck, OrderReject, RejectCode, Side
from schemas.settings import Settings
from schemas.settings.risk import Risk
from tests.support.clock import ManualClock
from tests.support.laboratory import Life
from tests.support.orders import INSTRUMENT, TERMS, order, view
from tests.support.trader import Trader, in_laboratory

DAY_S = 86_400


class Scene:
    """Limits of one life, with the account and the ledger that they look at."""

    def __init__(self, directory: Path, clock: ManualClock | None = None, **risk: Any) -> None:
        self.clock = clock or ManualClock()
        self.said: list[tuple[str, str]] = []
        self.causes = TradingCauses(clock=self.clock, on_change=lambda cause, raised: None)
        self.causes.hold(CauseName.RECONCILING, False)
        self.ledger = Ledger(day_starts_utc_hour=0)
        self.ledger.whole = True
        self.account = Account(
            instrument=INSTRUMENT, margin_mode="isolated", currency="USDT", clock=self.clock, ledger=self.ledger
        )  # fmt: skip
        self.account.on_positions([], whole=True)
        self.limits = Limits(
            settings=Settings.model_validate({"risk": risk}), clock=self.clock,
            memory=RiskMemory(directory / "limits.json"), ledger=self.ledger, causes=self.causes,
            log=lambda level, text: self.said.append((level, text)),
        )  # fmt: skip
        self._trades = 0

    def equity(self, amount: str) -> None:
        self.account.on_account(AccountData(details=[BalanceDetail(ccy="USDT", eq=amount, availEq=amount)]))
        self.look()

    def trade(self, pnl: str) -> None:
        self._trades += 1
        trade = Trade(
            instrument=INSTRUMENT, trade_id=str(self._trades), order_id=str(self._trades), pnl=Decimal(pnl),
            fee=Decimal(0), wall_ns=self.clock.wall_ns(),
        )  # fmt: skip
        self.ledger.add(trade)

    def look(self, mark: str = "64000") -> None:
        self.limits.look(self.account, mark=Decimal(mark), terms=TERMS)

    def standing(self) -> dict[str, str]:
        return {cause.name: cause.detail for cause in self.causes.standing()}

    def change(self, confirmed: bool = False, **values: str) -> tuple[bool, str]:
        changes = {f"risk.{name}": text for name, text in values.items()}
        return self.limits.change(changes, confirmed=confirmed, issuer="a test")


def test_a_tightening_acts_at_once_on_the_gate(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert isinstance(scene.limits.judge(order(contracts=Decimal(4)), view()), Cleared)
    assert scene.change(max_order_contracts="3") == (True, "risk.max_order_contracts: 100 -> 3")
    refusal = scene.limits.judge(order(intent_id="i2", contracts=Decimal(4)), view())
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.rule, refusal.limit) == (RejectCode.RISK_VIOLATION, "max_contracts", "3 contracts")
    assert scene.limits.authority.pct(scene.clock.monotonic_ns()) == 50
    assert scene.said == [("info", "limits tightened by a test: risk.max_order_contracts: 100 -> 3")]


def test_a_loosening_needs_the_operator_s_word_and_acts_with_it(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    before = scene.limits.risk
    done, why = scene.change(max_order_contracts="200", collar_pct="0.5", require_stop="false")
    assert (done, why) == (
        False, "risk.max_order_contracts, risk.require_stop: loosens a limit; the operator must confirm it"
    )  # fmt: skip
    assert scene.limits.risk is before  # nor is the half of it done that tightens
    assert scene.change(confirmed=True, max_order_contracts="200") == (True, "risk.max_order_contracts: 100 -> 200")
    assert scene.limits.risk.max_order_contracts == 200
    assert [level for level, _ in scene.said] == ["warning"]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("risk.max_order_contracts", "-1", "risk.max_order_contracts = -1: "),
        ("risk.max_order_contracts", "nonsense", "risk.max_order_contracts = nonsense: not a TOML value; mend"),
        ("risk.max_leverage", "'many'", "risk.max_leverage = 'many': "),
        ("risk.nothing", "1", "risk.nothing is no limit of a running engine; it takes effect at the next start"),
        ("venue.leverage", "1", "venue.leverage is no limit of a running engine; it takes effect at the next start"),
        ("risk.max_leverage", "1\nx = 2", "risk.max_leverage = 1\nx = 2: not a TOML value; mend the value"),
    ],
)
@pytest.mark.parametrize("confirmed", [False, True])
def test_a_bad_value_is_named_and_changes_nothing(
    tmp_path: Path, name: str, text: str, why: str, confirmed: bool
) -> None:
    scene = Scene(tmp_path)
    before = scene.limits.risk
    done, said = scene.limits.change({name: text}, confirmed=confirmed, issuer="a test")
    assert (done, said[: len(why)], scene.limits.risk, scene.said) == (False, why, before, [])


NUMBERS = st.fixed_dictionaries(
    {}, optional={
        "max_order_contracts": st.integers(0, 300).map(str), "max_leverage": st.integers(0, 125).map(str),
        "min_free_margin_pct": st.integers(0, 100).map(str), "loss_cooldown_s": st.integers(0, 2_000).map(str),
        "require_stop": st.sampled_from(["true", "false"]), "max_orders_per_s": st.integers(0, 20).map(str),
    },
)  # fmt: skip


@given(st.lists(NUMBERS, max_size=5))
def test_without_the_operator_no_series_of_changes_ever_allows_more(tmp_path_factory: Any, series: list[Any]) -> None:
    scene = Scene(tmp_path_factory.mktemp("limits"))
    first = Risk()
    for changes in series:
        before = scene.limits.risk
        done, _ = scene.change(**changes)
        assert done or scene.limits.risk == before
    now = scene.limits.risk
    assert now.max_order_contracts <= first.max_order_contracts
    assert now.max_leverage <= first.max_leverage
    assert now.min_free_margin_pct >= first.min_free_margin_pct
    assert now.loss_cooldown_s >= first.loss_cooldown_s
    assert now.require_stop
    assert now.max_orders_per_s <= first.max_orders_per_s


def test_the_loss_of_a_day_stands_until_the_next_one(tmp_path: Path) -> None:
    scene = Scene(tmp_path, max_daily_loss_pct=3, max_drawdown_pct=50)
    scene.equity("100000")
    scene.trade("-2999")
    scene.equity("97001")
    assert scene.standing() == {}
    scene.trade("-1")
    scene.equity("97000")
    assert scene.standing() == {"daily_loss": "-3000 USDT today, limit 3.0 %"}
    assert scene.limits.rearm(scene.account) == ""
    scene.look()
    assert set(scene.standing()) == {"daily_loss"}
    scene.clock.advance(s=DAY_S)
    scene.look()
    assert scene.standing() == {}
    scene.trade("-2911")  # of the new opening, 97,000
    scene.look()
    assert set(scene.standing()) == {"daily_loss"}


def test_what_is_not_realised_yet_counts_for_the_day(tmp_path: Path) -> None:
    scene = Scene(tmp_path, max_daily_loss_pct=3, max_drawdown_pct=50)
    scene.equity("100000")
    scene.account.on_positions([PositionData(instId=INSTRUMENT, pos="100", avgPx="64000")])
    scene.look(mark="61001")
    assert scene.standing() == {}
    scene.look(mark="61000")  # 100 contracts of 0.01 BTC: 3,000
    assert set(scene.standing()) == {"daily_loss"}


def test_a_fall_from_the_peak_waits_for_the_operator_over_days_and_restarts(tmp_path: Path) -> None:
    clock = ManualClock()
    scene = Scene(tmp_path, clock, max_drawdown_pct=10, max_daily_loss_pct=100)
    for equity in ("100000", "110000", "99001"):
        scene.equity(equity)
    assert scene.standing() == {}
    scene.equity("99000")
    assert scene.standing() == {"drawdown": "equity 99000, peak 110000; `sovereign rearm`"}
    scene.limits.save()
    clock.advance(s=3 * DAY_S)
    again = Scene(tmp_path, clock, max_drawdown_pct=10, max_daily_loss_pct=100)
    again.equity("99000")
    assert set(again.standing()) == {"drawdown"}
    assert again.limits.rearm(again.account) == "the drawdown stop"
    again.look()
    assert again.standing() == {}
    again.equity("89100")
    assert set(again.standing()) == {"drawdown"}  # of the peak since


def test_the_throttle_latches_over_a_restart_until_it_is_re_armed(tmp_path: Path) -> None:
    clock = ManualClock()
    scene = Scene(tmp_path, clock, max_executions=2, executions_window_s=60.0)
    for number in range(2):
        verdict = scene.limits.judge(order(intent_id=f"i{number}"), view())
        assert isinstance(verdict, Cleared)
    busy = view(traffic=scene.limits.traffic.seen(clock.monotonic_ns()))
    assert busy.traffic == Traffic(last_second=2, in_window=2, latched="")
    refusal = scene.limits.judge(order(intent_id="i3"), busy)
    assert isinstance(refusal, Refusal)
    assert refusal.rule == "repeated_execution"
    scene.look()
    assert scene.standing() == {"throttled": "2 orders in 60 s; `sovereign rearm`"}
    scene.limits.save()
    clock.advance(s=3_600)
    again = Scene(tmp_path, clock, max_executions=2)
    again.look()
    assert again.standing() == {"throttled": "2 orders in 60 s; `sovereign rearm`"}
    assert again.limits.rearm(again.account) == "2 orders in 60 s"
    again.look()
    assert again.standing() == {}
    again.limits.save()
    assert Scene(tmp_path, clock).limits.traffic.latched == ""


def test_opening_and_peak_survive_a_restart_on_the_same_day(tmp_path: Path) -> None:
    clock = ManualClock()
    scene = Scene(tmp_path, clock, max_daily_loss_pct=3, max_drawdown_pct=50)
    scene.equity("100000")
    scene.equity("105000")
    scene.limits.save()
    again = Scene(tmp_path, clock, max_daily_loss_pct=3, max_drawdown_pct=50)
    again.trade("-2000")
    again.equity("98000")
    day = again.limits.day(again.account, mark=Decimal(64_000), terms=TERMS)
    assert (day.result, day.opening, day.peak) == (Decimal(-2_000), Decimal(100_000), Decimal(105_000))
    assert again.standing() == {}


def test_what_is_unknown_raises_nothing_and_remembers_nothing(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.whole = False
    scene.equity("100000")
    day = scene.limits.day(scene.account, mark=None, terms=None)
    assert (day.result, day.opening, scene.standing()) == (None, None, {})


def test_a_full_disk_is_said_and_the_limits_go_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    scene = Scene(tmp_path / "file")
    scene.equity("100000")
    scene.limits.save()
    assert [text for level, text in scene.said if level == "error" and "not remembered" in text] != []
    assert scene.limits.day(scene.account, mark=None, terms=TERMS).peak == 100_000


def test_in_a_running_engine_a_lost_day_lets_only_reducing_orders_pass_until_midnight(tmp_path: Path) -> None:
    async def act(trader: Trader) -> None:
        lab = trader.lab
        life = lab.life
        assert life is not None
        await trader.told(Side.BUY, "9", sl_pct=2.0)
        lab.move(-700)
        await trader.told(Side.SELL, "4", reduce_only=True)  # 0.7 USDT lost on each contract, and the fees
        await asyncio.sleep(1)
        assert life.causes.stands(CauseName.DAILY_LOSS)
        said = await trader.told(Side.BUY)
        assert isinstance(said, OrderReject)
        assert said.code is RejectCode.TRADING_STATE
        assert isinstance(await trader.told(Side.SELL, "5", reduce_only=True), OrderAck)
        await asyncio.sleep(2)
        assert life.causes.stands(CauseName.DAILY_LOSS)
        await _past_midnight(trader, life)
        assert not life.causes.stands(CauseName.DAILY_LOSS)
        assert isinstance(await trader.told(Side.BUY), OrderAck)

    in_laboratory(tmp_path, act, risk__max_daily_loss_pct=0.005)


async def _past_midnight(trader: Trader, life: Life) -> None:
    """The wall clock jumps to the next day: hours of beats would only cost time."""
    clock: Any = trader.lab.clock
    wall_ns = clock.wall_ns
    clock.wall_ns = lambda: wall_ns() + DAY_S * 1_000_000_000
    await asyncio.sleep(12)  # the clock watch measures anew
