"""Named places at which a test may end the process, as a power cut would.

`COUNTERFOIL_FAILPOINT=write.sent@3` makes the process SIGKILL itself at its third passage of `write.sent`.
Armed only with `COUNTERFOIL_ENV=test`; otherwise `passing` costs one look at a constant.
"""

import os
import signal

#: Every point, in the order in which an event meets them; `counterfoil doctor` lists them.
NAMES: dict[str, str] = {
    "door.recorded": "committed, the bell not rung",
    "door.rung": "the bell rung, not answered",
    "run.claimed": "claimed, nothing done",
    "run.checked": "the contract holds",
    "model.answered": "a hosted model's answer kept, nothing decided",
    "run.classified": "questions answered",
    "run.planned": "planned, nothing recorded",
    "write.intended": "the intent recorded",
    "write.sent": "sent, outcome not recorded",
    "write.recorded": "the outcome recorded",
    "run.recorded": "the run recorded",
}

_armed: str | None = None
_left = 0


def arm(text: str | None, environment: str) -> None:
    """Read `NAME@N`; refuse it outside tests and refuse unknown names.

    Raises: ValueError with what to do.
    """
    global _armed, _left
    _armed, _left = None, 0
    if not text:
        return
    if environment != "test":
        raise ValueError("COUNTERFOIL_FAILPOINT is for tests: set COUNTERFOIL_ENV=test or unset it")
    name, _, count = text.partition("@")
    if name not in NAMES:
        raise ValueError(f"COUNTERFOIL_FAILPOINT names {name!r}; known points are {', '.join(NAMES)}")
    if count and not (count.isascii() and count.isdigit() and int(count) > 0):
        raise ValueError("COUNTERFOIL_FAILPOINT counts from 1: NAME@N")
    _armed, _left = name, int(count or 1)


def passing(name: str) -> None:
    """Die here if this is the passage that the test chose."""
    if _armed is None:
        return
    global _left
    if name == _armed:
        _left -= 1
        if _left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
