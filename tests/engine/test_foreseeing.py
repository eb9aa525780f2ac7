"""What a rule would do is told before anybody agrees to it, and is what then happens."""

from uuid import UUID

import pytest
from fixing import CATEGORY, PROD, PRODUCT, a_fix, an_invoice, event_state, rows, work

import destinations
from counterfoil import clock, database
from counterfoil.settings import settings
from engine import foreseeing, registry
from exceptions_queue import fixes, replay

Connection = database.Connection

#: Of one product, the lines that say nothing are services.
NAMES_NOTHING = {PRODUCT: PROD, CATEGORY: None}


def foreseen(conn: Connection) -> foreseeing.Foreseen:
    """What the rule would do."""
    fix = fixes.understood("stripe", "stripe", ["invoice.paid"], NAMES_NOTHING, {CATEGORY: "services"})
    found = foreseeing.foresee(
        conn, registry.find(settings().handlers_package), destinations.find(), fix, now=clock.now()
    )
    conn.rollback()
    return found


@pytest.fixture
def story(conn: Connection) -> dict[str, list[UUID]]:
    """Three that would go through, one that would not, one of another product; two booked as something else."""
    made = {
        "cleared": [an_invoice(conn, category=None, once=True) for _ in range(3)],
        "still": [an_invoice(conn, category=None, once=True, off=1)],
        "other": [an_invoice(conn, category=None, once=True, product="prod_other"), an_invoice(conn)],
        "booked": [an_invoice(conn, category=None) for _ in range(2)] + [an_invoice(conn, category="usage")],
    }
    work()
    assert {event_state(conn, one) for one in made["booked"]} == {"done"}
    assert all(event_state(conn, one) in ("waiting", "exception") for one in made["cleared"] + made["still"])
    return made


def test_what_it_clears_and_what_it_would_change_is_counted(
    conn: Connection, story: dict[str, list[UUID]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clears 3 of 4, would change 2 past writes; nothing is written by looking; fewer are said to be fewer."""
    before = [rows(conn, f"SELECT * FROM {table}") for table in ("events", "writes", "runs", "cases", "decisions")]
    found = foreseen(conn)
    assert set(found.clears) == set(story["cleared"])
    (still,) = [one for one in found.blocked if one.fate == "still"]
    assert (still.event_id, still.failure_class) == (story["still"][0], "contract_violation")
    assert {one.event_id for one in found.changed} == set(story["booked"][:2])
    assert {one.change for one in found.changed} == {"other_content"}
    assert found.numbers() == {
        "blocked": 4,
        "cases": 2,
        "clears": 3,
        "still": 1,
        "unsure": 0,
        "past": 2,
        "past_unsure": 0,
        "would_change": 2,
        "complete": True,
    }
    assert before == [
        rows(conn, f"SELECT * FROM {table}") for table in ("events", "writes", "runs", "cases", "decisions")
    ]
    monkeypatch.setattr(foreseeing, "WALKED_MAX", 2)
    found = foreseen(conn)
    assert (len(found.blocked), found.past, found.complete) == (2, 2, False)


def test_what_was_foreseen_is_what_happens(conn: Connection, story: dict[str, list[UUID]]) -> None:
    """Applied and replayed, exactly those go through, and what was booked before stays as it is."""
    found, booked = foreseen(conn), rows(conn, "SELECT * FROM books_lines ORDER BY 1, 2")
    a_fix(conn, NAMES_NOTHING, {CATEGORY: "services"})
    for event_id in story["cleared"] + story["still"]:
        replay.replay_event(conn, event_id, from_step="start", who="rhea", reason="for the rule")
    conn.commit()
    work()
    done = [one for one in story["cleared"] + story["still"] if event_state(conn, one) == "done"]
    assert set(done) == set(found.clears)
    now = rows(conn, "SELECT * FROM books_lines ORDER BY 1, 2")
    assert [line for line in now if line in booked] == booked


def test_what_waits_for_something_else_is_not_cleared_by_a_rule(conn: Connection) -> None:
    """An event that would go through without it is not counted as the rule's."""
    event_id = an_invoice(conn, category=None)
    conn.execute("UPDATE events SET status = 'exception', due_at = NULL WHERE id = %s", (event_id,))
    conn.execute(
        "INSERT INTO cases (id, failure_class, fingerprint, title) VALUES (gen_random_uuid(), 'handler_bug', 'x', 'x')"
    )
    conn.execute("INSERT INTO case_events (case_id, event_id) SELECT id, %s FROM cases", (event_id,))
    conn.execute("UPDATE events SET case_id = (SELECT id FROM cases) WHERE id = %s", (event_id,))
    conn.commit()
    (blocked,) = foreseen(conn).blocked
    assert (blocked.fate, blocked.why) == ("still", "it would go through without the rule too: replay it")
