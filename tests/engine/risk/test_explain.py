"""The table behind a verdict: what each rule saw, and the same answer as the gate's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.risk import rules
from engine.risk.gate import Cleared, Gate, RuleNote, default_gate
from engine.risk.rules.base import Limit
from engine.risk.view import Refusal
from schemas.messages import OrderRequest, RejectCode, Side, TradingState
from schemas.settings.risk import Risk
from tests.support.orders import DAY, ORDER, TERMS, TRAFFIC, DeepBook, order, view

GATE = default_gate(Risk(), brain_timeout_s=3)
S = 1_000_000_000


def test_an_order_that_clears_shows_what_every_rule_saw_and_its_limit() -> None:
    table = GATE.explain(ORDER, view())
    assert [note.rule for note in table] == [rule.name for rule in GATE.rules]
    assert {note.outcome for note in table} == {"passed"}
    assert all(note.observed is not None and note.limit is not None for note in table)
    seen = {note.rule: (note.observed, note.limit) for note in table}
    assert seen["account_share"] == ("0.6400 %", "10.0 %")
    assert seen["trading_state"] == ("ACTIVE", "ACTIVE")
    assert seen["protective_stop"] == ("0.4 %", "a stop-loss")
    assert seen["slippage"] == ("0.00 bps", "10 bps")
    assert seen["duplicate_intent"] == ("i1, new", "once")


def test_the_first_refusal_decides_and_later_rules_are_not_asked() -> None:
    table = GATE.explain(order(contracts=Decimal("15.63")), view(price_age_ns=10**12))
    outcomes = [note.outcome for note in table]
    at = outcomes.index("refused")
    assert table[at] == RuleNote("account_share", "RISK_VIOLATION", "10.0032 %", "10.0 %", "refused")
    assert set(outcomes[:at]) == {"passed"}
    assert {note[2:] for note in table[at + 1 :]} == {(None, None, "not asked")}


def test_an_order_that_only_reduces_is_measured_by_the_rules_that_spare_it_too() -> None:
    shrink = order(side=Side.SELL, contracts=Decimal(1), reduce_only=True, sl_pct=None, tp_pct=None)
    table = {note.rule: note for note in GATE.explain(shrink, view(position=Decimal(2)))}
    assert {name for name, note in table.items() if note.outcome == "spared"} == {
        rule.name for rule in GATE.rules if rule.spares_reducing
    }
    assert table["protective_stop"] == RuleNote("protective_stop", "NO_STOP", "none", "a stop-loss", "spared")


class Fails(Limit):
    """A rule that cannot be asked, or cannot say what it saw."""

    name = "fails"
    code = RejectCode.MALFORMED
    spares_reducing = False

    def __init__(self, *, asked: bool) -> None:
        self._asked = asked

    def judge(self, order: OrderRequest, view: Any) -> Refusal | None:
        if self._asked:
            raise ZeroDivisionError("oops")
        return None

    def measure(self, order: OrderRequest, view: Any) -> rules.Measured:
        raise ZeroDivisionError("oops")


def test_a_rule_that_raises_has_refused_and_one_that_only_finds_no_words_has_not() -> None:
    assert Gate((Fails(asked=True),)).explain(ORDER, view()) == (RuleNote("fails", "INTERNAL", None, None, "refused"),)
    assert Gate((Fails(asked=False),)).explain(ORDER, view()) == (RuleNote("fails", "MALFORMED", None, None, "passed"),)
    nan = order(contracts=Decimal("nan"), side=Side.SELL)  # cannot even be compared with what is held
    held = view(position=Decimal(1))
    assert GATE.explain(nan, held)[:2] == (
        RuleNote("well_formed", "INTERNAL", None, None, "refused"),
        RuleNote("trading_state", "TRADING_STATE", None, None, "not asked"),
    )
    verdict = GATE.judge(nan, held)
    assert isinstance(verdict, Refusal)
    assert verdict.code is RejectCode.INTERNAL


def known(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


MONEY = st.decimals("-10", "1000000", places=2)
AGES = st.integers(-1, 10 * S)
ORDERS = st.builds(
    order, intent_id=st.sampled_from(["i1", "i2", "a-b", ""]), contracts=st.decimals("-1", "200", places=2),
    side=st.sampled_from([Side.BUY, Side.SELL]), reduce_only=st.booleans(),
    limit_price=known(st.decimals("0", "70000", places=1)), sl_pct=known(st.floats(-1, 60)),
)  # fmt: skip
VIEWS = st.builds(
    view, trading_state=st.sampled_from([TradingState.ACTIVE] * 6 + [TradingState.REDUCING, TradingState.HALTED]),
    terms=st.sampled_from([TERMS, TERMS, TERMS, replace(TERMS, largest_market=Decimal(12)), None]),
    equity=known(st.just(Decimal(10**5)) | MONEY), available=known(MONEY),
    position=known(st.decimals("-100", "100", places=2)),
    working_buy=st.decimals("0", "50", places=2), working_notional=MONEY,
    leverage=known(st.integers(0, 100).map(Decimal)), liquidation_price=known(MONEY),
    price=known(st.just(Decimal("64000.1"))), mid=known(st.floats(60_000, 68_000)),
    mark=known(st.floats(60_000, 68_000)),
    depth=st.builds(DeepBook, holds=st.floats(0, 300)), book_valid=st.booleans(),
    price_age_ns=known(AGES), order_age_ns=AGES, feed_age_ns=known(AGES), brain_age_ns=known(AGES),
    clock_offset_ns=known(AGES), authority_pct=st.sampled_from([Decimal(100), Decimal(50), Decimal("1.5625")]),
    day=st.builds(lambda **seen: replace(DAY, **seen), result=known(MONEY), peak=known(MONEY),
                  losses=st.integers(0, 9), last_loss_age_ns=known(AGES)),
    traffic=st.builds(lambda **seen: replace(TRAFFIC, **seen), last_second=st.integers(0, 30),
                      in_window=st.integers(0, 300), latched=st.sampled_from(["", "", "too many"])),
    known_intents=st.sampled_from([set(), {"i1"}]),
)  # fmt: skip


@given(ORDERS, VIEWS)
def test_the_table_and_the_verdict_are_the_same_answer(request: OrderRequest, seen: Any) -> None:
    verdict, table = GATE.judge(request, seen), GATE.explain(request, seen)
    assert [note.rule for note in table] == [rule.name for rule in GATE.rules]
    refusals = [note for note in table if note.outcome == "refused"]
    if isinstance(verdict, Cleared):
        assert not refusals
    else:
        assert refusals == [RuleNote(verdict.rule, verdict.code.value, verdict.observed, verdict.limit, "refused")]
