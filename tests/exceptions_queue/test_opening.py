"""Incidents become cases: alike ones share one, under any concurrency, and the money in them is counted."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from counterfoil import database, keys
from exceptions_queue import cases

Connection = database.Connection


def an_incident(event_id: UUID | None, **more: Any) -> cases.Incident:
    """An incident like many others, unless said otherwise."""
    given = {"failure_class": "contract_violation", "source": "stripe", "handler": "invoice_paid", "rule": "sums"}
    return cases.Incident(event_id=event_id, **{**given, **more})


def rows_of(conn: Connection, table: str) -> list[dict[str, Any]]:
    """Everything in a table, oldest first."""
    return conn.execute(f"SELECT * FROM {table}").fetchall()


def test_alike_failures_share_a_case_with_count_and_money(conn: Connection) -> None:
    """Three events under one rule are one case; amounts add up per currency; another rule is another case."""
    events = [keys.new_id() for _ in range(4)]
    opened = cases.open_many(
        conn,
        [
            an_incident(events[0], amount_minor=4200, currency="USD"),
            an_incident(events[1], amount_minor=800, currency="USD"),
            an_incident(events[2], amount_minor=700, currency="EUR"),
            an_incident(events[3], rule="currency"),
        ],
    )

    assert set(opened) == set(events)
    assert len(set(opened.values())) == 2
    shared = opened[events[0]]
    assert opened[events[2]] == shared != opened[events[3]]
    stake = cases.stakes(conn, [shared])[shared]
    assert (stake.blocked, stake.at_stake) == (3, {"EUR": 700, "USD": 5000})
    assert stake.oldest_at is not None
    row = conn.execute("SELECT * FROM cases WHERE id = %s", (shared,)).fetchone()
    assert row is not None
    assert (row["events"], row["status"], row["failure_class"]) == (3, "open", "contract_violation")
    assert row["due_at"] > row["opened_at"]


def test_what_is_new_comes_back_with_its_audit_entries(conn: Connection) -> None:
    """The caller audits: it is given one entry per new case, and none for a case that grew."""
    first = cases.open_many(conn, [an_incident(keys.new_id())])
    second = cases.open_many(conn, [an_incident(keys.new_id())])

    assert [(entry.action, entry.subject) for entry in first.entries] == [("case.opened", f"case:{first.new[0].id}")]
    assert first.new[0].owner == "rhea"
    assert (second.new, second.entries) == ([], [])
    assert rows_of(conn, "audit_entries") == []


def test_the_owner_is_told_once_however_many_events_follow(conn: Connection) -> None:
    """One notice when the case opens; the next only when it has grown tenfold."""
    for _ in range(9):
        cases.open_many(conn, [an_incident(keys.new_id())])
    assert [row["kind"] for row in rows_of(conn, "notifications")] == ["opened"]

    cases.open_many(conn, [an_incident(keys.new_id())])
    cases.open_many(conn, [an_incident(keys.new_id()) for _ in range(89)])

    assert [(row["kind"], row["recipient"]) for row in rows_of(conn, "notifications")] == [
        ("opened", "rhea"),
        ("grew", "rhea"),
    ]
    cases.open_many(conn, [an_incident(keys.new_id())])
    assert len(rows_of(conn, "notifications")) == 3


def test_tenfold_money_is_told_although_the_events_are_few(conn: Connection) -> None:
    """A second event that brings ten times the money is news."""
    cases.open_many(conn, [an_incident(keys.new_id(), amount_minor=1000, currency="USD")])
    cases.open_many(conn, [an_incident(keys.new_id(), amount_minor=1000, currency="USD")])
    assert len(rows_of(conn, "notifications")) == 1

    cases.open_many(conn, [an_incident(keys.new_id(), amount_minor=8000, currency="USD")])

    assert [row["kind"] for row in rows_of(conn, "notifications")] == ["opened", "grew"]


def test_what_is_at_stake_is_a_size_and_has_no_sign(conn: Connection) -> None:
    """A refund that is held up does not make a payment that is held up vanish from the sum."""
    opened = cases.open_many(
        conn, [an_incident(keys.new_id(), amount_minor=amount, currency="USD") for amount in (-500, 500, 0)]
    )
    [stake] = cases.stakes(conn, set(opened.values())).values()
    assert stake.at_stake == {"USD": 1000}


def test_an_event_that_fails_again_is_seen_again_and_counted_once(conn: Connection) -> None:
    """The same event in the same case: `seen` grows, count and money do not."""
    event_id = keys.new_id()
    for _ in range(3):
        opened = cases.open_many(conn, [an_incident(event_id, amount_minor=500, currency="USD")])

    member = rows_of(conn, "case_events")[0]
    assert member["seen"] == 3
    assert rows_of(conn, "cases")[0]["events"] == 1
    assert cases.stakes(conn, opened.values())[opened[event_id]].at_stake == {"USD": 500}


def test_an_event_stands_in_one_case_at_a_time(conn: Connection) -> None:
    """Failing in another way lets the first case go; it resolves by itself, and says so for the audit."""
    event_id = keys.new_id()
    first = cases.open_many(conn, [an_incident(event_id)])
    second = cases.open_many(conn, [an_incident(event_id, failure_class="handler_bug")])

    states = {row["id"]: (row["status"], row["closed_by"]) for row in rows_of(conn, "cases")}
    assert states == {first[event_id]: ("resolved", "replay"), second[event_id]: ("open", None)}
    assert [entry.action for entry in second.entries] == ["case.opened", "case.resolved"]


def test_a_failure_after_the_case_was_closed_opens_a_new_one(conn: Connection) -> None:
    """Closed cases are history: the same fingerprint starts afresh."""
    event_id, other = keys.new_id(), keys.new_id()
    first = cases.open_many(conn, [an_incident(event_id)])
    cases.clear(conn, [event_id], actor="engine")
    second = cases.open_many(conn, [an_incident(other)])

    assert second[other] != first[event_id]
    assert len(second.new) == 1


def test_a_failure_without_an_event_has_a_case_too(conn: Connection) -> None:
    """Bursts and outages: each incident counts, no event is tied to it."""
    for _ in range(2):
        opened = cases.open_many(conn, [an_incident(None, failure_class="signature_burst", handler=None)])

    assert opened == {}
    assert [row["id"] for row in rows_of(conn, "cases")] == list(opened.by_fingerprint.values())
    assert rows_of(conn, "cases")[0]["events"] == 2
    assert rows_of(conn, "case_events") == []


def test_a_group_costs_the_same_number_of_statements_whatever_its_size(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One incident or a hundred in twenty cases: the same round trips."""

    def cost(incidents: list[cases.Incident]) -> int:
        count = 0
        execute = psycopg.Connection.execute

        def counting(*given: Any, **named: Any) -> Any:
            nonlocal count
            count += 1
            return execute(*given, **named)

        with monkeypatch.context() as patch:
            patch.setattr(psycopg.Connection, "execute", counting)
            cases.open_many(conn, incidents)
        return count

    one = cost([an_incident(keys.new_id(), rule="first")])
    many = cost([an_incident(keys.new_id(), rule=f"rule {number % 20}") for number in range(100)])

    assert one == many
    assert len(rows_of(conn, "cases")) == 21


def test_eight_workers_with_the_same_fingerprints_make_one_case_each(database_url: str) -> None:
    """P9 under a race: eight threads, forty groups in shuffled orders, five fingerprints: five cases, exact counts.

    Remove the partial unique index and there are more than five; remove `ORDER BY r.fingerprint` and they deadlock.
    """
    groups_each, fingerprints = 5, 5
    barrier = threading.Barrier(8)
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            with psycopg.connect(database_url, row_factory=dict_row) as mine:
                barrier.wait(10)
                for turn in range(groups_each):
                    incidents = [
                        an_incident(
                            keys.new_id(),
                            rule=f"rule {(i * (number + 1) + turn) % fingerprints}",
                            amount_minor=100,
                            currency="USD",
                        )
                        for i in range(20)
                    ]
                    cases.open_many(mine, incidents)
                    mine.commit()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert problems == []
    with psycopg.connect(database_url, row_factory=dict_row) as mine:
        found = rows_of(mine, "cases")
        held = cases.stakes(mine, [row["id"] for row in found])
        notices = rows_of(mine, "notifications")
    assert len(found) == fingerprints
    assert sum(row["events"] for row in found) == 8 * groups_each * 20
    for row in found:
        assert held[row["id"]].blocked == row["events"]
        assert held[row["id"]].at_stake == {"USD": 100 * row["events"]}
        assert row["detail"]["told"]["seen"] == {"USD": 100 * row["events"]}
    assert sorted(row["kind"] for row in notices).count("opened") == fingerprints


def test_two_workers_clearing_the_last_two_events_leave_no_open_case_behind(
    database_url: str, conn: Connection
) -> None:
    """Each sees the other's event still blocked, so neither resolves: the next sweep does."""
    from exceptions_queue import escalation

    one, two = keys.new_id(), keys.new_id()
    cases.open_many(conn, [an_incident(one), an_incident(two)])
    conn.commit()
    with psycopg.connect(database_url, row_factory=dict_row, options="-c lock_timeout=1s") as other:
        assert cases.clear(conn, [one], actor="engine") == []
        assert cases.clear(other, [two], actor="engine") == []
        conn.commit()
        other.commit()
    assert rows_of(conn, "cases")[0]["status"] == "open"

    assert escalation.run_once(conn)["resolved"] == 1
    assert rows_of(conn, "cases")[0]["status"] == "resolved"


def test_clearing_never_waits_for_somebody_who_holds_the_case(
    database_url: str, conn: Connection, an_event: Callable[..., UUID]
) -> None:
    """A person in the middle of a change does not hold up a worker's commit."""
    event_id = keys.new_id()
    opened = cases.open_many(conn, [an_incident(event_id)])
    conn.commit()
    with psycopg.connect(database_url, row_factory=dict_row) as person:
        person.execute("SELECT 1 AS x FROM cases WHERE id = %s FOR UPDATE", (opened[event_id],))
        conn.execute("SET lock_timeout = '500ms'")

        assert cases.clear(conn, [event_id], actor="engine") == []


def test_a_case_opens_while_another_transaction_closes_the_last_one(database_url: str, conn: Connection) -> None:
    """The failure lands in a new case, never in one that is being resolved."""
    event_id, later = keys.new_id(), keys.new_id()
    first = cases.open_many(conn, [an_incident(event_id)])
    conn.commit()
    cases.clear(conn, [event_id], actor="engine")
    answer: dict[UUID, UUID] = {}

    def fail() -> None:
        with psycopg.connect(database_url, row_factory=dict_row) as worker:
            answer.update(cases.open_many(worker, [an_incident(later)]))

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive(), "the second must have waited for the first"
    conn.commit()
    thread.join(10)

    assert answer[later] != first[event_id]
    assert {row["status"] for row in rows_of(conn, "cases")} == {"resolved", "open"}
