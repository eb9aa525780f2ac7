"""Rates: a bucket that fills evenly and holds one second's worth, and how often one subscription may be invoiced."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.stripe.errors import rate_limited

#: New invoices of one subscription. Page: https://docs.stripe.com/rate-limits
PER_SUBSCRIPTION = ((60, 10), (86_400, 20))


class TokenBucket:
    """So many requests per second, a second's worth at once."""

    def __init__(self, rate_per_second: float, now: Callable[[], float]) -> None:
        """Begin full."""
        self._rate = rate_per_second
        self._now = now
        self._tokens = max(rate_per_second, 1.0)
        self._at = now()

    def take(self) -> bool:
        """One request; False when there is no room for it."""
        now = self._now()
        self._tokens = min(max(self._rate, 1.0), self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def check_invoices_of(subscription: str, invoices: Iterable[dict[str, Any]], now: int) -> None:
    """Not too many new invoices of one subscription. Raises: Refused."""
    made = [
        invoice["created"]
        for invoice in invoices
        if ((invoice["parent"] or {}).get("subscription_details") or {}).get("subscription") == subscription
    ]
    for seconds, count in PER_SUBSCRIPTION:
        if sum(created > now - seconds for created in made) >= count:
            raise rate_limited("resource-specific")
