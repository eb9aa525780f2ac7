"""Lines whose revenue neither metadata nor price tells: judged by their words, and one open line holds the entry."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from both_accounts import NOON, Both, both_accounts
from judged import a_quick_judge
from sqlmodel import Session

from console.queries import judgement
from contracts import questions
from contracts.answers import Item
from contracts.base import find
from contracts.money import Money
from counterfoil import database, failpoints
from counterfoil.database import Connection
from engine import NeedsPerson
from engine.registry import HandlerSpec
from engine.registry import find as find_handlers
from exceptions_queue.refusals import EventRunning
from judgement import asking, decisions, settling
from sandbox.invoices import Item as Sold
from sandbox.invoices import paid_invoice

WORKSHOP = "Onboarding workshop, two days"


def _spec() -> HandlerSpec:
    spec = find_handlers("handlers").find("stripe", "invoice.paid")
    assert spec is not None
    return spec


def _told(number: int, *sold: Sold, customer: str = "Acorn") -> dict[str, Any]:
    """An invoice of these lines, and nothing that only HubSpot would want."""
    event = paid_invoice(number, customer=customer, currency="eur", items=list(sold), created=NOON, tax_percent=19)
    event["data"]["object"]["customer_email"] = None
    return event


def _untold(number: int, words: str = WORKSHOP, *, customer: str = "Acorn") -> dict[str, Any]:
    return _told(number, Sold("5 × Team plan", 14_500), Sold(words, 80_000, recurring=False), customer=customer)


def _twin(event: dict[str, Any]) -> dict[str, Any]:
    """The other event that Stripe sends about the same payment."""
    return event | {"id": f"{event['id']}_twin", "type": "invoice.payment_succeeded"}


def _checked(event: dict[str, Any]) -> Any:
    return find("stripe", event["type"], event["api_version"], event).check(event)


def _items(event: dict[str, Any]) -> list[Item]:
    return list(_spec().asks["category"].items(_checked(event), {}))


def test_a_line_that_tells_nothing_is_asked_about_by_its_words() -> None:
    """That line only; with whose it is, and what it earns."""
    (item,) = _items(_untold(1))
    assert (item.ref, item.fields) == ("il_demo0000011", {"description": WORKSHOP})
    assert (item.counterparty, item.amount) == ("cus_demoacorn", Money(80_000, "EUR"))


def test_names_that_came_with_the_line_are_part_of_the_question() -> None:
    """An expanded product has a name, a price a nickname; whatever is no text says nothing."""
    event = _untold(1)
    line = event["data"]["object"]["lines"]["data"][1]
    line["pricing"]["price_details"] = {"product": {"id": "prod_1", "name": " Workshop "}, "price": {"nickname": 7}}
    assert _items(event)[0].fields == {"description": WORKSHOP, "product": "Workshop"}


@pytest.mark.parametrize("by", ["metadata", "price", "product"])
def test_what_metadata_names_is_not_asked_about(by: str) -> None:
    """Of the line, its price or its product."""
    event, named = _untold(1), {"metadata": {"revenue_category": "services"}}
    line = event["data"]["object"]["lines"]["data"][1]
    if by == "metadata":
        line |= named
    else:
        line["pricing"]["price_details"][by] = {"id": "x", **named}
    assert _items(event) == []


def test_the_entry_tells_what_each_line_was_booked_as() -> None:
    """Also once a person put it on another account; one that several categories or none book on tells nothing."""
    ask, context = (
        _spec().asks["category"],
        {"category": {"il_demo0000011": {"label": "services", "by": "local", "decision": "d", "confidence": 1.0}}},
    )
    assert ask.told is not None
    body = _spec().function(_checked(_untold(1)), context).effects[0].body  # type: ignore[union-attr]
    assert ask.told(body)["il_demo0000011"] == "services"
    (line,) = (each for each in body["lines"] if each["memo"] == "il_demo0000011")
    for account, label in (("Income:Usage", "usage"), ("Income:CreditNotes", None)):
        line["account"] = account
        assert ask.told(body).get("il_demo0000011") == label


def test_lines_that_earn_nothing_are_not_asked_about() -> None:
    """No posting, no question."""
    assert _items(_told(1, Sold("Team plan", 100), Sold("Goodwill", 0, recurring=False))) == []


def test_an_invoice_that_is_a_persons_anyway_is_not_asked_about() -> None:
    """What cannot be booked needs no category."""
    event = _untold(1)
    event["data"]["object"]["amount_overpaid"] = 1
    assert _items(event) == []


def test_a_line_without_words_is_a_persons() -> None:
    """Whoever answers would have nothing to go by, and what they said would stand for every nameless line."""
    event = _untold(1)
    event["data"]["object"]["lines"]["data"][1]["description"] = " "
    assert _items(event) == []
    outcome = _spec().function(_checked(event), {"category": {}})
    assert isinstance(outcome, NeedsPerson)
    assert (outcome.failure_class, "revenue_category" in outcome.reason) == ("context_missing", True)


def test_none_of_the_categories_is_a_persons() -> None:
    """It is not booked on an account for everything else."""
    outcome = _spec().function(_checked(_untold(1)), {"category": {"il_demo0000011": {"label": None}}})
    assert isinstance(outcome, NeedsPerson)
    assert outcome.amount == Money(112_455, "EUR")


@pytest.fixture
def both(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Both]:
    """Both accounts, and a judge that knows the labels' descriptions."""
    with a_quick_judge(monkeypatch), both_accounts(conn, monkeypatch, tmp_path) as made:
        yield made


def _decisions(both: Both) -> list[dict[str, Any]]:
    return both.rows("SELECT id, event_id, status, tier, label, why, precedents FROM decisions ORDER BY id")


def _say(both: Both, decision: UUID, label: str | None) -> bool:
    with both.conn.transaction():
        return settling.correct(both.conn, decision, label, who="Rhea", reason="it is in the offer")


def _statuses(both: Both) -> list[str]:
    return [row["status"] for row in both.rows("SELECT status FROM events ORDER BY id")]


def _income(both: Both) -> list[tuple[str, int]]:
    rows = both.rows("SELECT account, amount_minor FROM books_lines WHERE account LIKE 'Income:%%' ORDER BY position")
    return [(row["account"], row["amount_minor"]) for row in rows]


def test_one_open_line_holds_the_entry_until_a_person_says_what_it_is(both: Both) -> None:
    """Nothing of the invoice is booked, what it does tell included; then all of it, with who decided."""
    both.hear("stripe", _untold(1))
    assert _statuses(both) == ["waiting"]
    assert both.writes() == {}
    (case,) = both.rows("SELECT failure_class, handler FROM cases")
    assert (case["failure_class"], case["handler"]) == ("low_confidence", "invoice_paid")

    (asked,) = _decisions(both)
    assert _say(both, asked["id"], "services")
    both.work()
    assert _statuses(both) == ["done"]
    assert _income(both) == [("Income:Subscriptions", -14_500), ("Income:Services", -80_000)]
    (write,) = both.rows("SELECT action -> 'evidence' -> 'lines' AS lines FROM writes WHERE destination = 'books'")
    told, judged = write["lines"]
    assert (told["category"], "decision" in told) == ("subscription", False)
    assert (judged["category"], judged["by"], judged["decision"]) == ("services", "person", str(asked["id"]))
    assert WORKSHOP not in json.dumps(write["lines"])

    # The same customer's next invoice with these words is booked by itself, and says by which answer.
    both.hear("stripe", _untold(2, "onboarding workshop (two days)"))
    assert _statuses(both) == ["done", "done"]
    repeated = _decisions(both)[1]
    assert (repeated["tier"], repeated["status"], repeated["label"]) == ("repeat", "committed", "services")
    assert repeated["precedents"][0]["author"] == "Rhea"

    # Of somebody new nobody has decided anything: however sure the words are, it is asked.
    both.hear("stripe", _untold(3, customer="Cobalt"))
    assert _statuses(both) == ["done", "done", "waiting"]


def test_a_decision_is_on_record_before_anything_acts_on_it(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others see it while its event is still being walked: whoever dies then has decided, and paid, once."""
    seen: list[int] = []

    def look(point: str) -> None:
        if point == "run.classified":
            with database.connect() as other:
                seen.append(len(other.execute("SELECT 1 AS one FROM decisions").fetchall()))

    monkeypatch.setattr(failpoints, "passing", look)
    both.hear("stripe", _untold(1))
    assert seen[-1] == 1


@pytest.mark.parametrize("together", [True, False])
def test_the_twins_of_a_payment_are_asked_about_once(both: Both, together: bool) -> None:
    """One decision, one answer, one entry: whether they come at once or one after the other."""
    first = _untold(1)
    if together:
        both.hear("stripe", first, _twin(first))
    else:
        both.hear("stripe", first)
        both.hear("stripe", _twin(first))
    assert _statuses(both) == ["waiting", "waiting"]
    (asked,) = _decisions(both)
    assert _say(both, asked["id"], "services")
    both.work()
    assert _statuses(both) == ["done", "done"]
    assert _income(both) == [("Income:Subscriptions", -14_500), ("Income:Services", -80_000)]
    assert [row["status"] for row in both.rows("SELECT status FROM cases")] == ["resolved"]
    assert len(_decisions(both)) == 1


def test_twins_that_judge_at_the_same_moment_make_one_decision(both: Both) -> None:
    """Neither has seen the other's yet: the second finds its place taken, and both wait for the same answer."""
    first = _untold(1)
    events = both.record("stripe", [first, _twin(first)])
    question, (item,) = questions.find()["revenue_category"], _items(first)
    asked = [decisions.Asked(each, 0, "invoice_paid", _checked(first).facts) for each in events]
    with database.connect(autocommit=True) as conn:
        for one in asked:
            decisions.record(conn, one, question, asking._judge_all(conn, one, question, [item])[0])
        assert len(_decisions(both)) == 1
        found = [asking.ask(conn, one, question, [item])[1][0].decision_id for one in asked]
    assert found == [_decisions(both)[0]["id"]] * 2


def test_each_twin_shows_what_is_asked_for_both(both: Both) -> None:
    """Whoever looks at either finds the open line, and a case of either lists it."""
    first = _untold(1)
    both.hear("stripe", first, _twin(first))
    (asked,) = _decisions(both)
    with Session(database.engine()) as session:
        for row in both.rows("SELECT id FROM events"):
            assert [one.id for one in judgement.of_event(session, row["id"])] == [asked["id"]]
            assert [one.id for one in judgement.open_of(session, [row["id"]])] == [asked["id"]]


def test_a_twin_that_comes_late_finds_the_answer(both: Both) -> None:
    """Settled and booked before it came: it is done, and nobody hears of it."""
    both.hear("stripe", _untold(1))
    _say(both, _decisions(both)[0]["id"], "services")
    both.work()
    both.hear("stripe", _twin(_untold(1)))
    assert _statuses(both) == ["done", "done"]
    assert len(_decisions(both)) == 1


def test_a_twin_that_is_under_way_is_not_answered_behind_its_back(both: Both) -> None:
    """It may have looked before the answer came, and would wait for ever for one that is there."""
    first = _untold(1)
    both.hear("stripe", first, _twin(first))
    (asked,) = _decisions(both)
    both.conn.execute("UPDATE events SET status = 'running' WHERE id <> %s", (asked["event_id"],))
    both.conn.commit()
    with pytest.raises(EventRunning):
        _say(both, asked["id"], "services")
    assert _decisions(both)[0]["status"] == "asked"


def test_a_twin_asks_anew_what_an_edit_left_behind(both: Both) -> None:
    """The first event was corrected and waits for nothing any more; what its twin waits for is shown with the twin."""
    both.hear("stripe", _untold(1))
    (asked,) = _decisions(both)
    both.conn.execute("UPDATE events SET status = 'done', due_at = NULL, case_id = NULL")
    both.conn.commit()
    twin = both.hear("stripe", _twin(_untold(1)))
    (again,) = _decisions(both)
    assert (again["id"], again["event_id"]) == (asked["id"], twin)
