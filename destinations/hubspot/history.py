"""What a record's history at HubSpot tells about a write of ours: whether it made the record, or set its values."""

from datetime import timedelta

from destinations.base import Effect
from destinations.hubspot import api
from destinations.remote import Attempt, Image

#: How far HubSpot's clock may be from ours when a history is read.
_CLOCKS_APART = timedelta(seconds=60)
#: How histories call writes through the API.
_APPS = frozenset({"INTEGRATION", "API"})
#: By which every kind of record tells when it was made.
CREATED = "createdate"
#: What a creation sets has its time, give or take HubSpot's own milliseconds.
_AT_ONCE = timedelta(seconds=1)


def may_have_made(before: Image | None) -> bool:
    """Whether nothing stood there before, as far as we looked."""
    return before is None or before.version is None


def made(effect: Effect, record: api.Record, attempt: Attempt) -> bool | None:
    """Whether our write made the record: it began with our values, and our key; None: nothing says so."""
    if not may_have_made(attempt.image):
        return False
    created = api.moment_of(record.values.get(CREATED))
    if created is None or created < attempt.first_sent_at - _CLOCKS_APART:
        return None
    firsts = [
        (value, record.history[name][-1])
        for name, value in {**effect.body["properties"], api.MARKER: attempt.key}.items()
        if value and record.history.get(name)
    ]
    began_so = firsts and all(
        first.source in _APPS and abs(first.at - created) <= _AT_ONCE and api.same_value(value, first.value)
        for value, first in firsts
    )
    return True if began_so else None


def was_ours(effect: Effect, record: api.Record, attempt: Attempt) -> bool:
    """Whether our values stood there since the first attempt, whatever stands there now.

    All values of a write are set together, so one that was not there before and is in the history is enough.
    """
    if attempt.image is None:
        return False
    since = attempt.first_sent_at - _CLOCKS_APART
    return any(
        not api.same_value(value, str(attempt.image.fields.get(name, "")), name)
        and any(
            version.at >= since and version.source in _APPS and api.same_value(value, version.value, name)
            for version in record.history.get(name, ())
        )
        for name, value in effect.body["properties"].items()
    )
