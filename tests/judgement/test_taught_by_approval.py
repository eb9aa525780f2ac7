"""Whoever edits what an answer was written as, and is agreed with, says what is right: a label, under their name."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from judged import a_decision, a_quick_judge, a_ticket, work

from console import approving, asks
from contracts import questions
from counterfoil.database import Connection
from counterfoil.settings import settings
from engine import learning
from exceptions_queue import approvals, policy
from judgement import labels

MONEY = questions.find()["revenue_category"]
SAID = "Onboarding workshop, two days"
RULES = '[[rule]]\nname = "all"\nhandler = ["tickets"]\npeople = {people}\n'
Write = dict[str, Any]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """So many people are asked before anything is booked."""
    file = tmp_path / "policy.toml"

    def follow(people: int) -> None:
        file.write_text(RULES.format(people=people))
        policy.policy.cache_clear()

    monkeypatch.setenv("COUNTERFOIL_POLICY", str(file))
    monkeypatch.setenv("COUNTERFOIL_HANDLERS", "judging")
    settings.cache_clear()
    follow(1)
    with a_quick_judge(monkeypatch):
        yield follow
    settings.cache_clear()
    policy.policy.cache_clear()


@pytest.fixture
def waiting(conn: Connection, rules: Any) -> Callable[[int], Write]:
    """A booking that was made of what Ann said of the same words, and waits for approval."""
    said = labels.NewLabel({"description": SAID}, "services", "labelling", "Ann", counterparty="cus_1")
    labels.add(conn, MONEY, said)
    a_decision(conn, MONEY, "Hours", status="settled", settled_by="Ann", settled_label="services",
               settled_at="2026-11-01", counterparty="cus_1")  # fmt: skip
    conn.commit()

    def make(number: int) -> Write:
        event = a_ticket(conn, number, f"cus_1|{SAID}")
        work()
        conn.rollback()
        row = conn.execute("SELECT * FROM writes WHERE event_id = %s", (event,)).fetchone()
        conn.rollback()
        assert row is not None
        assert row["status"] == "awaiting_approval"
        return row

    return make


def _edit(conn: Connection, write: Write, account: str, who: str) -> None:
    body = copy.deepcopy(write["action"]["body"])
    body["lines"][1]["account"] = account
    with conn.transaction():
        approving.edit(conn, who, write["id"], asks.ActionAsk(body=body, reason="we count messages"))


def _approve(conn: Connection, write_id: UUID, who: str) -> None:
    row = conn.execute("SELECT digest FROM approvals WHERE write_id = %s AND status = 'open'", (write_id,)).fetchone()
    assert row is not None
    conn.rollback()
    with conn.transaction():
        approving.approve(conn, who, write_id, asks.ApproveAsk(digest=row["digest"], reason="so it is"))


def _told(conn: Connection) -> list[tuple[Any, ...]]:
    rows = conn.execute(
        "SELECT label, author, origin, reason FROM labels WHERE author <> 'Ann' ORDER BY seq"
    ).fetchall()
    conn.rollback()
    return [tuple(row.values()) for row in rows]


def test_an_edit_that_is_approved_is_a_label_of_who_edited(conn: Connection, waiting: Any) -> None:
    """Not before somebody agreed; the decision is settled by it, and the next event with these words is a person's,
    because two disagree. Break it: learn at the edit, or by the approver's name."""
    write = waiting(1)
    _edit(conn, write, "Income:Usage", "Ines")
    assert _told(conn) == []
    _approve(conn, write["id"], "Rhea")
    assert _told(conn) == [("usage", "Ines", "approval", "we count messages (edited; approved by Rhea)")]
    row = conn.execute("SELECT settled_by, settled_label, acted FROM decisions WHERE event_id = %s",
                       (write["event_id"],)).fetchone()  # fmt: skip
    conn.rollback()
    assert row == {"settled_by": "Ines", "settled_label": "usage", "acted": True}
    a_ticket(conn, 2, f"cus_1|{SAID}")
    work()
    (asked,) = conn.execute("SELECT why, precedents FROM decisions WHERE status = 'asked'").fetchall()
    assert "contested" in asked["why"]
    assert {each["author"] for each in asked["precedents"]} >= {"Ann", "Ines"}


def test_whoever_edits_against_what_they_said_changed_their_mind(conn: Connection, waiting: Any) -> None:
    """The next event with these words is answered as edited."""
    _edit(conn, write := waiting(1), "Income:Usage", "Ann")
    _approve(conn, write["id"], "Rhea")
    work()
    second = waiting(2)
    assert second["action"]["body"]["lines"][1]["account"] == "Income:Usage"


def test_it_takes_as_many_as_the_policy_wants(conn: Connection, rules: Any, waiting: Any) -> None:
    """One yes of two teaches nothing; nor does an edit that is refused."""
    rules(2)
    first, second = waiting(1), waiting(2)
    _edit(conn, first, "Income:Usage", "Ines")
    _approve(conn, first["id"], "Rhea")
    assert _told(conn) == []
    _approve(conn, first["id"], "Otto")
    assert [each[:2] for each in _told(conn)] == [("usage", "Ines")]
    _edit(conn, second, "Income:Subscriptions", "Ines")
    with conn.transaction():
        approvals.reject(conn, second["id"], who="Rhea", reason="no")
    assert len(_told(conn)) == 1


def test_what_says_nothing_of_the_answer_teaches_nothing(conn: Connection, waiting: Any) -> None:
    """The same account under another memo; an account that no label or more than one stands for; and plain approval."""
    for number, account in enumerate(("Income:Services", "Income:Shipping"), start=1):
        write = waiting(number)
        write["action"]["body"]["memo"] = "Workshop"
        _edit(conn, write, account, "Ines")
        _approve(conn, write["id"], "Rhea")
    _approve(conn, waiting(3)["id"], "Rhea")
    assert _told(conn) == []


def test_of_what_a_person_had_settled_the_edit_is_one_more_answer(conn: Connection, waiting: Any) -> None:
    """The first one stands; both are labels, and so the two are shown to disagree."""
    write = waiting(1)
    conn.execute("UPDATE decisions SET status = 'settled', settled_by = 'Otto', settled_label = 'services',"
                 " settled_at = now() WHERE event_id = %s", (write["event_id"],))  # fmt: skip
    conn.commit()
    _edit(conn, write, "Income:Usage", "Ines")
    _approve(conn, write["id"], "Rhea")
    assert [each[:3] for each in _told(conn)] == [("usage", "Ines", "approval")]
    row = conn.execute("SELECT settled_by FROM decisions WHERE event_id = %s", (write["event_id"],)).fetchone()
    assert row == {"settled_by": "Otto"}


def test_many_at_once_teach_as_much(conn: Connection, waiting: Any) -> None:
    """Each under its own digest; trying it out teaches nothing."""
    _edit(conn, write := waiting(1), "Income:Usage", "Ines")
    (row,) = conn.execute("SELECT digest FROM approvals WHERE status = 'open'").fetchall()
    conn.rollback()
    ask = asks.BatchAsk(items=[asks.BatchItemAsk(write_id=write["id"], digest=row["digest"])], reason="the usual")
    approving.try_many("Rhea", ask)
    assert _told(conn) == []
    with conn.transaction():
        approving.approve_many(conn, "Rhea", ask)
    assert [each[:2] for each in _told(conn)] == [("usage", "Ines")]


def test_a_handler_that_cannot_read_its_own_writing_stops_no_approval(
    conn: Connection, waiting: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's body has any shape; nothing is learned, and the yes counts."""
    _edit(conn, write := waiting(1), "Income:Usage", "Ines")
    monkeypatch.setattr(learning, "_told", lambda *_: 1 / 0)
    _approve(conn, write["id"], "Rhea")
    assert _told(conn) == []
    row = conn.execute("SELECT status FROM writes WHERE id = %s", (write["id"],)).fetchone()
    assert row == {"status": "approved"}
