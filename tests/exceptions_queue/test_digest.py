"""The digest: one message per person and day with what is open, at their hour, never twice, and none on a quiet day."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from counted import insert
from one_database import database_url, shared
from psycopg.rows import dict_row

from counterfoil import clock, database, keys
from exceptions_queue import cases, digest, notify, owners

__all__ = ["database_url", "shared"]

Connection = database.Connection
PACKAGED = owners.PACKAGED.read_text()
SIGNED: dict[str, Any] = {"who": "Dana", "reason": "because"}


@pytest.fixture
def morning(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make it an hour (UTC) of a day after today, so that whatever is opened now was open then."""
    today = clock.now().date()

    def at(hour: str = "09:00", *, days: int = 1) -> None:
        now = datetime.combine(today + timedelta(days=days), time.fromisoformat(hour), UTC)
        monkeypatch.setattr(clock, "now", lambda: now)

    return at


@pytest.fixture
def people(use_owners: Callable[..., Path], reached_by: Callable[..., str], target: Any) -> Callable[..., Path]:
    """Rhea (revops) is reached over HTTP; `line` is one more line about her."""

    def say(line: str = "", *, rhea: list[str] | None = None, more: str = "", **others: Any) -> Path:
        text = reached_by({"rhea": rhea or [target.url("ok")]}, **others)
        return use_owners(text.replace("away = [", f"{line}\naway = [", 1) + more)

    return say


def a_case(conn: Connection, rule: str = "sums", *amounts: tuple[int, str], **columns: Any) -> UUID:
    """A case of Rhea's, opened at noon, its own message sent; with columns as they are to be."""
    incidents = [
        cases.Incident(keys.new_id(), "contract_violation", rule=rule, amount_minor=minor, currency=currency)
        for minor, currency in amounts or [(None, None)]
    ]
    case_id = cases.open_many(conn, incidents)[incidents[0].event_id or keys.new_id()]
    noon = datetime.combine(datetime.now(UTC), time(12), UTC)  # whatever the hour is: the morning after is within a day
    for name, value in ({"opened_at": noon} | columns).items():
        conn.execute(f"UPDATE cases SET {name} = %s WHERE id = %s", (value, case_id))
    conn.execute("UPDATE notifications SET status = 'sent'")
    conn.commit()
    return case_id


def run(conn: Connection) -> int:
    """One pass of the sweeper over digests; how many were made."""
    made = digest.run_once(conn)["digests"]
    conn.commit()
    return made


def digests(conn: Connection) -> list[tuple[str, str | None, str]]:
    """The receipts of digests, in order."""
    conn.rollback()
    rows = conn.execute(
        "SELECT recipient, channel, status FROM notifications WHERE kind = 'digest' ORDER BY created_at, id"
    ).fetchall()
    return [(row["recipient"], row["channel"], row["status"]) for row in rows]


def test_the_day_is_told_in_one_message_overdue_first_then_by_money_and_age(
    conn: Connection, target: Any, people: Any, morning: Any
) -> None:
    """What is open, what is in work, what is dear, what was closed, and where it all is; nothing twice."""
    people()
    now = clock.now()
    old = now - timedelta(days=5)
    a_case(conn, "small", (1_00, "eur"))
    a_case(conn, "dear", (90_000_00, "eur"))
    a_case(conn, "late", due_at=now - timedelta(hours=1), opened_at=old)
    taken = a_case(conn, "taken")
    cases.acknowledge(conn, taken, **SIGNED)
    cases.dismiss(conn, a_case(conn, "gone"), **SIGNED)
    conn.execute("UPDATE cases SET closed_at = opened_at + interval '1 hour' WHERE closed_at IS NOT NULL")
    asleep = a_case(conn, "asleep")
    cases.snooze(conn, asleep, until=now + timedelta(days=9), **SIGNED)
    conn.commit()
    morning()
    assert run(conn) == 1
    assert notify.deliver_pending() == {"sent": 1}
    assert digests(conn) == [("rhea", "json", "sent")]

    [(_, body)] = target.taken
    lines = body["message"].splitlines()
    assert body["title"] == "Your day: 4 open cases, 3 overdue"
    told = [line for line in lines if line.startswith("- ") and "dismissed" not in line]
    rules = [line[line.index("(") + 1 : line.index(")")] for line in told]
    assert (rules[:2], rules[-1]) == (["dear", "late"], "taken")
    assert told[0].startswith("- OVERDUE, The payload breaks its contract (dear), 90000.00 EUR, ")
    assert told[-1].endswith("in work, new")
    assert f"  http://127.0.0.1:8000/cases/{taken}" in lines
    assert any(line.startswith("Closed since ") and line.endswith(": 1") for line in lines)
    assert "- The payload breaks its contract (gone) (dismissed by Dana)" in lines
    assert lines[-1] == "Your desk: http://127.0.0.1:8000/"
    assert "asleep" not in body["message"]
    assert "/told/" not in body["message"], "a day cannot be taken by a link"


def test_a_digest_comes_at_its_hour_where_its_person_lives(conn: Connection, people: Any, morning: Any) -> None:
    """Nine o'clock unless the file says otherwise; in New York that is one or two in the afternoon, UTC."""
    people('timezone = "America/New_York"')
    a_case(conn)
    morning("12:59")
    assert run(conn) == 0
    morning("14:00")
    assert run(conn) == 1

    conn.execute("DELETE FROM notifications WHERE kind = 'digest'; DELETE FROM digests")
    people('digest = "06:30"')
    morning("06:29")
    assert run(conn) == 0
    morning("06:30")
    assert run(conn) == 1


def test_one_a_day_and_the_next_one_says_what_came_since(
    conn: Connection, target: Any, people: Any, morning: Any
) -> None:
    """Nothing more that day, whatever happens; the day after, the same cases are news no longer."""
    people()
    a_case(conn)
    morning()
    assert [run(conn), run(conn)] == [1, 0]
    morning("23:59")
    assert run(conn) == 0
    conn.execute("UPDATE digests SET made_at = %s", (clock.now(),))
    morning(days=2)
    assert run(conn) == 1
    while notify.deliver_pending():
        pass
    messages = [body["message"] for _, body in target.taken]
    assert len(messages) == 2
    assert sorted(line.endswith(", new") for text in messages for line in text.splitlines() if line[:2] == "- ") == [
        False,
        True,
    ]


def test_none_comes_when_nothing_was_open(conn: Connection, people: Any, morning: Any) -> None:
    """A quiet day stays quiet: what opens at noon has a message of its own, and stands in tomorrow's digest."""
    people()
    morning()
    assert run(conn) == 0
    a_case(conn)
    morning("12:00")
    assert run(conn) == 0
    conn.execute("UPDATE cases SET opened_at = %s", (clock.now() - timedelta(minutes=1),))
    conn.execute("DELETE FROM digests")
    assert run(conn) == 0, "a sweeper that comes late does not make a digest of what came after the hour"
    morning(days=2)
    assert run(conn) == 1
    assert digests(conn) == [("rhea", None, "pending")]


def test_two_sweepers_make_one(database_url: str, conn: Connection, people: Any, morning: Any) -> None:
    """The second finds the row of the first, waiting for its commit if need be."""
    people()
    a_case(conn)
    morning()
    assert digest.run_once(conn) == {"digests": 1}

    def another() -> int:
        with psycopg.connect(database_url, row_factory=dict_row) as other:
            return digest.run_once(other)["digests"]

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(another)
        _until_somebody_waits(database_url)
        conn.commit()
        assert waiting.result(10) == 0
    assert digests(conn) == [("rhea", None, "pending")]


def _until_somebody_waits(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as looking:
        for _ in range(2000):
            row = looking.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
            if row and row[0]:
                return
    raise AssertionError("nobody waits: the second did not see the first")


def test_a_crash_makes_it_neither_twice_nor_never(conn: Connection, people: Any, morning: Any) -> None:
    """The row and the message are one: what was not committed is made again, once."""
    people()
    a_case(conn)
    morning()
    assert digest.run_once(conn) == {"digests": 1}
    conn.rollback()
    assert digests(conn) == []
    assert [run(conn), run(conn)] == [1, 0]
    assert len(digests(conn)) == 1


def test_whoever_is_away_has_none_and_the_deputy_has_theirs(conn: Connection, people: Any, morning: Any) -> None:
    """Whose a case is now decides, as everywhere."""
    day = clock.now().date() + timedelta(days=1)
    people(away={"rhea": f"{{ from = {day}, until = {day} }}"})
    a_case(conn)
    morning()
    assert run(conn) == 1
    assert digests(conn) == [("tomas", None, "pending")]


def test_small_matters_are_told_by_it_and_by_nothing_else(
    conn: Connection, target: Any, people: Any, morning: Any
) -> None:
    """A class that waits for the digest, and growth below tenfold: no message, one line."""
    people(more='[classes.contract_violation]\ntold = "digest"\n')
    a_case(conn, "sums", (100, "eur"))
    a_case(conn, "sums", (300, "eur"))
    row = conn.execute("SELECT count(*) AS n FROM notifications").fetchone()
    assert row == {"n": 0}
    morning()
    assert run(conn) == 1
    notify.deliver_pending()
    assert "(sums), 4.00 EUR, " in target.taken[-1][1]["message"]


def test_a_channel_that_is_dead_falls_back_and_the_last_one_becomes_a_case(
    conn: Connection, target: Any, people: Any, morning: Any
) -> None:
    """The person's next channel, then the last resort, with receipts; nobody at all: a case for those who run this."""
    broken, fine = target.url("broken"), target.url("ok")
    people(rhea=[broken, fine])
    a_case(conn)
    morning()
    run(conn)
    assert [notify.deliver_pending(), notify.deliver_pending()] == [{"fallback": 1}, {"sent": 1}]
    assert digests(conn) == [("rhea", "json", "fallback"), ("rhea", "json#2", "sent")]

    people(rhea=[broken], fallback=broken)
    morning(days=2)
    run(conn)
    assert [notify.deliver_pending(), notify.deliver_pending()] == [{"fallback": 1}, {"failed": 1, "sent": 1}]
    assert digests(conn)[-1] == (notify.LAST_RESORT, "json", "failed")
    row = conn.execute("SELECT detail ->> 'kind' AS kind FROM cases WHERE failure_class = 'notification_failed'")
    assert row.fetchall() == [{"kind": "digest"}]


def test_a_digest_is_bounded(conn: Connection, target: Any, people: Any, morning: Any) -> None:
    """Forty cases are fifteen lines and a number."""
    people()
    events = [cases.Incident(keys.new_id(), "contract_violation", rule=f"rule {number}") for number in range(40)]
    cases.open_many(conn, events)
    conn.execute("DELETE FROM notifications")
    conn.commit()
    morning()
    assert run(conn) == 1
    notify.deliver_pending()
    lines = target.taken[-1][1]["message"].splitlines()
    assert sum(line.startswith("- ") for line in lines) == digest.ROWS_MAX
    assert "and 25 more: http://127.0.0.1:8000/cases?owner=rhea" in lines


def test_approvals_that_wait_are_told_with_the_hour_at_which_they_lapse(
    conn: Connection, target: Any, people: Any, morning: Any
) -> None:
    """Silence is a no: whoever owns the question reads until when it may be answered."""
    people(more='[classes.approval_needed]\nrole = "revops"\n')
    event = keys.new_id()
    case = cases.open_many(conn, [cases.Incident(event, "approval_needed")])[event]
    insert(conn, "events", {"id": event, "source": "stripe", "provider": "stripe", "key": str(event),
                            "type": "invoice.paid", "status": "waiting", "case_id": case})  # fmt: skip
    write = keys.new_id()
    insert(conn, "writes", {"id": write, "key": "k", "destination": "books", "operation": "post_entry",
                            "digest": "d" * 64, "event_id": event, "approvals_needed": 1})  # fmt: skip
    conn.execute("UPDATE writes SET status = 'awaiting_approval' WHERE id = %s", (write,))
    shown = {"effect_digest": "d" * 64}
    lapses = clock.now() + timedelta(days=2)
    insert(conn, "approvals", {"id": keys.new_id(), "write_id": write, "digest": keys.digest(shown), "rule": "all",
                               "shown": shown, "needed": 1, "expires_at": lapses})  # fmt: skip
    conn.execute("DELETE FROM notifications")
    conn.commit()
    morning()
    assert run(conn) == 1
    notify.deliver_pending()
    said = f"Waiting for a yes or no: 1, the first until {lapses:%Y-%m-%d %H:%M} UTC: http://127.0.0.1:8000/approvals"
    assert said in target.taken[-1][1]["message"].splitlines()


def test_an_hour_that_is_none_is_refused_in_words(use_owners: Callable[..., Path]) -> None:
    """Nothing is guessed."""
    for wrong in ("9:00", "25:00", "09:60", "０9:00", "", "noon", "09:00:00"):
        with pytest.raises(owners.OwnersRefused, match=r"people\.rhea\.digest: is .*write it like"):
            owners.load(use_owners(PACKAGED.replace('name = "Rhea Ops"', f'name = "R"\ndigest = "{wrong}"')))
