"""Which faults are armed, and which strike now. Pure: the clock is injected, the dice are seeded."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from engine.exchange.config import ConfigError
from engine.exchange.faults.catalogue import CATALOGUE, COMMON, Parameter, strikes_call
from schemas.clock import NS_PER_MS, Clock

_T = TypeVar("_T")
_ARMED_MAX: Final = 1000
NOT_GIVEN: Final[Any] = None
"""A parameter that was left out: it gets the catalogue's default if the fault takes it, and stays None if not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault as it was armed. `times`: how often it still strikes, None until it is cleared; `share` is a fraction.

    Raises: ConfigError, for a name, a parameter or a value that the catalogue does not know.
    """

    name: str
    times: int | None = None
    probability: float = 1.0
    after_ms: int = 0
    delay_ms: int = NOT_GIVEN
    offset_ms: int = NOT_GIVEN
    share: float = NOT_GIVEN
    executed: bool = NOT_GIVEN
    ack: bool = NOT_GIVEN
    lookups: int = NOT_GIVEN
    within_ms: int = NOT_GIVEN
    back: int = NOT_GIVEN
    call: str = NOT_GIVEN

    def __post_init__(self) -> None:
        entry = CATALOGUE.get(self.name) if isinstance(self.name, str) else None
        if entry is None:
            raise ConfigError("name", self.name, f"give one of {', '.join(CATALOGUE)}")
        if entry.lasting and self.times is not None:
            raise ConfigError("times", self.times, f"leave it out: {self.name} holds until it is cleared")
        for field, parameter in COMMON.items():
            if field != "times" or self.times is not None:
                _check(field, getattr(self, field), parameter)
        for field in PARAMETERS:
            value = getattr(self, field)
            if field in entry.parameters:
                if value is NOT_GIVEN:
                    object.__setattr__(self, field, entry.parameters[field].default)
                else:
                    _check(field, value, entry.parameters[field])
            elif value is not NOT_GIVEN:
                known = ", ".join([*COMMON, *entry.parameters])
                raise ConfigError(field, value, f"leave it out: {self.name} takes {known}")

    def strikes_call(self, method: str, call: str) -> bool:
        """Whether it is meant for a REST call (the path after /api/v5/)."""
        return strikes_call(self.name, self.call or "", method, call)

    def view(self) -> dict[str, object]:
        """As the control route shows it, and takes it."""
        fields = ("name", *COMMON, *CATALOGUE[self.name].parameters)
        return {field: getattr(self, field) for field in fields}


PARAMETERS: Final = tuple(name for name in Fault.__slots__ if name not in {"name", *COMMON})


def _check(field: str, value: object, parameter: Parameter) -> None:
    kind = parameter.kind
    if kind is bool:
        if not isinstance(value, bool):
            raise ConfigError(field, value, "give true or false")
    elif kind is str:
        if not isinstance(value, str):
            raise ConfigError(field, value, "give a text, like trade/order")
    elif not _in_bounds(value, parameter):
        word = "a whole number" if kind is int else "a number"
        raise ConfigError(field, value, f"give {word} from {parameter.least} to {parameter.most}")


def _in_bounds(value: object, parameter: Parameter) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if parameter.kind is int and isinstance(value, float):
        return False
    return parameter.least <= value <= parameter.most


class _Armed:
    """A fault with what it has left, when it can begin (monotonic ns), and dice of its own."""

    __slots__ = ("due_ns", "fault", "held", "left", "rng")

    def __init__(self, fault: Fault, due_ns: int, rng: random.Random) -> None:
        self.fault = fault
        self.due_ns = due_ns
        self.rng = rng
        self.left = fault.times
        self.held = False

    def hits(self) -> bool:
        """One throw of the dice."""
        return self.fault.probability >= 1 or self.rng.random() < self.fault.probability


class Switchboard:
    """The faults of one exchange.

    Each armed fault throws dice of its own, made of the seed and of how many were armed before it: what else is asked
    for, and how often, does not change its strikes.
    """

    def __init__(self, seed: int, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock
        self._armed: dict[str, list[_Armed]] = {}
        self._ordinal = 0
        self._injected: dict[str, int] = {}
        self._clears = dict.fromkeys(CATALOGUE, 0)
        self._rng = random.Random(f"{seed}/faults")

    def arm_all(self, faults: Sequence[Fault]) -> None:
        """Adds all of them or none. Raises: ConfigError, if that would be too many."""
        if len(self.armed()) + len(faults) > _ARMED_MAX:
            raise ConfigError("faults", len(faults), f"clear some first: at most {_ARMED_MAX} can be armed")
        for fault in faults:
            self.arm(fault)

    def arm(self, fault: Fault) -> None:
        """Adds one; several of a name are asked in the order of their arming."""
        due_ns = self._clock.monotonic_ns() + fault.after_ms * NS_PER_MS
        rng = random.Random(f"{self._seed}/{self._ordinal}/{fault.name}")
        self._ordinal += 1
        self._armed.setdefault(fault.name, []).append(_Armed(fault, due_ns, rng))

    def clear(self, name: str | None) -> None:
        """Disarms all faults of a name, or all (None). Raises: ConfigError, for a name that no fault has.

        A silence and an order that is not found end with it; what was announced or put off still comes.
        """
        if name is not None and name not in CATALOGUE:
            raise ConfigError("name", name, f"give one of {', '.join(CATALOGUE)}")
        for cleared in CATALOGUE if name is None else (name,):
            self._armed.pop(cleared, None)
            self._clears[cleared] += 1

    def clears(self, name: str) -> int:
        """How often a name was cleared: what a strike began under another count is over."""
        return self._clears[name]

    def strikes(self, name: str, when: Callable[[Fault], bool] | None = None) -> Fault | None:
        """The fault that strikes now, or None; consumes one of its times. `when`: whether it is meant for this."""
        listed = self._armed.get(name)
        if not listed:
            return None
        now_ns = self._clock.monotonic_ns()
        for armed in listed:
            if now_ns < armed.due_ns or (when is not None and not when(armed.fault)) or not armed.hits():
                continue
            if armed.left is not None:
                armed.left -= 1
                if armed.left == 0:
                    self._remove(armed)
            self._count(name)
            return armed.fault
        return None

    def holds(self, name: str) -> Fault | None:
        """The lasting fault that is in force, the last armed one if there are several. Strikes once, when it begins."""
        listed = self._armed.get(name)
        if not listed:
            return None
        now_ns = self._clock.monotonic_ns()
        for armed in reversed(listed):
            if now_ns < armed.due_ns:
                continue
            if not armed.held:
                if not armed.hits():
                    self._remove(armed)
                    continue
                armed.held = True
                self._count(name)
            return armed.fault
        return None

    def is_armed(self, name: str) -> bool:
        """Whether it could strike, now or later."""
        return bool(self._armed.get(name))

    def choose(self, options: Sequence[_T]) -> _T:
        """One of them, by the seed."""
        return self._rng.choice(options)

    def armed(self) -> list[Fault]:
        """What is armed, with the times that are left."""
        listed = [armed for faults in self._armed.values() for armed in faults]
        return [replace(armed.fault, times=armed.left) for armed in listed]

    def injected(self) -> Mapping[str, int]:
        """How often each fault has struck; those that never did are absent."""
        return dict(self._injected)

    def skew_ms(self) -> int:
        """How far the venue's wall clock is ahead."""
        fault = self.holds("clock_skew")
        return 0 if fault is None else fault.offset_ms

    def now_ns(self) -> int:
        """Monotonic, for what a fault puts off."""
        return self._clock.monotonic_ns()

    def _remove(self, armed: _Armed) -> None:
        listed = [other for other in self._armed[armed.fault.name] if other is not armed]
        if listed:
            self._armed[armed.fault.name] = listed
        else:
            del self._armed[armed.fault.name]

    def _count(self, name: str) -> None:
        self._injected[name] = self._injected.get(name, 0) + 1
