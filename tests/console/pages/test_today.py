"""Today, the week, and what is not covered: numbers that are those of the rows, each leading to what it counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from counted import a_case_of, an_event_at, id_at, insert
from pages import Seen, Visitor
from selectolax.lexbor import LexborNode

from console.pages import plots
from console.queries import today
from counterfoil import keys
from counterfoil.database import Connection
from counterfoil.ledger import tally
from counterfoil.settings import settings
from exceptions_queue import owners

Sign = Callable[..., Visitor]


def a_day(conn: Connection) -> None:
    """Six events within the last minutes, one of yesterday, two open cases, one write in doubt."""
    soon = datetime.now(UTC) - timedelta(seconds=20)
    an_event_at(conn, soon, took=0.2, written=(120_000, "EUR"), deliveries=3)
    an_event_at(conn, soon, took=0.2, written=(5_000, "JPY"))
    an_event_at(conn, soon, status="ignored", took=0.1, handler=None, type="plan.updated")
    an_event_at(conn, soon, status="exception", took=None)
    an_event_at(conn, soon, status="queued", took=None, handler=None)
    an_event_at(conn, soon, took=9.0, handler="deal_closed_won", source="hubspot")
    an_event_at(conn, soon - timedelta(hours=30), written=(99_900, "EUR"))
    a_case_of(conn, "contract_violation", blocked=(45_000, "EUR"), age=timedelta(days=2))
    a_case_of(conn, "write_refused", blocked=(1_000, "USD"))
    conn.execute(
        "INSERT INTO writes (id, key, destination, operation, digest, event_id)"
        " VALUES (%s, 'doubt', 'hubspot', 'upsert_company', %s, %s)",
        (keys.new_id(), "0" * 64, keys.new_id()),
    )
    for state in ("sending", "in_doubt"):
        conn.execute("UPDATE writes SET status = %s WHERE key = 'doubt'", (state,))
    conn.commit()


def tile(seen: Seen, about: str) -> str:
    """What the tile about something says."""
    (found,) = [text for text in seen.texts("li.tile") if about in text]
    return found


def test_the_tiles_say_what_a_window_came_to(visitor: Sign, conn: Connection) -> None:
    """Volume, ends, duplicates, money by currency, what is open now."""
    a_day(conn)
    seen = visitor("fiona", "owner").get("/today")
    assert (seen.status, seen.h1) == (200, "Today")
    assert tile(seen, "received").startswith("6 ")
    assert tile(seen, " done").startswith("3 ")
    assert tile(seen, "exceptions").startswith("1 ")
    assert tile(seen, "duplicates").startswith("2 ")
    assert tile(seen, " written").startswith("1,200.00 EUR 5,000 JPY ")
    assert tile(seen, "blocked").startswith("450.00 EUR 10.00 USD ")
    assert tile(seen, "in doubt").startswith("1 ")
    assert "A contract violation" in tile(seen, "oldest")


def test_a_window_is_chosen_by_a_link(visitor: Sign, conn: Connection) -> None:
    """Seven days hold what yesterday brought; an hour does not; what is no window is the day."""
    a_day(conn)
    fiona = visitor("fiona", "owner")
    assert tile(fiona.get("/today?window=7d"), "received").startswith("7 ")
    assert tile(fiona.get("/today?window=1h"), "received").startswith("6 ")
    assert "1,200.00 EUR" in tile(fiona.get("/today?window=nonsense"), " written")
    assert tile(fiona.get("/today?window=7d"), " written").startswith("2,199.00 EUR")


def test_every_number_leads_to_what_it_counts(visitor: Sign, conn: Connection) -> None:
    """Columns and tiles are links with the filter in them, which the lists understand."""
    a_day(conn)
    fiona = visitor("fiona", "owner")
    seen = fiona.get("/today")
    (exceptions,) = [
        href for href in seen.links("/events?") if parse_qs(urlsplit(href).query).get("status") == ["exception"]
    ]
    assert len(fiona.get(exceptions).all("main tbody tr")) == 1
    columns, *more = (_places(plot) for plot in seen.all("svg.plot"))
    assert [len(places) for places in (columns, *more)] == [24] * 8, "speed, duplicates, cost, two currencies each"
    assert more[:3] == [columns] * 3, "speed, duplicates and cost lead to the events of their hour"
    assert sum(len(fiona.get(href).all("main tbody tr")) for href in more[3][-2:]) == 2, "what was written then"
    assert sum(len(fiona.get(href).all("main tbody tr")) for href in more[5][-2:]) == 1, "the case of this hour"
    assert len(fiona.get(columns[-1]).all("main tbody tr")) + len(fiona.get(columns[-2]).all("main tbody tr")) == 6
    assert "/desk/rhea" in seen.links("/desk/")
    assert "/handlers/invoice_paid" in seen.links("/handlers/")


def _places(plot: LexborNode) -> list[str]:
    return [node.attributes["href"] or "" for node in plot.css("a")]


def test_cost_is_told_per_run_and_as_a_sum(visitor: Sign, conn: Connection) -> None:
    """Of the window, and of each of its columns."""
    a_day(conn)
    at = datetime.now(UTC) - timedelta(seconds=20)
    for number in range(2):
        said = {"question": "ticket_route", "question_version": "1", "item": "event", "tier": "hosted", "model": "m"}
        told = {
            "id": id_at(at),
            "input_hash": str(number),
            "status": "committed",
            "label": "billing",
            "why": "sure",
            "created_at": at,
        }
        insert(conn, "decisions", {**said, **told, "cost_micro_usd": 15_000})
    conn.commit()
    runs = sum(1 for _ in conn.execute("SELECT 1 FROM runs WHERE started_at > now() - interval '20 hours'"))
    seen = visitor("fiona", "owner").get("/today")
    assert f"0.03 USD for {runs} runs" in seen.text
    assert any(f"0.03 USD for {runs} runs" in text for text in seen.texts("svg.plot a title"))


def test_money_that_was_blocked_is_told_as_it_stood(
    visitor: Sign, conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given money that has been held for three hours, and other money that was let go an hour ago: each hour's sum.

    Break it: draw what came in an hour, or what stands now for every hour.
    """
    now = datetime.now(UTC)
    hours = [now - timedelta(hours=number) for number in range(6)]
    a_case_of(conn, "contract_violation", blocked=(45_000, "EUR"), held=(hours[3], None))
    a_case_of(conn, "write_refused", blocked=(10_000, "EUR"), held=(hours[5], hours[1]))
    a_case_of(conn, "write_refused", blocked=(700, "USD"), held=(hours[5], hours[1]))
    a_case_of(conn, "write_refused", held=(hours[5], None))
    fiona = visitor("fiona", "owner")
    plots = {plot.css("title")[0].text(): _words(plot) for plot in fiona.get("/today").all("svg.plot")}
    euros = [text.split(": ")[1] for text in plots["Blocked, EUR"][-7:]]
    assert euros == [
        f"{one} EUR blocked" for one in ("0.00", "100.00", "100.00", "550.00", "550.00", "450.00", "450.00")
    ]
    assert [text.split(": ")[1] for text in plots["Blocked, USD"][-3:]] == ["7.00 USD blocked"] + [
        "0.00 USD blocked"
    ] * 2
    monkeypatch.setattr(tally, "KEPT", {tally.FINE: 2, tally.COARSE: 7})
    while tally.keep(conn)["counted"]:
        conn.commit()
    kept = {plot.css("title")[0].text(): _words(plot) for plot in fiona.get("/today").all("svg.plot")}
    assert kept["Blocked, EUR"][:-1] == plots["Blocked, EUR"][:-1]


def _words(plot: LexborNode) -> list[str]:
    return [node.text() for node in plot.css("a title")]


def test_a_plot_says_the_same_in_words_and_in_a_table(visitor: Sign, conn: Connection) -> None:
    """Whoever cannot see it reads it; nothing in it is a style of its own."""
    a_day(conn)
    seen = visitor("fiona", "owner").get("/today")
    assert all(node.css("title") and node.css("desc") for node in seen.all("svg.plot"))
    assert any("6 events" in text or "5 events" in text for text in seen.texts("svg.plot a title"))
    assert seen.all("figure details table tbody tr")
    assert "style=" not in seen.html


def test_work_is_told_by_owner_as_the_roster_says_now(visitor: Sign, conn: Connection) -> None:
    """Cases, what is overdue, and the money, by the person who answers for it."""
    a_day(conn)
    conn.execute("UPDATE cases SET due_at = now() - interval '1 minute' WHERE failure_class = 'write_refused'")
    conn.commit()
    seen = visitor("fiona", "owner").get("/today")
    rows = [row for row in seen.texts("tbody tr") if row.startswith(("Fiona Ledger", "Rhea Ops"))]
    fiona, rhea = sorted(rows)
    assert fiona.startswith("Fiona Ledger 1 1 ") or " 1 1 " in fiona
    assert "10.00 USD" in fiona
    assert "450.00 EUR" in rhea


def test_what_is_blocked_is_told_by_class(visitor: Sign, conn: Connection) -> None:
    """Each with its money, its oldest case and the way to its cases."""
    a_day(conn)
    fiona = visitor("fiona", "owner")
    seen = fiona.get("/today")
    (broken,) = [row for row in seen.texts("tbody tr") if row.startswith("contract violation")]
    assert "450.00 EUR" in broken
    assert "2 d ago" in broken
    assert len(fiona.get("/cases?class=contract_violation").all("main tbody tr")) == 1
    assert "/cases?class=contract_violation" in seen.links("/cases")


def test_all_is_well_only_when_it_is(visitor: Sign, conn: Connection) -> None:
    """One sentence first; what is wrong is said beneath it, in words that say what to do."""
    fiona = visitor("fiona", "owner")
    (words,) = fiona.get("/today").texts("#health")
    assert words == "All is well: no event has arrived yet, and none waits for a worker."
    an_event_at(conn, datetime.now(UTC) - timedelta(minutes=9), status="queued", took=None, handler=None)
    conn.execute("UPDATE events SET due_at = now() - interval '8 minutes'")
    conn.execute(
        "INSERT INTO pauses (scope, name, reason, paused_by) VALUES ('handler', 'invoice_paid', 'audit', 'rhea')"
    )
    conn.execute(
        "INSERT INTO destination_states (destination, tokens, breaker, detail, failures, opened_at)"
        " VALUES ('hubspot', 0, 'open', 'it answers 503', 7, now())"
    )
    conn.execute(
        "INSERT INTO rejection_counts VALUES (date_trunc('minute', now()), 'stripe', 'signature_mismatch', 44)"
    )
    conn.commit()
    seen = fiona.get("/today")
    (health,) = seen.texts("section.health")
    assert health.startswith("3 things need somebody")
    for words in (
        "1 event waits for a worker, the oldest for 8 min: is a worker running?",
        "rhea paused handler invoice_paid: audit.",
        "hubspot does not answer",
        "44 requests to stripe were refused",
    ):
        assert words in health


def test_a_day_of_nothing_says_so(visitor: Sign) -> None:
    """Empty places have words."""
    seen = visitor("fiona", "owner").get("/today")
    assert "No event reached a handler" in seen.text
    assert "No open cases" in seen.text


def test_the_gap_statement_names_what_nobody_covers(visitor: Sign, conn: Connection) -> None:
    """Types that no handler takes, handlers in shadow, questions that ask, sources that are silent."""
    a_day(conn)
    conn.execute(
        "INSERT INTO rollouts (handler, mode, reason, changed_by) VALUES ('payout_paid', 'shadow', 'new', 'rhea')"
    )
    conn.commit()
    seen = visitor("fiona", "owner").get("/today/coverage")
    assert "stripe sends plan.updated, and no handler takes it: 1 was set aside" in seen.text
    assert "payout_paid writes nothing yet (shadow)" in seen.text
    assert "1 type of event is handled by nobody" in seen.text
    assert "every class of failure has an owner" in seen.text


def test_the_week_is_a_page_and_a_file(visitor: Sign, conn: Connection) -> None:
    """The same numbers in both."""
    a_day(conn)
    fiona = visitor("fiona", "owner")
    seen = fiona.get("/today/week")
    assert "Events received 7, and 2 duplicates folded" in seen.text
    assert "450.00 EUR" in seen.text
    kept = fiona.client.get("/today/week.json")
    assert kept.headers["content-disposition"].startswith("attachment")
    assert (kept.json()["received"], kept.json()["duplicates"], kept.json()["in_doubt"]) == (7, 2, 1)


def test_the_api_gives_the_week_and_the_gaps(api: httpx.Client, conn: Connection) -> None:
    """What the pages show, for programs."""
    a_day(conn)
    week = api.get("/reports/weekly").json()
    assert (week["received"], week["exceptions"], week["cases_open"]) == (7, 1, 2)
    assert week["written"] == [{"amount_minor": 219_900, "currency": "EUR"}, {"amount_minor": 5_000, "currency": "JPY"}]
    assert {one["class"]: one["opened"] for one in week["classes"]} == {"contract_violation": 1, "write_refused": 1}
    gaps = api.get("/coverage").json()["gaps"]
    assert ("event_type", "stripe plan.updated", 1) in {(gap["kind"], gap["name"], gap["count"]) for gap in gaps}


def test_the_commands_report_too(run: Any, conn: Connection) -> None:
    """In words, and as the API answers."""
    a_day(conn)
    assert run("report", "weekly", "--json").json["received"] == 7
    said = run("report", "weekly").out
    assert "invoice_paid" in said
    assert "plan.updated" in said
    assert "handled by nobody" in run("report", "coverage").out


def test_very_many_open_cases_are_counted_every_few_seconds(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two looks of one moment come to the same; few are counted each time, and another roster is asked at once."""
    a_case_of(conn, "write_refused")
    a_case_of(conn, "write_refused")
    monkeypatch.setattr(today, "MANY", 2)
    assert today.stands_open(conn).cases == 2
    a_case_of(conn, "write_refused")
    assert today.stands_open(conn).cases == 2
    file = tmp_path / "owners.toml"
    file.write_text(owners.PACKAGED.read_text())
    monkeypatch.setenv("COUNTERFOIL_OWNERS", str(file))
    settings.cache_clear()
    assert today.stands_open(conn).cases == 3
    monkeypatch.setattr(today, "MANY_SECONDS", 0.0)
    a_case_of(conn, "write_refused")
    assert today.stands_open(conn).cases == 4
    monkeypatch.setattr(today, "MANY", 5)
    today.stands_open(conn)
    monkeypatch.setattr(today, "MANY_SECONDS", 60.0)
    a_case_of(conn, "write_refused")
    assert today.stands_open(conn).cases == 5


@pytest.mark.parametrize(
    ("slots", "share", "expected"),
    [({}, 0.5, None), ({0: 10}, 0.5, 50.0), ({0: 50, 3: 50}, 0.95, 950.0), ({13: 4}, 0.95, 86_400_000.0)],
)
def test_a_share_of_times_lies_within_its_slot(slots: dict[int, int], share: float, expected: float | None) -> None:
    """Between the ends of a slot times are taken as even; beyond the last there is no more."""
    assert today.Count(slots=slots).milliseconds(share) == expected


@pytest.mark.parametrize(("value", "top"), [(0, 1), (0.3, 0.5), (1, 1), (7, 10), (11, 20), (1_000_000, 1_000_000)])
def test_a_plot_ends_at_a_round_number(value: float, top: float) -> None:
    """One, two or five, and noughts."""
    assert plots.ceiling(value) == pytest.approx(top)


def test_words_in_a_plot_are_words() -> None:
    """What a sender wrote ends no element and begins none."""
    drawn = plots.columns("<script>", '"', [plots.Column((plots.Part("done", 1),), "<b>&", "/x?a=1&b='\"")])
    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert "b='\"" not in drawn
