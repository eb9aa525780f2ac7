"""What can go wrong between a client and an API, on demand or by seed.

A kind says two things: whether the request takes effect, and how its answer ends.

                        not executed            executed                 begun, nothing changed
    closed              drop_before             drop_after
    reset (RST)         reset_before            reset_after
    never answered      hang_before, late*      hang_after
    connection refused  refused
    half an answer                              truncated
    another answer      status, rate_limited    status_after, garbled    status_kept
    whole, slowly                               slow

    * `late` is executed `seconds` after it arrived, when the client has long given up: the request that overtakes its
      own settlement.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple

Ending = Literal["whole", "half", "closed", "reset", "hung", "refused"]


class Kind(NamedTuple):
    """What a fault does."""

    executes: bool
    ending: Ending


KINDS: dict[str, Kind] = {
    "drop_before": Kind(False, "closed"),
    "drop_after": Kind(True, "closed"),
    "reset_before": Kind(False, "reset"),
    "reset_after": Kind(True, "reset"),
    "hang_before": Kind(False, "hung"),
    "hang_after": Kind(True, "hung"),
    "late": Kind(False, "hung"),
    "refused": Kind(False, "refused"),
    "truncated": Kind(True, "half"),
    "garbled": Kind(True, "whole"),
    "slow": Kind(True, "whole"),
    "status": Kind(False, "whole"),
    "status_after": Kind(True, "whole"),
    "status_kept": Kind(False, "whole"),
    "rate_limited": Kind(False, "whole"),
}
#: A provider's own kind is one more answer without effect.
OWN = Kind(False, "whole")


class FaultUnknown(Exception):
    """No stand-in and not this provider knows this kind of fault."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and the requests it befalls. `path` is a pattern (`/v1/refunds*`)."""

    kind: str
    method: str = "*"
    path: str = "*"
    times: int | None = 1  #: None: until it is taken away
    skip: int = 0  #: matching requests that go well first
    seconds: float = 0.0  #: how slow, how late, or how long a hanging request keeps its key; 0: the kind's own
    status: int = 503

    def befalls(self, method: str, path: str) -> bool:
        """Whether this request is meant."""
        return self.method in ("*", method) and (self.path == "*" or fnmatchcase(path, self.path))


class _Waiting:
    """A fault that was asked for, and how often it still comes."""

    __slots__ = ("fault", "skip", "times")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.skip = fault.skip
        self.times = fault.times


class Faults:
    """The faults of one stand-in: those asked for come first, then those that the seed deals."""

    def __init__(self, rng: random.Random, own: frozenset[str] = frozenset()) -> None:
        """Take the chance that deals, and the provider's own kinds."""
        self._rng = rng
        self._own = own
        self.clear()

    def clear(self) -> None:
        """Everything works again."""
        self._waiting: list[_Waiting] = []
        self._rate = 0.0
        self._kinds: Sequence[str] = ()
        self._pattern = Fault("status")
        self._down = False

    def add(self, fault: Fault) -> None:
        """Ask for a fault. Raises: FaultUnknown."""
        self._check(fault.kind)
        self._waiting.append(_Waiting(fault))

    def seed(self, rate: float, kinds: Sequence[str], *, method: str = "*", path: str = "*", seconds: float = 0.0,
             status: int = 503) -> None:  # fmt: skip
        """Let a share of the requests meet one of these kinds by chance. Raises: FaultUnknown."""
        for kind in kinds:
            self._check(kind)
        self._rate, self._kinds = (rate, tuple(kinds)) if kinds else (0.0, ())
        self._pattern = Fault("status", method=method, path=path, seconds=seconds, status=status)

    def down(self, is_down: bool = True) -> None:
        """Take the provider off the net, or bring it back."""
        self._down = is_down

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that befalls this request, if any does."""
        if self._down:
            return Fault("refused")
        found = None
        for waiting in self._waiting:
            if not waiting.fault.befalls(method, path):
                continue
            if waiting.skip:
                waiting.skip -= 1
            elif found is None:
                found = waiting
        if found is not None:
            self._use(found)
            return found.fault
        if self._rate and self._pattern.befalls(method, path) and self._rng.random() < self._rate:
            return Fault(self._rng.choice(self._kinds), seconds=self._pattern.seconds, status=self._pattern.status)
        return None

    def _use(self, waiting: _Waiting) -> None:
        if waiting.times is None:
            return
        waiting.times -= 1
        if waiting.times <= 0:
            self._waiting.remove(waiting)

    def _check(self, kind: str) -> None:
        if kind not in KINDS and kind not in self._own:
            raise FaultUnknown(f"{kind!r} is none of {', '.join(sorted({*KINDS, *self._own}))}")


def fault_of(wish: dict[str, Any]) -> Fault:
    """A fault as JSON asks for it. Raises: FaultUnknown when a member is not a fault's."""
    try:
        return Fault(**wish)
    except TypeError as error:
        raise FaultUnknown(str(error).replace("Fault.__init__() ", "")) from None
