"""What must be right about the account before anything is traded: mode, permissions, leverage, the instrument."""

from __future__ import annotations

from decimal import Decimal

from engine.execution.reconcile import Finding
from engine.risk.view import Terms
from engine.venue.answers import VenueRefused
from engine.venue.keys import judge
from engine.venue.rest import Rest
from schemas.process import StartError
from schemas.settings.tree import Venue


async def check_account(rest: Rest, venue: Venue) -> list[Finding]:
    """Account mode, position mode, permissions, leverage. Returns findings.

    Raises: StartError for what only the operator can mend; VenueError.
    """
    problems = judge(await rest.config())
    if problems:
        raise StartError("\n".join(f"venue: {problem}" for problem in problems))
    try:
        await rest.set_leverage(venue.instrument, venue.leverage, venue.margin_mode)
    except VenueRefused as error:
        in_force = await rest.leverage(venue.instrument, venue.margin_mode)
        text = f"the venue refused {venue.leverage}x ({error}); {in_force}x stands"
        return [Finding(name="leverage_kept", text=text)]
    return []


async def read_terms(rest: Rest, instrument: str) -> tuple[Terms, int | None]:
    """Contract value, lot, minimum, tick; and the venue's number of the instrument.

    Raises: VenueError; StartError for an instrument that does not trade.
    """
    row = await rest.instrument(instrument)
    if row.state != "live":
        raise StartError(f"venue: {instrument} is {row.state}, not live; choose another venue.instrument")
    terms = Terms(
        instrument=instrument, contract_value=Decimal(row.ctVal) * Decimal(row.ctMult or "1"),
        lot=Decimal(row.lotSz), minimum=Decimal(row.minSz), tick=Decimal(row.tickSz),
        largest_market=Decimal(row.maxMktSz) if row.maxMktSz else None,
        largest_limit=Decimal(row.maxLmtSz) if row.maxLmtSz else None,
    )  # fmt: skip
    return terms, row.instIdCode
