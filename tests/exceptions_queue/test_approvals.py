"""People before a write: they see exactly what would be written, and nothing else is ever sent."""

import json
from typing import Any

import pytest
from asking import Office

import destinations
from counterfoil import database
from engine.sending.editing import edited
from exceptions_queue import approvals
from exceptions_queue.refusals import (
    ActionRefused,
    EditorMayNot,
    NotAwaiting,
    ShownChanged,
    VotedAlready,
    WriteNotFound,
)

DEAL, BOOKS = "deal.propertyChange", "ticket.propertyChange"


def edit(office: Office, request: dict[str, Any], body: dict[str, Any], who: str = "ed", **amount: Any) -> None:
    """Put another action in the place of the one that waits."""

    def show(write: dict[str, Any], change: dict[str, Any]) -> approvals.Edited:
        return edited(office.conn, destinations.find(), write, body, amount or None, change)

    with office.conn.transaction():
        approvals.edit(office.conn, request["write_id"], body=body, show=show, who=who, reason="a discount")


def an_invoice_of(request: dict[str, Any], amount_minor: int) -> dict[str, Any]:
    """The action that waits, of another amount."""
    return {**request["shown"]["body"], "items": [{"description": "Seats", "amount_minor": amount_minor}]}


def test_approved_twice_it_is_sent_once(office: Office) -> None:
    """Given a draft invoice that waits, one yes sends it; the second is refused, and nothing more goes out."""
    event = office.deal(1, 4200)
    assert office.posts() == []
    assert office.event_state(event) == ("waiting", True)
    request = office.asked()
    assert office.approve(request)
    with pytest.raises(NotAwaiting):
        office.approve(request, "paul")
    assert office.posts().count("/v1/invoices") == 1
    assert office.event_state(event) == ("done", False)
    (row,) = office.rows("SELECT status FROM approvals")
    assert row["status"] == "used"


def test_a_plan_that_changed_by_one_byte_is_refused_with_the_difference(office: Office) -> None:
    """Shown 42.00, planned anew as 42.01: the old digest approves nothing; the new one does."""
    event = office.deal(1, 4200)
    before = office.asked()
    office.says(event, f"4201@{office.customer}")
    with pytest.raises(ShownChanged) as changed:
        office.approve(before)
    places = {one["field"]: (one["shown"], one["now"]) for one in changed.value.difference}
    assert places["body.items.0.amount_minor"] == (4200, 4201)
    assert office.posts() == []
    assert office.approve(office.asked())
    assert office.states() == {"stripe:deal:1:invoice": "confirmed"}
    assert [one["status"] for one in office.rows("SELECT status FROM approvals ORDER BY id")] == ["void", "used"]


def test_a_digest_that_was_never_shown_approves_nothing(office: Office) -> None:
    """Also when it looks like one; and a write that is not there is said to be."""
    office.deal(1, 4200)
    request = office.asked()
    with pytest.raises(ShownChanged):
        office.approve({**request, "digest": "0" * 64})
    with pytest.raises(WriteNotFound):
        office.approve({**request, "write_id": request["id"]})
    assert office.states() == {"stripe:deal:1:invoice": "awaiting_approval"}


def test_a_large_amount_needs_two_different_people(office: Office) -> None:
    """One person twice is one person, however the name is written."""
    event = office.deal(1, 1_000_000)
    request = office.asked()
    assert not office.approve(request, "Ines")
    for same in ("Ines", "ines"):
        with pytest.raises(VotedAlready):
            office.approve(request, same)
    assert office.posts() == []
    assert office.event_state(event) == ("waiting", True)
    assert office.approve(request, "paul")
    assert office.states() == {"stripe:deal:1:invoice": "confirmed"}


def test_one_no_is_enough_also_after_a_yes_of_the_same_person(office: Office) -> None:
    """The event ends without the write, with name and reason; nothing was sent."""
    event = office.deal(1, 1_000_000)
    request = office.asked()
    office.approve(request, "ines")
    office.reject(request, "ines")
    assert office.states() == {"stripe:deal:1:invoice": "rejected"}
    assert office.event_state(event) == ("ignored", False)
    assert {one["status"] for one in office.rows("SELECT status FROM cases")} == {"resolved"}
    assert office.posts() == []


def test_the_editor_cannot_approve_somebody_else_can(office: Office) -> None:
    """An edit voids the request; what is sent is what was edited; evidence and audit name the editor."""
    office.deal(1, 4200)
    old = office.asked()
    edit(office, old, an_invoice_of(old, 3900), amount_minor=3900, currency="EUR")
    with pytest.raises(ShownChanged):
        office.approve(old)
    new = office.asked()
    for same in ("ed", "Ed"):
        with pytest.raises(EditorMayNot):
            office.approve(new, same)
    assert office.approve(new)
    invoice = office.stripe.get("invoices")["data"][0]
    assert invoice["amount_due"] == 3900
    (write,) = office.rows("SELECT action, amount_minor FROM writes")
    assert write["amount_minor"] == 3900
    (change,) = write["action"]["evidence"]["edits"]
    assert (change["by"], change["reason"]) == ("ed", "a discount")
    assert {"field": "items.0.amount_minor", "shown": 4200, "now": 3900} in change["difference"]
    assert office.rows("SELECT 1 AS one FROM audit_entries WHERE action = 'write.edited' AND actor = 'ed'")


def test_nobody_who_ever_edited_it_approves_it(office: Office) -> None:
    """Two edits by two people: a third one is needed, also after the target was shown again."""
    office.deal(1, 4200)
    for who, amount in (("ed", 3900), ("eve", 3800)):
        request = office.asked()
        edit(office, request, an_invoice_of(request, amount), who, amount_minor=amount, currency="EUR")
    request = office.asked()
    for who in ("ed", "eve"):
        with pytest.raises(EditorMayNot):
            office.approve(request, who)
    assert office.approve(request)


def test_whoever_corrected_the_payload_edited_the_action(office: Office) -> None:
    """A plan made of a person's copy of the event is that person's edit as much."""
    event = office.deal(1, 4200)
    office.says(event, f"9900@{office.customer}", author="ed")
    with pytest.raises(EditorMayNot):
        office.approve(office.asked(), "ed")
    assert office.approve(office.asked())


def test_a_correction_of_a_correction_is_of_both(office: Office) -> None:
    """Given a first copy that no plan was made of, a second person mends what is left: neither of the two approves."""
    event = office.deal(1, 4200)
    office.do(
        "INSERT INTO payloads (event_id, version, body, author, reason) SELECT event_id, 1, body, 'Ed', 'half of it'"
        " FROM payloads WHERE event_id = %s",
        event,
    )
    office.do("UPDATE events SET payload_version = 1 WHERE id = %s", event)
    office.says(event, f"9900@{office.customer}", author="eve")
    request = office.asked()
    for who in ("ed", "eve"):
        with pytest.raises(EditorMayNot):
            office.approve(request, who)
    assert office.approve(request)


def test_an_edit_is_held_against_the_destinations_rules(office: Office) -> None:
    """What Stripe would never take, an amount that is not the body's, no change, any shape: refused, nothing stored."""
    office.deal(1, 4200)
    request = office.asked()
    body = request["shown"]["body"]
    for wrong, amount in (
        ({**body, "due_days": 0}, {}),
        (an_invoice_of(request, 3900), {}),
        (an_invoice_of(request, 3900), {"amount_minor": 3900, "currency": "USD"}),
        (an_invoice_of(request, 3900), {"amount_minor": 3900, "currency": "XXX"}),
        (body, {}),
        ({}, {}),
        ({"items": [None], "customer": [], "currency": {}, "due_days": "x"}, {}),
    ):
        with pytest.raises(ActionRefused):
            edit(office, request, wrong, **amount)
    assert office.asked()["id"] == request["id"]


def test_an_edit_past_the_second_amount_needs_two(office: Office) -> None:
    """The policy is asked again; and what needed two people still does when it is made smaller."""
    office.deal(1, 4200)
    request = office.asked()
    edit(office, request, an_invoice_of(request, 2_000_000), amount_minor=2_000_000, currency="EUR")
    request = office.asked()
    assert request["needed"] == request["shown"]["people_needed"] == 2
    edit(office, request, an_invoice_of(request, 100), "eve", amount_minor=100, currency="EUR")
    request = office.asked()
    assert not office.approve(request, "ines")
    assert office.approve(request, "paul")


def test_an_edit_names_no_other_record(office: Office) -> None:
    """What was looked at, and is shown as standing before, is the record that was planned."""
    office.hubspot.make("companies", name="Acorn", stripe_customer_id="cus_5", plan="basic")
    office.event("company.propertyChange", 5, "pro")
    request = office.asked()
    body = request["shown"]["body"]
    other = json.loads(json.dumps(body).replace("cus_5", "cus_6"))
    assert other != body
    with pytest.raises(ActionRefused, match="another record"):
        edit(office, request, other)


def test_a_replay_of_an_edited_write_is_no_other_content(office: Office) -> None:
    """The plan says what it said; that a person wrote something else instead is known."""
    event = office.deal(1, 4200)
    request = office.asked()
    edit(office, request, an_invoice_of(request, 3900), amount_minor=3900, currency="EUR")
    office.again(event)
    assert office.asked()["edited_by"] == "ed"
    office.approve(office.asked())
    office.again(event)
    assert office.event_state(event) == ("done", False)
    assert office.posts().count("/v1/invoices") == 1


def test_silence_expires_as_not_approved(office: Office) -> None:
    """Nobody answers: the write is not made, the event ends and says so; a late yes finds nothing to approve."""
    event = office.deal(1, 4200)
    request = office.asked()
    office.run_out(request)
    with pytest.raises(NotAwaiting):
        office.approve(request)
    assert office.sweep() == {"expired": 1, "asked_again": 0}
    office.work()
    assert office.states() == {"stripe:deal:1:invoice": "expired"}
    assert office.event_state(event) == ("ignored", False)
    assert office.sweep() == {"expired": 0, "asked_again": 0}
    assert office.posts() == []


def test_after_silence_a_replay_asks_again(office: Office) -> None:
    """And nothing but a yes lets it through."""
    event = office.deal(1, 4200)
    office.run_out(office.asked())
    office.sweep()
    office.again(event)
    assert office.states() == {"stripe:deal:1:invoice": "awaiting_approval"}
    assert office.approve(office.asked())
    assert office.states() == {"stripe:deal:1:invoice": "confirmed"}


def test_a_yes_that_was_not_used_in_time_is_asked_for_again(office: Office) -> None:
    """Approved while Stripe is paused, for longer than the request would have held: shown and asked about again."""
    event = office.deal(1, 4200)
    request = office.asked()
    office.do("INSERT INTO pauses (scope, name, reason, paused_by) VALUES ('destination', 'stripe', 'x', 'ops')")
    office.approve(request)
    assert office.event_state(event) == ("waiting", False)
    office.run_out(request)
    office.do("DELETE FROM pauses")
    office.work()
    assert office.posts() == []
    assert office.sweep() == {"expired": 0, "asked_again": 1}
    assert office.event_state(event) == ("waiting", True)
    again = office.asked()
    assert (again["digest"], again["id"] != request["id"]) == (request["digest"], True)
    assert office.approve(again)
    assert office.event_state(event) == ("done", False)


def test_an_approval_is_bound_to_the_record_as_it_was_shown(office: Office) -> None:
    """Somebody edits the company at HubSpot after it was shown: it is shown again, by as many people as before."""
    made = office.hubspot.make("companies", name="Acorn", stripe_customer_id="cus_5", plan="basic")
    office.event("company.propertyChange", 5, "pro")
    first = office.asked()
    assert first["shown"]["before"]["fields"] == {"plan": "basic"}
    office.hubspot.by_hand("edit", "companies", made, properties={"plan": "gold"})
    office.hubspot.clock.advance(60)
    office.approve(first)
    second = office.asked()
    assert second["rule"] == "target_changed"
    assert second["shown"]["before"]["fields"] == {"plan": "gold"}
    assert office.states() == {"hubspot:company:5:plan": "awaiting_approval"}
    (company,) = [one for one in office.hubspot.records("companies") if one["id"] == made]
    assert company["properties"]["plan"] == "gold"
    office.approve(second)
    (company,) = [one for one in office.hubspot.records("companies") if one["id"] == made]
    assert company["properties"]["plan"] == "pro"


def test_a_no_takes_the_rest_of_the_plan_with_it(office: Office) -> None:
    """Two entries of one plan, one of them waits: neither is made without a yes, both with it."""
    event = office.event(BOOKS, 7, "100000")
    assert office.states() == {"books:ticket:7:main": "awaiting_approval", "books:ticket:7:fee": "planned"}
    office.reject(office.asked())
    assert office.states() == {"books:ticket:7:main": "rejected", "books:ticket:7:fee": "superseded"}
    assert office.event_state(event) == ("ignored", False)
    office.event(BOOKS, 8, "100000")
    office.approve(office.asked())
    assert {one for key, one in office.states().items() if ":8:" in key} == {"confirmed"}
    assert len(office.rows("SELECT 1 AS one FROM books_entries")) == 2


def test_what_was_rejected_is_asked_about_even_when_it_became_small(office: Office) -> None:
    """Planned anew as an amount that the policy lets pass: people said no to this key, so people say yes to it."""
    event = office.event(BOOKS, 7, "100000")
    office.reject(office.asked())
    office.says(event, "500")
    assert office.asked("books:ticket:7:main")["rule"] == "asked_before"
    assert not office.rows("SELECT 1 AS one FROM books_entries")


def test_the_same_plan_after_a_no_makes_no_part_of_itself(office: Office) -> None:
    """Replayed unchanged, what was rejected stays rejected, and what went with it stays away too."""
    event = office.event(BOOKS, 7, "100000")
    office.reject(office.asked())
    office.again(event)
    assert office.states() == {"books:ticket:7:main": "rejected", "books:ticket:7:fee": "superseded"}
    assert office.event_state(event) == ("ignored", False)
    assert not office.rows("SELECT 1 AS one FROM books_entries")


def test_many_at_once_each_under_its_own_digest(office: Office) -> None:
    """One whose plan changed is refused with the difference; the others are approved."""
    events = [office.deal(number, 4200 + number) for number in range(4)]
    shown = [office.asked(f"stripe:deal:{number}:invoice") for number in range(4)]
    office.says(events[2], f"9900@{office.customer}")
    with office.conn.transaction():
        found = approvals.approve_many(
            office.conn, [(one["write_id"], one["digest"]) for one in shown], who="ines", reason="all alike"
        )
    office.work()
    assert [one.outcome for one in found] == ["approved", "approved", "refused", "approved"]
    assert {"field": "body.items.0.amount_minor", "shown": 4202, "now": 9900} in found[2].difference
    assert list(office.states().values()).count("confirmed") == 3
    assert office.posts().count("/v1/invoices") == 3


def test_a_request_that_is_answered_while_the_sweeper_looks_stays_answered(office: Office, database_url: str) -> None:
    """Whoever holds the event is not waited for; the next sweep sees what came of it."""
    office.deal(1, 4200)
    request = office.asked()
    office.run_out(request)
    with database.connect() as other, other.transaction():
        other.execute("SELECT 1 FROM events FOR UPDATE")
        assert office.sweep() == {"expired": 0, "asked_again": 0}
    assert office.sweep() == {"expired": 1, "asked_again": 0}
