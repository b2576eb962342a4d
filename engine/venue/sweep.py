"""What `panic` asks the venue, in which order, until the venue says that nothing is open. Pure: calls out, replies in.

A round lists what is open and acts on every row of it: orders; with `flatten` also algo orders and positions. Nothing
of it depends on what an earlier call came to: an answer that is lost, late or an error is mended by the next round,
since canceling or closing twice does no harm. It is over when two rounds in a row, a moment apart, have listed
everything and found nothing: an order that was under way to the venue while we asked is seen by the second.

Source: OKX API guide, "Get order list", "Cancel multiple orders", "Get algo order list", "Close positions".
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from engine.venue import codes
from engine.venue.calls import Call, Pause, Reply, Row, Said, closing, contracts, reducible, reducing, text_of

_OF_ROWS: Final = frozenset({"1", "2"})
"""All, or some, of a batch failed; the rows say how."""
_PAGE: Final = 100
_AT_ONCE: Final = {"ordId": 20, "algoId": 10}
_CANCELS: Final = {"ordId": "trade/cancel-batch-orders", "algoId": "trade/cancel-algos"}
_ALGO_TYPES: Final = ("conditional", "oco", "trigger", "move_order_stop", "iceberg", "twap", "chase")
_NOT_EVERYWHERE: Final = frozenset({"iceberg", "twap", "chase"})
"""Where the venue does not know the type, none of it can be open."""

_CLEAN_ROUNDS: Final = 2
_AGAIN_S: Final = 0.05
_SETTLE_S: Final = 0.25
_FLATTEN_AGAIN_S: Final = 1.0
"""A round asks for each type of algo order, and the venue takes 20 such calls in 2 s."""
_BACK_OFF_S: Final = 0.1
_LONGEST_BACK_OFF_S: Final = 1.0


@dataclass(slots=True)
class Tally:
    """What has come of it. The `open_` figures are what the last whole listing showed; None: there was none yet."""

    open_orders: int | None = None
    open_algos: int | None = None
    open_positions: int | None = None
    canceled: dict[str, int] = field(default_factory=lambda: {"ordId": 0, "algoId": 0})
    closes_sent: int = 0
    confirmed: bool = False
    keys_refused: str = ""
    problems: dict[str, int] = field(default_factory=dict)


class _KeysRefused(Exception):
    """The venue does not take these keys: nothing helps but others."""


Talk = Generator[Call | Pause | Said, Reply | None, bool]
"""Ends with whether it was all listed and there was nothing."""
_Counting = Generator[Call | Pause | Said, Reply | None, int | None]


class Sweep:
    """Drive `steps`: answer each Call with its Reply, and everything else with None. `instrument` "": all."""

    def __init__(self, *, flatten: bool, instrument: str = "") -> None:
        self._flatten = flatten
        self._only = {"instId": instrument} if instrument else {}
        self._troubles = 0
        self._not_closed: set[tuple[str, str, str]] = set()
        self.tally = Tally()

    def steps(self) -> Generator[Call | Pause | Said, Reply | None, None]:
        """Ends when the venue has said it twice, or when it refuses the keys."""
        clean = 0
        try:
            while clean < _CLEAN_ROUNDS:
                quiet = yield from self._round()
                clean = clean + 1 if quiet else 0
                if clean == 1:
                    yield Said(step="zero", text=f"the venue says that {self._nothing()}; asked once more")
                if clean < _CLEAN_ROUNDS:
                    settle = _SETTLE_S if quiet else _AGAIN_S
                    yield Pause(seconds=max(settle, _FLATTEN_AGAIN_S) if self._flatten else settle)
        except _KeysRefused:
            return
        self.tally.confirmed = True
        yield Said(step="confirmed", text=f"the venue confirms that {self._nothing()}")

    def _nothing(self) -> str:
        return "nothing is open, and all is flat" if self._flatten else "no order is open"

    def _round(self) -> Talk:
        quiet = yield from self._orders()
        if not self._flatten:
            return quiet
        quiet &= yield from self._algos()
        quiet &= yield from self._positions()
        return quiet

    # -- orders -------------------------------------------------------------------------------------------------------

    def _orders(self) -> Talk:
        count = yield from self._cancel_listed("orders", "trade/orders-pending", "ordId", {})
        if count is not None:
            self.tally.open_orders = count
        return count == 0

    def _algos(self) -> Talk:
        counts: list[int | None] = []
        for kind in _ALGO_TYPES:
            count = yield from self._cancel_listed("algos", "trade/orders-algo-pending", "algoId", {"ordType": kind})
            counts.append(count)
        if None not in counts:
            self.tally.open_algos = sum(count or 0 for count in counts)
        return all(count == 0 for count in counts)

    def _cancel_listed(self, step: str, path: str, name: str, query: Row) -> _Counting:
        """All pages of a listing, each canceled as soon as it is read. How many there were; None: not all was listed.

        A kind of algo order that this venue does not have is none.
        """
        count = 0
        after: Row = {}
        while True:
            asked = {**self._only, **query, "limit": str(_PAGE), **after}
            reply = yield from self._ask(step, Call(method="GET", path=path, params=asked))
            if reply.code != "0":
                return 0 if query.get("ordType") in _NOT_EVERYWHERE and _is_no(reply.code) else None
            count += len(reply.rows)
            if reply.rows:
                yield Said(step=step, text=f"{len(reply.rows)} {query.get('ordType', '')}".rstrip() + " open")
            for some in _batches(reply.rows, _AT_ONCE[name]):
                body = [{"instId": text_of(row, "instId"), name: text_of(row, name)} for row in some]
                taken = yield from self._cancel(Call(method="POST", path=_CANCELS[name], params=body), name)
                self.tally.canceled[name] += taken
            if len(reply.rows) < _PAGE:
                return count
            after = {"after": text_of(reply.rows[-1], name)}

    # -- positions ----------------------------------------------------------------------------------------------------

    def _positions(self) -> Talk:
        call = Call(method="GET", path="account/positions", params=dict(self._only))
        reply = yield from self._ask("positions", call)
        if reply.code != "0":
            return False
        held = [row for row in reply.rows if contracts(row) != 0]
        self.tally.open_positions = len(held)
        for row in held:
            yield from self._close(row)
        return not held

    def _close(self, row: Row) -> Talk:
        """Close-position; where the venue refused it for this one before, a reduce-only market order."""
        key = (text_of(row, "instId"), text_of(row, "mgnMode"), text_of(row, "posSide"))
        fall_back = key in self._not_closed and reducible(row)
        self._not_closed.discard(key)  # they take turns
        call = reducing(row, f"panic{self.tally.closes_sent}") if fall_back else closing(row)
        yield Said(step="close", text=f"{contracts(row)} {key[0]} ({key[1]}, {key[2] or 'net'}) by {call.path}")
        reply = yield from self._ask("close", call)
        self.tally.closes_sent += 1
        refused = [one for one in reply.rows if str(one.get("sCode", "0")) != "0"]
        for one in refused:
            yield self._problem("close", f"{call}: {one.get('sMsg', '')}", str(one["sCode"]))
        if not fall_back and reply.code is not None and (refused or reply.code != "0"):
            self._not_closed.add(key)
        return True

    # -- one call -----------------------------------------------------------------------------------------------------

    def _ask(self, step: str, call: Call) -> Generator[Call | Pause | Said, Reply | None, Reply]:
        """The answer; after one that is none, or an error, it has been said, and waited for a little.

        Raises: _KeysRefused.
        """
        reply = yield call
        assert reply is not None
        code = reply.code
        if code == "0" or (code in _OF_ROWS and reply.rows):
            self._troubles = 0
            return reply
        if code is None:
            yield self._problem(step, f"{call}: no answer ({reply.text})")
        else:
            yield self._problem(step, f"{call}: {reply.text or 'no reason given'}", code)
        if code in codes.KEYS:
            self.tally.keys_refused = code
            raise _KeysRefused
        if not _is_no(code) or code in codes.CLOCK:
            yield Pause(seconds=self._back_off(), resync=code in codes.CLOCK)
        return reply

    def _cancel(self, call: Call, name: str) -> Generator[Call | Pause | Said, Reply | None, int]:
        """Cancel a batch; how many of it the venue has taken."""
        step = call.path.removeprefix("trade/")
        yield Said(step=step, text=f"{len(call.params)} sent")
        reply = yield from self._ask(step, call)
        taken = 0
        busy = False
        for row in reply.rows:
            code = str(row.get("sCode", "0"))
            taken += code == "0"
            busy |= code in codes.BUSY or code in codes.UNKNOWN
            if code != "0":
                yield self._problem(step, f"{name} {row.get(name, '')}: {row.get('sMsg', '')}", code)
        if busy:
            yield Pause(seconds=self._back_off())
        yield Said(step=step, text=f"{taken} of {len(call.params)} taken by the venue")
        return taken

    def _back_off(self) -> float:
        self._troubles += 1
        return float(min(_LONGEST_BACK_OFF_S, _BACK_OFF_S * 2 ** min(self._troubles - 1, 10)))

    def _problem(self, step: str, text: str, code: str = "") -> Said:
        line = f"{text} ({code})" if code else text
        if code not in codes.GONE:
            self.tally.problems[line] = self.tally.problems.get(line, 0) + 1
        return Said(step=step, text=text, code=code)


def _is_no(code: str | None) -> bool:
    """Whether the same call will be answered alike however often it is made."""
    return code is not None and code not in codes.BUSY and code not in codes.UNKNOWN and code.isdigit()


def _batches(rows: tuple[Row, ...], most: int) -> Iterator[list[Row]]:
    """Of one instrument each, as the venue counts them."""
    for _, some in groupby(sorted(rows, key=_instrument), key=_instrument):
        group = list(some)
        yield from (group[start : start + most] for start in range(0, len(group), most))


def _instrument(row: Row) -> str:
    return text_of(row, "instId")
