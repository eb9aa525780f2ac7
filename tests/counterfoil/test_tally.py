"""Counting spans of time: kept counts and rows come to the same, and what changes later is counted again."""

from datetime import UTC, datetime, timedelta

import pytest
from counted import an_event_at

from counterfoil import database
from counterfoil.ledger import tally

Connection = database.Connection


@pytest.fixture(autouse=True)
def a_short_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer spans than in earnest, because a test counts all of them."""
    monkeypatch.setattr(tally, "KEPT", {tally.FINE: 3, tally.COARSE: 22})


def now_of(conn: Connection) -> datetime:
    """The database's clock, which spans are kept by."""
    row = conn.execute("SELECT now() AS at").fetchone()
    assert row is not None
    return row["at"].astimezone(UTC)  # type: ignore[no-any-return]


def hour_of(moment: datetime) -> datetime:
    """Its hour."""
    return moment.replace(minute=0, second=0, microsecond=0)


def whole(conn: Connection, since: datetime, until: datetime) -> tuple[int, int, int, int]:
    """Events, duplicates, runs and money between two moments."""
    events = duplicates = runs = minor = 0
    for _, numbers in tally.read(conn, since, until):
        events += sum(one.count for one in numbers.events)
        duplicates += sum(one.duplicates for one in numbers.events)
        runs += sum(one.count for one in numbers.runs)
        minor += sum(one.amount_minor for one in numbers.writes)
    return events, duplicates, runs, minor


def keep_all(conn: Connection) -> int:
    """Let the sweeper count everything that is over; how many spans that were."""
    kept = 0
    while tally.keep(conn)["counted"]:
        conn.commit()
        kept += 1
    return kept


def test_kept_counts_and_rows_come_to_the_same(conn: Connection) -> None:
    """Whatever the sweeper has counted so far, the numbers of a window are those of its rows."""
    now = now_of(conn)
    since = hour_of(now - timedelta(hours=20))
    for number in range(24):
        an_event_at(
            conn, now - timedelta(minutes=1 + 43 * number), deliveries=1 + number % 3, written=(100 + number, "EUR")
        )
    an_event_at(conn, since - timedelta(seconds=1))
    raw = whole(conn, since, now)
    assert raw == (24, sum(number % 3 for number in range(24)), 24, sum(100 + number for number in range(24)))
    for _ in range(6):
        tally.keep(conn)
        assert whole(conn, since, now) == raw, "some kept, some not"
    assert keep_all(conn) > 15
    assert whole(conn, since, now) == raw
    assert not tally.keep(conn)["counted"], "all of it is fresh"


def test_kept_counts_are_used_and_not_the_rows(conn: Connection) -> None:
    """A look at a day does not count the day: what was kept is taken, even where the rows say otherwise since."""
    now = now_of(conn)
    at = hour_of(now) - timedelta(hours=5, minutes=-10)
    event = an_event_at(conn, at)
    keep_all(conn)
    conn.execute("UPDATE events SET deliveries = 7 WHERE id = %s", (event,))
    assert whole(conn, hour_of(at), now)[1] == 0


def test_what_changes_later_is_counted_again_when_its_time_comes(conn: Connection) -> None:
    """A replay changes what an hour came to; the sweeper finds out."""
    now = now_of(conn)
    at = hour_of(now) - timedelta(hours=5, minutes=-10)
    event = an_event_at(conn, at, status="exception", took=None)
    keep_all(conn)
    conn.execute("UPDATE events SET status = 'done' WHERE id = %s", (event,))
    assert not tally.keep(conn)["counted"]
    conn.execute("UPDATE tallies SET counted_at = now() - interval '6 minutes' WHERE at = %s", (hour_of(at),))
    assert tally.keep(conn)["counted"]
    (ends,) = [[one.status for one in numbers.events] for _, numbers in tally.read(conn, hour_of(at), now)
               if numbers.events]  # fmt: skip
    assert ends == ["done"]


def test_times_are_counted_in_slots(conn: Connection) -> None:
    """From the delivery to the end; what has not ended has none."""
    now = now_of(conn)
    for took in (0.05, 0.3, 45.0, None):
        an_event_at(conn, now - timedelta(minutes=1), took=took)
    slots = [
        one.slot for _, numbers in tally.read(conn, hour_of(now - timedelta(hours=1)), now) for one in numbers.events
    ]
    assert sorted(slots, key=str) == sorted([0, 2, 8, None], key=str)


def test_the_code_that_was_at_work_is_remembered(conn: Connection) -> None:
    """From when to when, however long ago; counting again changes nothing."""
    now = now_of(conn)
    early, late = hour_of(now) - timedelta(hours=20), hour_of(now) - timedelta(hours=3)
    an_event_at(conn, early, version="old")
    an_event_at(conn, late, version="new")
    an_event_at(conn, late - timedelta(hours=1), version="old")
    keep_all(conn)
    rows = conn.execute("SELECT version, first_at, last_at FROM handler_versions ORDER BY first_at").fetchall()
    assert [(row["version"], row["first_at"], row["last_at"]) for row in rows] == [
        ("old", early, late - timedelta(hours=1)),
        ("new", late, late),
    ]


def test_an_event_without_a_handler_tells_its_type(conn: Connection) -> None:
    """So that people learn what arrives and nobody handles; of others the type is not kept."""
    now = now_of(conn)
    an_event_at(conn, now, handler=None, status="ignored", type="plan.updated")
    an_event_at(conn, now)
    seen = {
        one.type for _, numbers in tally.read(conn, hour_of(now), now + timedelta(minutes=1)) for one in numbers.events
    }
    assert seen == {"plan.updated", None}
