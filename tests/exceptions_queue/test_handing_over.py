"""Changing the roster moves open cases, which is told; nobody leaves with cases that were given to them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from counterfoil import clock, database, keys
from exceptions_queue import cases, handing_over, owners
from exceptions_queue.leaving import problems

Connection = database.Connection
PACKAGED = owners.PACKAGED.read_text()
#: Nils does from now on what Rhea did; she is gone.
WITHOUT_RHEA = PACKAGED.replace(
    '[people.rhea]\nname = "Rhea Ops"\ncontact = "rhea@', '[people.nils]\nname = "Nils New"\ncontact = "nils@'
).replace('"rhea"', '"nils"')
SIGNED: dict[str, Any] = {"who": "Dana", "reason": "because"}


def a_case(conn: Connection, failure_class: str = "contract_violation") -> UUID:
    """A fresh open case that blocks one event."""
    event_id = keys.new_id()
    case_id = cases.open_many(conn, [cases.Incident(event_id, failure_class, source=event_id.hex)])[event_id]
    conn.commit()
    return case_id


def in_force() -> set[str]:
    """The people of the roster in force."""
    return set(owners.roster().people)


def entries(conn: Connection, action: str) -> list[dict[str, Any]]:
    """What the audit says of such a change."""
    rows = conn.execute("SELECT subject, detail::jsonb AS detail FROM audit_entries WHERE action = %s", (action,))
    return rows.fetchall()


def test_a_change_of_the_roster_moves_open_cases_and_says_so_in_the_audit(
    conn: Connection, use_owners: Callable[..., Path]
) -> None:
    """The case has another owner at once; its history says who had it, and the new one is told."""
    file = use_owners(PACKAGED)
    mine, of_others = a_case(conn), a_case(conn, "write_refused")
    assert handing_over.keep(conn) == {"moved": 0}, "the first roster moves nothing"
    file.write_text(WITHOUT_RHEA)
    assert handing_over.keep(conn) == {"moved": 1}
    (moved,) = entries(conn, "case.moved")
    assert moved == {"subject": f"case:{mine}", "detail": {"from": "rhea", "to": "nils"}}
    (changed,) = entries(conn, "roster.changed")
    assert changed["detail"]["added"] == ["nils"]
    assert changed["detail"]["removed"] == ["rhea"]
    assert changed["detail"]["moved"] == [{"from": "rhea", "to": "nils", "cases": 1}]
    told = conn.execute("SELECT case_id, recipient FROM notifications WHERE kind = 'assigned'").fetchall()
    assert told == [{"case_id": mine, "recipient": "nils"}]
    assert str(of_others) not in str(entries(conn, "case.moved"))
    assert handing_over.keep(conn) == {"moved": 0}, "told once"
    assert len(entries(conn, "roster.changed")) == 1


def test_addresses_are_not_kept_with_a_roster(conn: Connection, use_owners: Callable[..., Path]) -> None:
    """They may hold secrets, and nobody needs them to tell whose something was."""
    use_owners(PACKAGED.replace('channels = ["log://"]', 'channels = ["json://127.0.0.1/token-of-ours"]', 1))
    handing_over.keep(conn)
    row = conn.execute("SELECT content::text AS text FROM rosters").fetchone()
    assert row is not None
    assert "rhea" in row["text"]
    assert "token-of-ours" not in row["text"]
    assert "example.com" not in row["text"]


def test_nobody_leaves_with_cases_that_were_given_to_them(
    conn: Connection, use_owners: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file without them is refused and the roster before it stays, until the cases are somebody else's."""
    monkeypatch.setattr(owners, "AGAIN_SECONDS", 0.0)
    file = use_owners(PACKAGED)
    case_id = a_case(conn, "write_refused")
    cases.assign(conn, case_id, to="rhea", **SIGNED)
    conn.commit()
    assert "rhea" in in_force()
    file.write_text(WITHOUT_RHEA)
    assert "rhea" in in_force()
    assert owners.roster().owner_of("write_refused", assigned="rhea", at=clock.now()) == "rhea"
    (said,) = problems(owners.load(file))
    assert said == ("people.rhea: is missing, and 1 open case was given to them; give it to somebody else first")
    cases.assign(conn, case_id, to="fiona", **SIGNED)
    conn.commit()
    assert "rhea" not in in_force()
    assert problems(owners.roster()) == []


def test_a_closed_case_holds_nobody(conn: Connection, use_owners: Callable[..., Path]) -> None:
    """Only what is open needs somebody."""
    file = use_owners(PACKAGED)
    case_id = a_case(conn)
    cases.assign(conn, case_id, to="rhea", **SIGNED)
    cases.dismiss(conn, case_id, **SIGNED)
    conn.commit()
    assert "rhea" in in_force()
    file.write_text(WITHOUT_RHEA)
    assert "rhea" not in in_force()


def test_without_a_database_nobody_leaves(
    conn: Connection, use_owners: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can say what they hold; the roster before stays until somebody can."""
    monkeypatch.setattr(owners, "AGAIN_SECONDS", 0.0)
    file = use_owners(PACKAGED)
    assert "rhea" in in_force()
    file.write_text(WITHOUT_RHEA)
    with monkeypatch.context() as away:
        away.setattr(database, "url", lambda: "postgresql://127.0.0.1:1/nowhere")
        assert "rhea" in in_force()
    assert "nils" in in_force()
