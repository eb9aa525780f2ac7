"""What is asked of a HubSpot account once and believed for a while: its properties, its zone, whose it is.

Kept per client, so it ends with it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from counterfoil import clock
from destinations.http import Failed, Http, NoAnswer
from destinations.hubspot.answers import NotRead, Verdict, not_understood
from destinations.hubspot.api import MARKER, needed
from destinations.remote import Sent

#: How long we believe that a type has (or has not) the property for our keys (seconds): somebody may add it any time.
MARKER_SECONDS = 300.0
#: When the account's zone cannot be learned: asked again every hour until its midnight has passed.
DAILY_WAIT_SECONDS = 3600.0

#: Per client: by type whether it has the property, and until when that is believed.
_markers: WeakKeyDictionary[Http, dict[str, tuple[float, bool]]] = WeakKeyDictionary()
_zones: WeakKeyDictionary[Http, ZoneInfo] = WeakKeyDictionary()


def has_marker(http: Http, kind: str) -> bool:
    """Whether records of this type have a property for our key. Raises: Failed."""
    known = _markers.setdefault(http, {})
    until, has = known.get(kind, (0.0, False))
    if clock.ticks_seconds() < until:
        return has
    answer = http.call("GET", f"/crm/v3/properties/{kind}/{MARKER}")
    has = answer.status == 200 and answer.member("name") == MARKER
    # A token that may not see the properties (403) writes without the marker; so does an account without it (404).
    if not has and answer.status not in (403, 404):
        needed(answer)
    known[kind] = (clock.ticks_seconds() + MARKER_SECONDS, has)
    return has


def all_names(http: Http, kind: str) -> list[str]:
    """The properties of a type that somebody can set. Raises: Failed."""
    answer = needed(http.call("GET", f"/crm/v3/properties/{kind}"), 200)
    rows = answer.member("results")
    if not isinstance(rows, list) or not rows:
        raise NotRead(not_understood(answer))
    return [name for row in rows if (name := _settable(row)) is not None]


def sent_of(http: Http, verdict: Verdict, receipt: Mapping[str, Any]) -> Sent:
    """A verdict as what an attempt came to."""
    after = seconds_to_midnight(http) if verdict.after == "midnight" else verdict.after
    return Sent(verdict.meaning, verdict.detail, None, receipt, after, verdict.row.down)


def seconds_to_midnight(http: Http) -> float:
    """Until the account's day is over, and with it the day's limit; an hour when its zone cannot be learned."""
    try:
        zone = account_zone(http)
    except Failed:
        return DAILY_WAIT_SECONDS
    now = clock.now().astimezone(zone)
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), zone)
    return max((midnight.astimezone(UTC) - now.astimezone(UTC)).total_seconds(), 1.0)


def account_zone(http: Http) -> ZoneInfo:
    """The account's time zone. Raises: Failed."""
    if http not in _zones:
        name = account_details(http).get("timeZone")
        try:
            _zones[http] = ZoneInfo(str(name))
        except (ValueError, KeyError, OSError):
            raise NoAnswer("the account's time zone is none that we know") from None
    return _zones[http]


def account_details(http: Http) -> dict[str, Any]:
    """Whose account it is: portal, zone, currency. Raises: Failed."""
    answer = needed(http.call("GET", "/account-info/v3/details"), 200)
    if not isinstance(answer.body, dict) or type(answer.body.get("portalId")) is not int:
        raise NotRead(not_understood(answer))
    return answer.body


def _settable(row: Any) -> str | None:
    if not isinstance(row, dict) or row.get("calculated") or row.get("archived"):
        return None
    about = row.get("modificationMetadata")
    read_only = isinstance(about, dict) and about.get("readOnlyValue")
    return row["name"] if isinstance(row.get("name"), str) and not read_only else None
