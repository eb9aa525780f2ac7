"""The real handler of paid invoices, with the troubles that a test asks for in the invoice's number."""

import os
import re
import signal
import time
from typing import Any

from contracts.stripe import InvoicePaid
from engine import Outcome, handles
from handlers.invoice_paid import invoice_paid as real

#: How long a slow one takes: long enough to interfere with.
SLOW_SECONDS = 1.5
#: Longer than the tests' leases, shorter than the limit below.
PONDEROUS_SECONDS = 2.5
#: A handler's limit here; short, so that the tests are.
LIMIT_SECONDS = 3.0


@handles(source="stripe", types=["invoice.paid"], contract=InvoicePaid, time_limit_seconds=LIMIT_SECONDS)
def invoice_paid(event: InvoicePaid) -> Outcome:
    """Book a paid invoice, unless its number says what goes wrong."""
    trouble = (event.invoice.number or "").partition("-")[0]
    _TROUBLES.get(trouble, _none)()
    return real(event)


def _none() -> None:
    pass


def _poison() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _slow() -> None:
    time.sleep(SLOW_SECONDS)


def _ponderous() -> None:
    time.sleep(PONDEROUS_SECONDS)


def _bug() -> None:
    raise RuntimeError("a bug of this handler")


def _endless() -> None:
    while True:
        pass


def _deaf() -> None:
    """Endless, and catches whatever would end it."""
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass


def _choking() -> None:
    """Endless inside one call that lets no other thread of the process run."""
    re.match(r"(a|a)*$", "a" * 64 + "b")


_TROUBLES: dict[str, Any] = {
    "POISON": _poison,
    "SLOW": _slow,
    "PONDEROUS": _ponderous,
    "BUG": _bug,
    "ENDLESS": _endless,
    "DEAF": _deaf,
    "CHOKING": _choking,
}
