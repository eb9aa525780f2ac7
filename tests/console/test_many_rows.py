"""Lists and counts over very many rows: what no index finds is looked for in portions, what is costly is kept."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from counted import a_case_of, an_event_at
from pages import Visitor, visitor

from console import fields
from console.asks import CasesAsk, EventsAsk, StatsAsk, WritesAsk
from console.queries import blocking, cases, events, finding, kept, page, stats, writes
from counterfoil import clock, database
from counterfoil.ledger import tally
from counterfoil.lifecycle import EventState, WriteState
from engine import mentioning

Connection = database.Connection
__all__ = ["visitor"]


@pytest.fixture
def portions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are looked through, then three, instead of many thousands."""
    monkeypatch.setattr(page, "LOOKED_ROWS", (2, 3))
    monkeypatch.setattr(page, "PROBED_ROWS", (2, 3))


@pytest.fixture
def seven(conn: Connection, portions: None) -> list[UUID]:
    """Events of as many hours, oldest first; only the oldest waits, and only it has a write of 42 EUR."""
    now = clock.now()
    for hours in range(7, 0, -1):
        an_event_at(conn, now - timedelta(hours=hours), written=(4200 if hours == 7 else 100, "EUR"))
    ids = [row["id"] for row in conn.execute("SELECT id FROM events ORDER BY id")]
    conn.execute("UPDATE events SET status = 'waiting' WHERE id = %s", (ids[0],))
    conn.commit()
    return ids


def found(read: Callable[[Any], Any], ask: Any) -> Iterator[list[Any]]:
    """Page for page."""
    while True:
        page = read(ask)
        yield page.items
        if page.next_cursor is None:
            return
        ask = ask.model_copy(update={"cursor": page.next_cursor})


@pytest.mark.parametrize("ask", [EventsAsk(status=EventState.WAITING), EventsAsk(q="status:waiting source:stripe")])
def test_what_is_rare_is_found_portion_by_portion(seven: list[UUID], ask: EventsAsk) -> None:
    """A page without anything has a place to go on from; no row is left out and none comes twice."""
    pages = [[one.id for one in items] for items in found(events.find_page, ask)]
    assert pages[0] == []
    assert [one for ids in pages for one in ids] == [seven[0]]
    assert len(pages) > 1


def test_a_class_is_found_wholly_however_many_events_it_blocks(
    conn: Connection, seven: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    """However old they are, in however many cases: page for page, none left out, none twice."""
    for number, event in enumerate(seven):
        case = a_case_of(conn, age=timedelta(hours=number + 1))
        conn.execute("INSERT INTO case_events (case_id, event_id) VALUES (%s, %s)", (case, event))
    conn.execute("DELETE FROM case_events WHERE event_id <> ALL(%s)", (seven,))
    conn.commit()
    monkeypatch.setattr(blocking, "PORTION", 3)
    for few in (1000, 1, 2):
        monkeypatch.setattr(finding, "FEW", few)
        ask = EventsAsk(q="class:contract_violation source:stripe", limit=2)
        assert [one.id for items in found(events.find_page, ask) for one in items] == seven[::-1]
        ask = EventsAsk(q="class:contract_violation status:waiting", limit=2)
        assert [one.id for items in found(events.find_page, ask) for one in items] == [seven[0]]


def test_what_is_frequent_fills_pages_and_ends(seven: list[UUID]) -> None:
    """Every row once, newest first, whatever the size of a page and of what is looked through."""
    for limit in (1, 2, 3, 5, 50):
        ask = EventsAsk(source="stripe", limit=limit)
        assert [one.id for items in found(events.find_page, ask) for one in items] == seven[::-1]


def test_a_span_of_time_is_looked_through_and_not_what_came_later(seven: list[UUID]) -> None:
    """What is older than the newest rows is found at once by whoever says when."""
    before = clock.now() - timedelta(hours=6, minutes=30)
    for ask in (
        EventsAsk(status=EventState.WAITING, until=before),
        EventsAsk(q="status:waiting until:390m"),
    ):
        assert [one.id for one in events.find_page(ask).items] == [seven[0]]


def test_what_an_index_finds_is_found_at_once(seven: list[UUID], conn: Connection) -> None:
    """A subject, a key, a case: however old it is."""
    row = conn.execute("SELECT key, subject FROM events WHERE id = %s", (seven[0],)).fetchone()
    assert row is not None
    for ask in (EventsAsk(key=row["key"]), EventsAsk(q=row["key"]), EventsAsk(q=f"event:{seven[0]} status:waiting")):
        assert [one.id for one in events.find_page(ask).items] == [seven[0]]


def test_writes_of_an_amount_are_found_portion_by_portion(seven: list[UUID]) -> None:
    """As events are; a state that stands out is found at once."""
    pages = list(found(writes.find_page, WritesAsk(q="amount:42.00EUR")))
    assert pages[0] == []
    assert [one.event_id for items in pages for one in items] == [seven[0]]
    assert writes.find_page(WritesAsk(status=WriteState.REFUSED)).next_cursor is None


def test_a_page_says_that_older_ones_were_not_looked_through(
    seven: list[UUID], visitor: Callable[..., Visitor]
) -> None:
    """Not that there is none; and it leads on."""
    seen = visitor("fiona", "viewer").get("/events?status=waiting")
    assert "among those that were looked through" in seen.text
    assert [one for one in seen.links("/events?") if "cursor=" in one and "status=waiting" in one]


def test_a_page_that_is_not_full_says_that_the_list_goes_on(
    seven: list[UUID], conn: Connection, visitor: Callable[..., Visitor]
) -> None:
    """A short page before the end, an empty one, of events, of cases, in the search box; the last says nothing."""
    conn.execute("UPDATE events SET status = 'waiting' WHERE id = %s", (seven[-1],))
    for age in range(1, 9):
        a_case_of(conn, title="rare" if age in (1, 8) else "often", age=timedelta(hours=age))
    conn.commit()
    fiona, goes_on = visitor("fiona", "owner"), "Only a part was looked through"
    seen = fiona.get("/events?status=waiting")
    assert (len(seen.all("main tbody tr")), goes_on in seen.text) == (1, True)
    while more := [one for one in seen.links("/events?") if "cursor=" in one]:
        seen = fiona.get(more[0])
    assert (len(seen.all("main tbody tr")), goes_on in seen.text) == (1, False)
    empty = fiona.get("/cases", q="type:never.sent", status="")
    assert "No case fits among those that were looked through" in empty.text
    assert [one for one in empty.links("/cases?") if "cursor=" in one]
    found = fiona.get("/search", q="status:running source:stripe")
    assert "Nothing fits" not in found.text
    assert "Look at older events" in found.text
    assert goes_on not in fiona.get("/events", limit="2").text


def test_a_plan_over_old_rows_is_offered(seven: list[UUID], visitor: Callable[..., Visitor]) -> None:
    """Though none of the newest rows fits; the plan itself goes through all of them."""
    seen = visitor("fiona", "owner").post("/replays", on="/replays/new?status=waiting", reason="the rate was wrong")
    assert seen.to.startswith("/replays/"), seen.text
    assert "1 event" in visitor("fiona", "owner").get(seen.to).text


def test_a_name_that_very_many_events_have_still_finds_cases(
    conn: Connection, story: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked of each case instead of each event; the answer is the same."""
    mentioning.run_once(conn)
    conn.commit()
    row = conn.execute("SELECT value FROM mentions WHERE event_id = %s AND value LIKE 'cus%%'", (story.failed,))
    customer = row.fetchall()[0]["value"]
    few = [one.id for one in cases.find_page(CasesAsk(q=customer)).items]
    monkeypatch.setattr(finding, "FEW", 0)
    assert [one.id for one in cases.find_page(CasesAsk(q=customer)).items] == few == [story.case]
    assert cases.find_page(CasesAsk(q="cus_nobody")).items == []


def test_stats_count_what_is_kept_and_the_last_minutes_as_they_are(conn: Connection) -> None:
    """Of a day, spans that were counted before are not counted again; what came just now always is."""
    now = clock.now()
    an_event_at(conn, now - timedelta(hours=3), status="queued")
    an_event_at(conn, now, status="queued")
    while tally.keep(conn)["counted"]:
        conn.commit()
    conn.execute("UPDATE events SET status = 'superseded', deliveries = 5")
    conn.commit()
    told = stats.read(StatsAsk())
    assert (told.events_received, told.duplicates) == (2, 4)
    assert told.events_by_status == {"queued": 1, "superseded": 1}
    conn.execute("TRUNCATE tallies")
    conn.commit()
    told = stats.read(StatsAsk())
    assert (told.events_by_status, told.duplicates) == ({"superseded": 2}, 8)


def test_stats_of_any_window_count_each_event_once(conn: Connection, subtests: pytest.Subtests) -> None:
    """Windows of centuries, of yesterday, of seconds and of nothing; numbers are minutes ago."""
    now = clock.now()
    for ago in (timedelta(days=9), timedelta(hours=5), timedelta(minutes=4.5)):
        an_event_at(conn, now - ago)
    while tally.keep(conn)["counted"]:
        conn.commit()
    windows: tuple[tuple[str | float, str | float, int], ...] = (
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", 3),
        ("0001-01-01T00:00:00Z", "1990-01-01T00:00:00Z", 0),
        ("9999-12-31T00:00:00Z", "9999-12-31T23:59:59Z", 0),
        ("2030-01-01T00:00:00Z", "2020-01-01T00:00:00Z", 0),
        (20 * 24 * 60, 60, 2),
        (6 * 60, 4, 2),
        (5, 4, 1),
        (4.4, 4.2, 0),
    )
    for since, until, count in windows:
        with subtests.test(f"{since} to {until}"):
            first, last = (
                fields.moment(one) if isinstance(one, str) else now - timedelta(minutes=one) for one in (since, until)
            )
            assert stats.read(StatsAsk(since=first, until=last)).events_received == count


def test_few_rows_are_counted_each_time_and_many_are_kept_for_seconds(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever changes something small sees it; a count that is costly is not made for each look."""
    at, answers = 0.0, iter(range(10))
    monkeypatch.setattr(clock, "ticks_seconds", lambda: at)

    def look(name: str, costly: bool) -> int:
        return kept.find((name,), lambda: next(answers), is_costly=lambda _: costly)

    assert [look("few", False), look("few", False)] == [0, 1]
    assert [look("many", True), look("many", True), look("others", True)] == [2, 2, 3]
    at = kept.SECONDS
    assert look("many", True) == 4


def test_a_desk_that_is_kept_shows_nothing_that_was_closed_or_given_away(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, visitor: Callable[..., Visitor]
) -> None:
    """The order of a desk of thousands may be seconds old; what stands on it is read anew."""
    monkeypatch.setattr(kept, "MANY", 0)
    stays, closed, given = (a_case_of(conn, "write_refused", owner="fiona", title=f"Number {n}") for n in range(3))
    fiona = visitor("fiona", "owner")
    assert sorted(fiona.get("/").texts("tr[data-row] th a")) == ["Number 0", "Number 1", "Number 2"]
    conn.execute("UPDATE cases SET status = 'resolved', closed_at = now() WHERE id = %s", (closed,))
    conn.execute("UPDATE cases SET owner = 'marek' WHERE id = %s", (given,))
    conn.execute("UPDATE cases SET title = 'Number 9' WHERE id = %s", (stays,))
    conn.commit()
    assert fiona.get("/").texts("tr[data-row] th a") == ["Number 9"]
