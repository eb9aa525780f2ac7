"""Approvals as pages: exactly what is shown is approved, by people who may, once; changed in between is said."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import Office, an_office
from pages import WHY, Visitor

from counterfoil.database import Connection

Sign = Callable[..., Visitor]


@pytest.fixture
def office(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Office]:
    """An office in which people are asked before anything is written."""
    with an_office(conn, monkeypatch, tmp_path) as made:
        yield made


def asked(office: Office, number: int = 1, amount_minor: int = 4200) -> str:
    """The page of a draft invoice that waits."""
    office.deal(number, amount_minor)
    return f"/approvals/{office.asked(f'stripe:deal:{number}:invoice')['write_id']}"


def test_a_request_is_shown_as_a_person_would_say_it(visitor: Sign, office: Office) -> None:
    """The action in lines, before and after, why, how it is undone, what goes with it; looking is remembered."""
    path, marek = asked(office), visitor("marek", "approver")
    assert path in marek.get("/approvals").links("/approvals/")
    assert "No" not in marek.get("/approvals", destination="stripe").texts(".empty-title")
    seen = marek.get(path)
    assert "Create a draft invoice" in seen.h1
    assert "42.00 EUR" in seen.h1
    assert "Undone:" in seen.text
    assert "There is no such record yet" in seen.text
    assert seen.links("/events/")
    revealed = office.rows("SELECT actor, subject FROM audit_entries WHERE action = 'data.revealed'")
    assert revealed == [{"actor": "marek", "subject": f"write:{path.rsplit('/', 1)[1]}"}]


def test_who_may_not_see_personal_data_sees_that_something_waits(visitor: Sign, office: Office) -> None:
    """A viewer gets title, amount and state, neither the action nor a button; looking is not recorded."""
    path = asked(office)
    shown = office.asked()["shown"]
    seen = visitor("vera", "viewer").get(path)
    assert seen.status == 200
    assert shown["lines"][0] not in seen.text
    assert office.customer not in seen.html
    assert seen.all("main form[method=post]") == []
    assert office.rows("SELECT 1 FROM audit_entries WHERE action = 'data.revealed'") == []


def test_a_yes_is_to_exactly_what_was_shown(visitor: Sign, office: Office) -> None:
    """Approved once, pressed twice; sent once; the page says who said yes."""
    path, marek = asked(office), visitor("marek", "approver")
    fields = marek.get(path).fields(f"{path}/approve") | {"reason": "as agreed"}
    assert marek.send(f"{path}/approve", fields).promised == "Approved; it is sent now."
    assert marek.send(f"{path}/approve", fields).status == 303
    office.work()
    assert office.posts().count("/v1/invoices") == 1
    seen = marek.get(path)
    assert "Marek Books said yes" in seen.text
    assert "It was sent under this approval." in seen.text
    assert not seen.forms(f"{path}/approve")


def test_what_changed_since_somebody_looked_is_shown(visitor: Sign, office: Office) -> None:
    """Given a request that another person edits meanwhile, the yes is a 409 that shows both."""
    path, marek, otto = asked(office), visitor("marek", "approver"), visitor("otto", "approver")
    fields = marek.get(path).fields(f"{path}/approve") | {"reason": "as agreed"}
    action = json.loads(otto.get(path).fields(f"{path}/edit")["action"][0])
    action["description"] = "Corrected by hand"
    changed = otto.post(f"{path}/edit", action=json.dumps(action), reason=WHY)
    assert changed.promised == "Changed. Another person has to approve it now."
    seen = marek.send(f"{path}/approve", fields)
    assert seen.status == 409
    assert "What changed since you looked" in seen.text
    assert "Corrected by hand" in seen.texts("[aria-labelledby=changed] ins")
    assert office.posts() == []

    editor = otto.get(path)
    assert "you cannot approve it" in editor.text
    assert not editor.forms(f"{path}/approve")
    by_hand = {**fields, "csrf": editor.fields("/sign-out")["csrf"], "digest": office.asked()["digest"], "key": "1"}
    assert otto.send(f"{path}/approve", by_hand).status == 409
    assert marek.post(f"{path}/approve", reason=WHY).status == 303
    office.work()
    assert office.posts().count("/v1/invoices") == 1


def test_a_change_that_cannot_be_is_refused_in_words(visitor: Sign, office: Office) -> None:
    """No JSON, another record, nothing changed, an amount that is none: what was typed stays."""
    path, otto = asked(office), visitor("otto", "approver")
    body: dict[str, Any] = office.asked()["shown"]["body"]
    for action, more in (
        ("{", {}),
        (json.dumps(body), {}),
        (json.dumps({**body, "description": "x"}), {"amount": "many"}),
        (json.dumps({**body, "description": "x"}), {"amount": "1.005"}),
        (json.dumps({**body, "description": "x"}), {"currency": "???"}),
        (json.dumps({"anything": 1}), {}),
        ("[]", {}),
    ):
        seen = otto.post(f"{path}/edit", action=action, reason=WHY, **more)
        assert seen.status in (400, 422), action
        assert seen.all(".problem")
        assert seen.fields(f"{path}/edit")["action"][0].strip() == action


def test_a_no_needs_a_reason_and_ends_it(visitor: Sign, office: Office) -> None:
    """Without a reason it is a 400; with one, nothing is made."""
    path, marek = asked(office), visitor("marek", "approver")
    assert marek.post(f"{path}/reject", reason="").status == 400
    assert marek.post(f"{path}/reject", reason="not agreed").status == 303
    office.work()
    assert office.posts() == []
    assert "Marek Books said no" in marek.get(path).text


def test_a_large_amount_needs_two_people_who_prove_who_they_are(
    visitor: Sign, office: Office, conn: Connection
) -> None:
    """Above the limit a session that is not fresh is sent to show it once more; then two different people."""
    path = asked(office, amount_minor=10_000_000)
    marek, ines = visitor("marek", "approver"), visitor("ines", "approver")
    office.do("UPDATE sessions SET reauthenticated_at = now() - interval '1 hour'")
    sent = marek.post(f"{path}/approve", reason=WHY)
    assert (sent.status, sent.to) == (303, f"/sign-in/again?next={path.replace('/', '%2F')}")
    assert office.rows("SELECT 1 FROM approval_votes") == []
    office.do("UPDATE sessions SET reauthenticated_at = now()")
    assert "another person has to approve it too" in marek.post(f"{path}/approve", reason=WHY).promised
    assert "You have answered" in marek.get(path).text
    assert marek.post(f"{path}/approve", reason=WHY, digest=office.asked()["digest"]).status == 409
    assert ines.post(f"{path}/approve", reason=WHY).promised == "Approved; it is sent now."
    office.work()
    assert office.posts().count("/v1/invoices") == 1


def test_an_approver_of_another_place_is_refused(visitor: Sign, office: Office) -> None:
    """The grant covers a source; the page says that it is not theirs, and the form by hand is a 403."""
    path, otto = asked(office), visitor("otto", "approver@stripe")
    seen = otto.get(path)
    assert "Not yours to decide" in seen.text
    digest = office.asked()["digest"]
    for verb in ("approve", "reject", "edit"):
        assert otto.post(f"{path}/{verb}", digest=digest, action="{}").status == 403
    assert visitor("rhea", "owner").post(f"{path}/approve", digest=digest).status == 403
