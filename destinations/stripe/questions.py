"""What handlers may ask Stripe before they plan: read-only, outside the handler, each answer kept with its event.

An answer holds the members that a plan needs and no others: what a person wrote stays at Stripe.
To add a question: a function from contract and context to JSON, which a handler names in its `reads`.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from contracts.payouts import PayoutPaidSnapshot
from destinations.http import Failed, Http, NotConfigured
from destinations.stripe import reads, wire
from exceptions_queue.failures import ContextMissing, DestinationUnavailable

T = TypeVar("T")

_OF_A_PART = ("id", "amount", "fee", "net", "currency", "type", "reporting_category")


def payout_parts(event: PayoutPaidSnapshot, _: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The balance transactions that a payout is made of, its own included.

    Raises: ContextMissing, DestinationUnavailable.
    """
    payout = event.about.id
    assert payout is not None, "Bug: the contract lets no payout through without an id"
    return [_part(found) for found in _asked(lambda http: reads.payout_parts(http, payout))]


def _part(found: Mapping[str, Any]) -> dict[str, Any]:
    # The rate is a fraction, and what matters is only that there is one.
    return {name: found.get(name) for name in _OF_A_PART} | {"converted": found.get("exchange_rate") is not None}


def _asked(read: Callable[[Http], T]) -> T:
    """Ask with the credential that only reads; what goes wrong gets its class and thereby its owner."""
    try:
        http = wire.connect(write=False)
    except NotConfigured as missing:
        raise ContextMissing(
            f"Stripe cannot be asked: {missing}", rule="not_configured", destination="stripe"
        ) from None
    try:
        return read(http)
    except reads.Unreadable as unreadable:
        kind = DestinationUnavailable if unreadable.down else ContextMissing
        raise kind(str(unreadable), rule="unreadable", destination="stripe") from unreadable
    except Failed as failed:
        raise DestinationUnavailable(str(failed), rule="unanswered", destination="stripe") from failed
    finally:
        http.close()
