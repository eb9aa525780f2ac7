"""Somebody with a database client and bad intent, or a bug: the database refuses what breaks the rules of approval.

Each statement below comes from outside of Counterfoil's functions and is committed by itself.
"""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from asking import HANDS, Office

from counterfoil import keys

Refused = Callable[..., None]

VOTE = "INSERT INTO approval_votes (approval_id, person, decision, digest, reason) VALUES (%s, %s, %s, %s, 'x')"
REQUEST = (
    "INSERT INTO approvals (id, write_id, status, digest, shown, rule, needed, expires_at)"
    " VALUES (%(id)s, %(write_id)s, %(status)s, %(digest)s, %(shown)s, 'x', %(needed)s, now() + %(in)s::interval)"
)
WRITE = (
    "INSERT INTO writes (id, key, destination, operation, status, action, digest, event_id, approvals_needed)"
    " SELECT gen_random_uuid(), 'other', destination, operation, %s, action, digest, event_id, %s FROM writes LIMIT 1"
)


@pytest.fixture
def refused(office: Office) -> Refused:
    """Tries a statement, and expects that this rule of the database refuses it and nothing is changed by it."""

    def tables() -> list[Any]:
        return [
            office.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("writes", "approvals", "approval_votes")
        ]

    def attempt(rule: str, sql: str, *values: Any, **named: Any) -> None:
        before = tables()
        with pytest.raises(psycopg.Error) as error, office.conn.transaction():
            office.conn.execute(sql, named or values)
        assert rule in (error.value.diag.constraint_name, error.value.sqlstate), error.value
        assert tables() == before

    return attempt


@pytest.fixture
def request_(office: Office) -> dict[str, Any]:
    """An invoice that waits for one person."""
    office.deal(1, 4200)
    return office.asked()


def vote(office: Office, request: dict[str, Any], who: str, decision: str = "approve") -> None:
    """A vote by hand that the database takes."""
    office.do(VOTE, request["id"], who, decision, request["digest"])


def test_nothing_is_approved_without_votes(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """Neither the write nor its request, nor by way of the states around it."""
    refused("writes_approved", "UPDATE writes SET status = 'approved'")
    refused("writes_moves", "UPDATE writes SET status = 'sending'")
    refused("writes_moves", "UPDATE writes SET status = 'confirmed', confirmed_at = now()")
    refused("approvals_enough", "UPDATE approvals SET status = 'approved'")
    refused("approvals_moves", "UPDATE approvals SET status = 'used'")
    office.do("UPDATE writes SET status = 'planned'")
    refused("writes_approved", "UPDATE writes SET status = 'sending'")
    refused("writes_approved", "UPDATE writes SET status = 'confirmed'")


def test_nothing_is_approved_without_a_request(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """A write that nobody was asked about is not approved, and none is born so."""
    office.do("UPDATE approvals SET status = 'void'")
    refused("writes_approved", "UPDATE writes SET status = 'approved'")
    for status in ("approved", "sending", "in_doubt", "rejected", "reversing", "reversed"):
        refused("writes_born", WRITE, status, 1)
    refused("writes_born", WRITE, "confirmed", 1)
    refused("writes_born", WRITE, "awaiting_approval", 0)


def test_a_write_never_needs_fewer_people(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """Not while it waits, not on its way back to a plan."""
    refused("writes_people", "UPDATE writes SET approvals_needed = 0")
    refused("writes_people", "UPDATE writes SET approvals_needed = 0, status = 'planned'")
    office.approve(request_)
    refused("writes_people", "UPDATE writes SET approvals_needed = 0")
    refused("writes_people", "UPDATE writes SET approvals_needed = 2")


def test_one_person_votes_once(office: Office, refused: Refused) -> None:
    """Also under the same name in other letters; and one of two is not enough."""
    office.deal(1, 1_000_000)
    request = office.asked()
    vote(office, request, "Ines")
    for same in ("Ines", "ines", "INES"):
        refused("approval_votes_once", VOTE, request["id"], same, "approve", request["digest"])
    refused("approvals_enough", "UPDATE approvals SET status = 'approved'")
    refused("writes_approved", "UPDATE writes SET status = 'approved'")
    vote(office, request, "paul")
    office.do("UPDATE approvals SET status = 'approved'")
    office.do("UPDATE writes SET status = 'approved'")


def test_a_no_is_not_counted_as_a_yes(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """A vote says what it says."""
    vote(office, request_, "ines", "reject")
    refused("approvals_enough", "UPDATE approvals SET status = 'approved'")
    refused("approval_votes_decision", VOTE, request_["id"], "paul", "maybe", request_["digest"])


def test_who_edited_does_not_vote_for_it(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """Nor after a later request that somebody else opened."""
    office.do("UPDATE approvals SET status = 'void'")
    told = {"write_id": request_["write_id"], "digest": request_["digest"], "shown": psycopg.types.json.Jsonb(
        request_["shown"])}  # fmt: skip
    for editor in ("Ed", None):
        office.do("UPDATE approvals SET status = 'void' WHERE status = 'open'")
        office.do(
            "INSERT INTO approvals (id, write_id, digest, shown, rule, needed, edited_by, expires_at)"
            " VALUES (%s, %s, %s, %s, 'x', 1, %s, now() + interval '1 h')",
            keys.new_id(),
            *told.values(),
            editor,
        )
        request = office.asked()
        for same in ("Ed", "ed"):
            refused("approval_votes_editor", VOTE, request["id"], same, "approve", request["digest"])


@pytest.mark.parametrize("had_a_hand_in_it", HANDS.values(), ids=HANDS)
def test_who_had_a_hand_in_it_does_not_vote_for_it(
    office: Office, request_: dict[str, Any], refused: Refused, had_a_hand_in_it: str
) -> None:
    """Whatever program writes the vote: the database knows the same editors as ours does; a no may be anybody's."""
    office.by_hand(had_a_hand_in_it)
    for same in ("Ed", "ed"):
        refused("approval_votes_editor", VOTE, request_["id"], same, "approve", request_["digest"])
    vote(office, request_, "ines")
    vote(office, request_, "ed", "reject")


def test_a_vote_repeats_what_was_shown(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """Another digest is a yes to something else; and votes stand for ever."""
    refused("approval_votes_digest", VOTE, request_["id"], "ines", "approve", "0" * 64)
    vote(office, request_, "ines")
    for change in (
        "UPDATE approval_votes SET person = 'paul'",
        "UPDATE approval_votes SET decision = 'reject'",
        "DELETE FROM approval_votes",
        "TRUNCATE approval_votes",
    ):
        refused("23001", change)


@pytest.mark.parametrize(
    "change",
    [
        "digest = repeat('0', 64)",
        'shown = shown || \'{"title": "another"}\'',
        "needed = 0",
        "expires_at = expires_at + interval '1 h'",
        "opened_at = opened_at - interval '1 h'",
        "edited_by = 'ed'",
        "write_id = (SELECT id FROM writes WHERE key LIKE '%%:2:%%')",
    ],
)
def test_what_was_shown_stands(office: Office, request_: dict[str, Any], refused: Refused, change: str) -> None:
    """A request is not changed, before a yes or after it; and it is not given to another write."""
    office.deal(2, 4200)
    one = f"UPDATE approvals SET {change} WHERE id = %s"
    refused("approvals_shown", one, request_["id"])
    office.approve(request_)
    refused("approvals_shown", one, request_["id"])
    refused("23001", "DELETE FROM approvals")


@pytest.mark.parametrize(
    "change",
    [
        "action = action || '{\"body\": {}}'",
        "digest = repeat('0', 64)",
        "amount_minor = 4201",
        "currency = 'USD'",
        "operation = 'refund'",
        "subject = 'another'",
        "target = 'another'",
    ],
)
def test_what_is_written_is_what_was_shown(
    office: Office, request_: dict[str, Any], refused: Refused, change: str
) -> None:
    """While people are asked, once they said yes, and when it was sent: the content does not move."""
    alter = f"UPDATE writes SET {change}"
    refused("writes_content_shown", alter)
    vote(office, request_, "ines")
    refused("writes_content_shown", alter)
    office.do("UPDATE approvals SET status = 'approved'")
    office.do("UPDATE writes SET status = 'approved'")
    refused("writes_content", alter)
    refused("writes_content", f"{alter}, status = 'sending'")
    office.do("UPDATE writes SET status = 'sending'")
    refused("writes_content", alter)
    refused("writes_content", f"{alter}, status = 'planned'")


def test_a_plan_that_changed_needs_a_new_yes(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """Voiding the request lets the content change; then nothing that was said about the old one counts."""
    vote(office, request_, "ines")
    office.do("UPDATE approvals SET status = 'void'")
    office.do("UPDATE writes SET digest = repeat('0', 64)")
    refused("writes_approved", "UPDATE writes SET status = 'approved'")
    refused("approvals_moves", "UPDATE approvals SET status = 'open'")
    refused("approvals_moves", "UPDATE approvals SET status = 'approved'")


def test_a_request_is_about_a_write_that_waits_for_it(
    office: Office, request_: dict[str, Any], refused: Refused
) -> None:
    """Over exactly its content, for at least its people, for a time that ends, open, and one at a time."""
    good = {
        "id": keys.new_id(),
        "write_id": request_["write_id"],
        "status": "open",
        "digest": request_["digest"],
        "shown": psycopg.types.json.Jsonb(request_["shown"]),
        "needed": 1,
        "in": "1 hour",
    }
    refused("approvals_live", REQUEST, **good)
    office.do("UPDATE approvals SET status = 'void'")
    for wrong in (
        {"status": "approved"},
        {"status": "used"},
        {"needed": 0},
        {"in": "-1 hour"},
        {"in": "32 days"},
        {"shown": psycopg.types.json.Jsonb({**request_["shown"], "effect_digest": "0" * 64})},
        {"shown": psycopg.types.json.Jsonb({})},
    ):
        refused("approvals_asked", REQUEST, **{**good, **wrong})
    office.do("UPDATE writes SET status = 'planned'")
    refused("approvals_asked", REQUEST, **good)


def test_after_its_time_nobody_votes_and_nothing_is_sent(
    office: Office, request_: dict[str, Any], refused: Refused
) -> None:
    """A yes counts for as long as the request would have been open."""
    vote(office, request_, "ines")
    office.run_out(request_)
    refused("approval_votes_in_time", VOTE, request_["id"], "paul", "approve", request_["digest"])
    refused("approvals_enough", "UPDATE approvals SET status = 'approved'")
    office.deal(2, 4200)
    other = office.asked("stripe:deal:2:invoice")
    vote(office, other, "ines")
    office.do("UPDATE approvals SET status = 'approved' WHERE id = %s", other["id"])
    office.do("UPDATE writes SET status = 'approved' WHERE id = %s", other["write_id"])
    office.run_out(other)
    refused("writes_approved", "UPDATE writes SET status = 'sending' WHERE id = %s", other["write_id"])


@pytest.mark.parametrize("end", ["approved", "used", "rejected", "expired", "void"])
def test_an_answered_request_is_over(office: Office, request_: dict[str, Any], refused: Refused, end: str) -> None:
    """No vote, and no way back: what was used, or refused, is not used again."""
    if end in ("approved", "used"):
        vote(office, request_, "ines")
        office.do("UPDATE approvals SET status = 'approved'")
    if end != "approved":
        office.do("UPDATE approvals SET status = %s", end)
    refused("approval_votes_in_time", VOTE, request_["id"], "paul", "approve", request_["digest"])
    refused("approvals_moves", "UPDATE approvals SET status = 'open'")
    if end != "approved":
        refused("approvals_moves", "UPDATE approvals SET status = 'approved'")


def test_an_approval_is_used_by_one_plan(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """Sent, taken off the wire, planned anew with the same content: it needs a new yes."""
    office.do("INSERT INTO pauses (scope, name, reason, paused_by) VALUES ('destination', 'stripe', 'x', 'ops')")
    office.approve(request_)
    office.do("UPDATE writes SET status = 'sending'")
    assert [row["status"] for row in office.rows("SELECT status FROM approvals")] == ["used"]
    office.do("UPDATE writes SET status = 'planned'")
    assert [row["status"] for row in office.rows("SELECT status FROM approvals")] == ["void"]
    refused("writes_approved", "UPDATE writes SET status = 'sending'")


def test_a_write_keeps_what_it_is_known_by(office: Office, request_: dict[str, Any], refused: Refused) -> None:
    """Its key, its destination, its event; and it is never deleted."""
    for change in ("key = 'another'", "destination = 'books'", "event_id = gen_random_uuid()", "reverses = id"):
        refused("writes_identity", f"UPDATE writes SET {change}")
    refused("writes_stay", "DELETE FROM writes")
    refused("23001", "TRUNCATE writes CASCADE")
