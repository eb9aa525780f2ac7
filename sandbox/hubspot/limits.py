"""Counts requests against HubSpot's limits: by ten seconds, by day, and by second for searches.

https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
"""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sandbox.hubspot.account import Account
from sandbox.hubspot.refusals import rate_limited


class _Window:
    """Requests of the last seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque()

    def count(self, now: float) -> int:
        while self._times and self._times[0] <= now - self._seconds:
            self._times.popleft()
        return len(self._times)

    def add(self, now: float) -> None:
        self._times.append(now)


class Limits:
    """What each token, and the account, has used up."""

    def __init__(self, account: Account, now: Callable[[], float]) -> None:
        """Start with nothing used."""
        self._account = account
        self._now = now
        self._windows: dict[tuple[str, str], _Window] = {}
        self._day = ""
        self._today = 0

    def pass_one(self, token: str, *, is_search: bool) -> dict[str, str]:
        """Count a request and say what is left, as headers. Raises: Refusal, a 429, which does not count."""
        account = self._account
        if account.searches_per_second is None and account.per_ten_seconds is None and account.per_day is None:
            return {}
        if is_search:
            self._pass_window(token, "SECONDLY", 1.0, account.searches_per_second)
        left = self._pass_window(token, "TEN_SECONDLY_ROLLING", 10.0, account.per_ten_seconds)
        headers = self._pass_day()
        if left is not None:
            headers |= {"X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
                        "X-HubSpot-RateLimit-Max": str(account.per_ten_seconds),
                        "X-HubSpot-RateLimit-Remaining": str(left)}  # fmt: skip
        return {} if is_search else headers

    def _pass_window(self, token: str, policy: str, seconds: float, limit: int | None) -> int | None:
        if limit is None:
            return None
        window = self._windows.setdefault((token, policy), _Window(seconds))
        now = self._now()
        used = window.count(now)
        if used >= limit:
            raise rate_limited(policy)
        window.add(now)
        return limit - used - 1

    def _pass_day(self) -> dict[str, str]:
        limit = self._account.per_day
        if limit is None:
            return {}
        # The day of the account's own zone, not of UTC.
        zone = ZoneInfo(self._account.time_zone)
        day = datetime.fromtimestamp(self._now(), UTC).astimezone(zone).date().isoformat()
        if day != self._day:
            self._day, self._today = day, 0
        if self._today >= limit:
            raise rate_limited("DAILY")
        self._today += 1
        return {
            "X-HubSpot-RateLimit-Daily": str(limit),
            "X-HubSpot-RateLimit-Daily-Remaining": str(limit - self._today),
        }
