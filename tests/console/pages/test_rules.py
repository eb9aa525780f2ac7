"""Rules as pages: from a correction to a rule that a second person agrees to, and back."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from fixing import CATEGORY, PROD, PRODUCT, a_fix, an_invoice, event_state, rows, work
from pages import Visitor

from console.pages import rules_form
from counterfoil import database
from exceptions_queue import replay

Connection = database.Connection
Visiting = Callable[..., Visitor]
PLACE = "data.object.lines.data.0.metadata.revenue_category"


def test_from_an_event_to_a_rule_and_its_replay(visitor: Visiting, conn: Connection) -> None:
    """An event fills the form in; it shows what it would clear; another person approves, and it goes through."""
    event_id = an_invoice(conn)
    an_invoice(conn, off=1)
    work()
    rhea = visitor("rhea", "owner")
    filled = rhea.get(_rule_of(rhea, conn, event_id))
    fields = filled.fields("/rules/new")
    wanted = {"shape": "category", "product": PROD, "standing": "Consulting", "category": "services", "layout": "now"}
    assert {name: fields[name][0] for name in wanted} == wanted
    looks = rows(conn, "SELECT detail FROM audit_entries WHERE action = 'data.revealed' AND actor = 'rhea'")
    assert "to make a rule of it" in looks[-1]["detail"]

    said = {name: values[0] for name, values in fields.items()}
    seen = rhea.send("/rules/new", {**said, "do": "look"})
    assert "Clears 1 of 2 blocked events in 2 cases" in seen.text
    assert rows(conn, "SELECT 1 AS one FROM fixes") == []
    made = rhea.send("/rules/new", {**said, "do": "propose", "reason": "they always mean that"})
    assert made.promised.startswith("Proposed.")

    own = rhea.follow(made)
    assert (own.h1, "somebody else has to approve it" in own.text) == (f"Product {PROD} is services", True)
    assert own.forms(f"{made.to}/approve") == []
    agreed = visitor("marek", "approver").post(f"{made.to}/approve", reason="yes", replay="true")
    assert agreed.to.startswith("/replays/")
    with database.transaction() as other:
        replay.advance(other)
    work()
    assert event_state(conn, event_id) == "done"

    gone = rhea.post(f"{made.to}/withdraw", reason="they changed it")
    assert "What was written by it stands" in gone.promised
    assert "withdrawn" in rhea.get("/rules").texts("td[data-name=State]")[0]


def _rule_of(rhea: Visitor, conn: Connection, event_id: UUID) -> str:
    """She corrects the payload on its case, tries that, and is offered to make it a rule: where that leads."""
    (found,) = rows(
        conn,
        "SELECT e.case_id, p.body FROM events e JOIN payloads p ON p.event_id = e.id WHERE e.id = %s",
        event_id,
    )
    path = f"/cases/{found['case_id']}"
    corrected = found["body"].replace('"Consulting"', '"services"')
    tried = rhea.post(
        f"{path}/edit", on=f"{path}?edit={event_id}", payload=corrected, do="try", reason="so", event_id=str(event_id)
    )
    (link,) = tried.links("/rules/new")
    assert link == f"/rules/new?event={event_id}&path={PLACE}&value=services"
    return link


def test_who_may_not_is_shown_no_button_and_refused(visitor: Visiting, conn: Connection) -> None:
    """A viewer reads; an author does not approve; an approver does not propose."""
    fix_id = a_fix(conn, active=False)
    viewer, author = visitor("vera", "viewer"), visitor("rhea", "owner", "approver")
    assert viewer.get(f"/rules/{fix_id}").all("main form") == []
    for verb in ("approve", "withdraw"):
        assert viewer.post(f"/rules/{fix_id}/{verb}", reason="so").status == 403
    assert viewer.get("/rules/new").status == 403
    digest = rows(conn, "SELECT digest FROM fixes")[0]["digest"]
    refused = author.post(f"/rules/{fix_id}/approve", reason="mine", digest=digest)
    assert (refused.status, "another person has to approve it" in refused.text) == (409, True)
    assert rows(conn, "SELECT status FROM fixes") == [{"status": "proposed"}]


WRONG = [
    ({"shape": "category", "category": "services"}, "product"),
    ({"shape": "country", "customer": "cus_1", "country": "Germany"}, "two letters"),
    ({"shape": "other", "types": "invoice.paid", "when": "data.object.customer", "set": "a = b"}, "path = value"),
    (
        {
            "shape": "other",
            "types": "invoice.paid",
            "when": "data.object.customer = c\ndata.object.total = 1",
            "set": "data.object.total = 2",
        },
        "a rule never raises what is written",
    ),
]


def test_what_cannot_be_a_rule_is_said_where_it_was_typed(visitor: Visiting, conn: Connection) -> None:
    """The form again, with what was typed and what is wrong with it."""
    an_invoice(conn)
    rhea = visitor("rhea", "owner")
    csrf = rhea.get("/rules/new").fields("/rules/new")["csrf"][0]
    for fields, says in WRONG:
        answer = rhea.send("/rules/new", {"csrf": csrf, "source": "stripe", "do": "propose", "reason": "so", **fields})
        assert answer.status in (400, 422)
        assert says in answer.text
        kept = answer.fields("/rules/new")
        assert all(kept[name] == [value] for name, value in fields.items() if name in kept and name != "category")


def test_hostile_words_do_no_harm(visitor: Visiting, conn: Connection) -> None:
    """Text of a rule is text on its page; a page weighs little; another state is said in words."""
    evil = "<script>alert(1)</script>"
    fix_id = a_fix(conn, {PRODUCT: evil, CATEGORY: None}, {CATEGORY: "services"})
    viewer = visitor("vera", "viewer")
    for page in (viewer.get(f"/rules/{fix_id}"), viewer.get("/rules")):
        assert "<script>alert" not in page.html
        assert evil in page.text
        assert len(page.html) < 150_000
    assert "No rule" in viewer.get("/rules", status="withdrawn").text


@pytest.mark.parametrize("value", [None, True, False, 12, -3, "12", "missing", "null", "true", "a = b", '"quoted"'])
def test_a_value_is_read_as_it_is_shown(value: Any) -> None:
    """12 and "12" are two values, in the form too."""
    text = rules_form.lines_of({"data.object.x": value})
    assert rules_form.content({"types": "a", "when": text, "set": "p = q"})["when"] == {"data.object.x": value}


def test_what_an_event_cannot_tell_is_left_empty() -> None:
    """No document, no such place, a number in the place: no guess."""
    assert rules_form.suggested("stripe", "t", "{", PLACE, "x") == {"source": "stripe", "types": "t"}
    body = '{"data": {"object": {"customer": "cus_1", "lines": {"data": []}, "x": [{"y": 12}]}}}'
    assert "shape" not in rules_form.suggested("stripe", "t", body, PLACE, "x")
    assert rules_form.suggested("stripe", "t", body, "data.object.x." + "9" * 5000, "x")["customer"] == "cus_1"
    found = rules_form.suggested("stripe", "t", body, "data.object.x.0.y", "z")
    assert found["when"] == "data.object.customer = cus_1\ndata.object.x[].y = missing"
    country = rules_form.suggested("stripe", "t", body, "data.object.customer_address.country", "DE")
    assert (country["shape"], country["customer"], country["country"]) == ("country", "cus_1", "DE")
