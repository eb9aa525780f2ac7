"""My desk: what waits for me, in its order, what changed since I looked, and who may do what from there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asking import HANDS, Office, an_office
from pages import Visitor

from console.queries import desk
from counterfoil import keys
from counterfoil.database import Connection
from exceptions_queue import weighing

Sign = Callable[..., Visitor]


@pytest.fixture
def a_case(conn: Connection) -> Callable[..., str]:
    """Opens a case of a class, with one blocked event of an amount; its id."""

    def open_one(
        title: str, *, cls: str = "out_of_bounds", amount: tuple[int, str] | None = None, **columns: Any
    ) -> str:
        values = {"id": keys.new_id(), "failure_class": cls, "fingerprint": str(keys.new_id()), "title": title,
                  "source": "stripe", "events": 1, **columns}  # fmt: skip
        ago = values.pop("age_hours", 1)
        due = values.pop("due_hours", 3)
        marks = ", ".join(f"%({name})s" for name in values)
        conn.execute(
            f"INSERT INTO cases ({', '.join(values)}, opened_at, last_seen_at, due_at) VALUES ({marks},"
            f" now() - interval '{ago} hours', now() - interval '{ago} hours', now() + interval '{due} hours')",
            values,
        )
        minor, currency = amount or (None, None)
        conn.execute(
            "INSERT INTO case_events (case_id, event_id, amount_minor, currency) VALUES (%s, %s, %s, %s)",
            (values["id"], keys.new_id(), minor, currency),
        )
        conn.commit()
        return str(values["id"])

    return open_one


def test_an_empty_desk_says_so(visitor: Sign) -> None:
    """Words, not an empty place."""
    seen = visitor("fiona", "owner").get("/")
    assert (seen.status, seen.h1) == (200, "My desk")
    assert "Nothing waits for you" in seen.text


def test_the_desk_is_ordered_by_money_and_age_overdue_first(visitor: Sign, a_case: Callable[..., str]) -> None:
    """Given cases of several currencies and ages, the dear and old ones are on top; nobody else's are there."""
    a_case("small", amount=(200_00, "EUR"))
    a_case("large", amount=(900_00, "EUR"))
    a_case("old and small", amount=(200_00, "EUR"), age_hours=50)
    a_case("yen", amount=(30_000, "JPY"))  # about two hundred dollars
    a_case("no amount")
    a_case("late", due_hours=-1)
    a_case("asleep", amount=(900_000_00, "EUR"), status="snoozed")
    a_case("of another class", cls="contract_violation", amount=(900_000_00, "EUR"))
    a_case("given away", owner="rhea", amount=(900_000_00, "EUR"))
    a_case("given to her", cls="contract_violation", owner="fiona", amount=(150_00, "USD"))
    a_case("closed", status="resolved", amount=(900_000_00, "EUR"))
    seen = visitor("fiona", "owner").get("/")
    assert seen.texts("th.what a") == [
        "late", "old and small", "large", "small", "yen", "given to her", "no amount"
    ]  # fmt: skip
    assert (seen.texts(".tile b")[0], seen.texts(".tile b")[-1]) == ("1", "7")
    assert "1 asleep" in seen.text
    other = visitor("vera", "viewer").get("/desk/rhea")
    assert set(other.texts("th.what a")) == {"given away", "of another class"}
    assert visitor("vera", "viewer").get("/desk/nobody").status == 404


def test_money_of_several_currencies_weighs_what_it_is_roughly_worth() -> None:
    """The minor unit of a currency counts by its decimals, whichever way it flows."""
    assert weighing.dollars([("USD", 1000_00)]) == pytest.approx(1000)
    assert weighing.dollars([("JPY", 100_000), ("USD", -100)]) == pytest.approx(671)
    assert weighing.dollars([("KWD", 1000_000)]) == pytest.approx(3200)
    assert weighing.dollars([]) == 0


def test_a_desk_that_is_too_full_keeps_what_presses_most(
    visitor: Sign, a_case: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of more than a desk holds, what blocks most now stays, not what is oldest; and it says that there is more."""
    monkeypatch.setattr(desk, "ROWS_MAX", 1)
    a_case("old", amount=(100_00, "EUR"), age_hours=3)
    a_case("dear", amount=(900_00, "EUR"))
    a_case("was dear once", amount=(100_00, "EUR"), dollars=5000)
    seen = visitor("fiona", "owner").get("/")
    assert seen.texts("th.what a") == ["dear"]
    assert "The 1 most pressing of 3." in seen.text
    monkeypatch.setattr(desk, "CANDIDATES_MAX", 1)
    assert visitor("fiona", "owner").get("/").texts("th.what a") == ["was dear once"]


def test_a_case_that_the_engine_opens_has_its_weight(story: Any, conn: Connection) -> None:
    """What its event blocks, in rough dollars: a desk is ordered by it before it looks at single events."""
    row = conn.execute(
        "SELECT c.dollars, e.currency, e.amount_minor FROM cases c JOIN case_events e ON e.case_id = c.id"
    )
    found = row.fetchone()
    assert found is not None
    assert found["dollars"] == pytest.approx(weighing.dollars([(found["currency"], found["amount_minor"])]))
    assert found["dollars"] > 0


def test_what_is_new_is_new_for_the_whole_visit(visitor: Sign, a_case: Callable[..., str], conn: Connection) -> None:
    """Since the last visit one came, one grew, one was closed; looking again within the visit says the same."""
    fiona = visitor("fiona", "owner")
    old = a_case("old", age_hours=5)
    gone = a_case("gone", age_hours=5)
    assert "Since you looked" not in fiona.get("/").text
    conn.execute("UPDATE desk_looks SET looked_at = now() - interval '2 hours'")
    conn.execute("UPDATE cases SET last_seen_at = now() WHERE id = %s", (old,))
    conn.execute("UPDATE cases SET status = 'resolved', closed_at = now(), closed_by = 'marek' WHERE id = %s", (gone,))
    conn.commit()
    a_case("fresh", age_hours=1)
    for _ in range(2):
        seen = fiona.get("/")
        assert "1 new, 1 grew, 1 closed" in seen.text
        assert {row.css_first("a").text(): row.css_first(".news-tag").text() for row in seen.all("tr[data-row]")} == {
            "fresh": "new",
            "old": "grew",
        }
        assert "gone resolved by Marek Books" in seen.text


def test_acknowledging_on_the_desk_is_one_press(visitor: Sign, a_case: Callable[..., str], conn: Connection) -> None:
    """It comes back to the desk, says so once, is audited under the name; pressed twice it counts once."""
    fiona, case = visitor("fiona", "owner"), a_case("mine")
    path = f"/cases/{case}/acknowledge"
    fields = fiona.get("/").fields(path)
    first = fiona.send(path, fields)
    assert (first.status, first.to) == (303, "/")
    assert fiona.send(path, fields).status == 303
    seen = fiona.follow(first)
    assert "Acknowledged" in seen.texts(".said")[0]
    assert not seen.forms(path)
    assert fiona.get("/").texts(".said") == []
    entries = conn.execute("SELECT actor, action FROM audit_entries WHERE subject = %s", (f"case:{case}",)).fetchall()
    assert [(row["actor"], row["action"]) for row in entries] == [("fiona", "case.acknowledged")]


def test_a_form_leads_back_to_pages_of_ours_only(visitor: Sign, a_case: Callable[..., str]) -> None:
    """Whatever `back` says, nobody is sent to another host."""
    fiona = visitor("fiona", "owner")
    for evil in ("//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\r\nX: y"):
        case = a_case("mine")
        done = fiona.post(f"/cases/{case}/acknowledge", reason="mine", back=evil)
        assert (done.status, done.to) == (303, f"/cases/{case}")


def test_whoever_may_only_look_has_no_buttons_and_is_refused(visitor: Sign, a_case: Callable[..., str]) -> None:
    """The page has no form for a viewer, and a request by hand is a 403."""
    case, vera = a_case("hers to see"), visitor("vera", "viewer")
    seen = vera.get(f"/cases/{case}")
    assert seen.status == 200
    assert [form.attributes["action"] for form in seen.all("main form[method=post]")] == []
    fields = {**seen.fields("/sign-out"), "reason": "by hand"}
    for verb in ("acknowledge", "assign", "snooze", "resolve", "dismiss", "edit", "replay", "accept", "answer"):
        assert vera.send(f"/cases/{case}/{verb}", fields).status == 403, verb


@pytest.fixture
def office(conn: Connection, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Office]:
    """An office in which people are asked before anything is written."""
    with an_office(conn, monkeypatch, tmp_path) as made:
        yield made


def test_approvals_stand_on_the_desk_of_those_who_may_give_them(visitor: Sign, office: Office) -> None:
    """An approver finds each request with a link to decide; the owner of the class finds the case instead."""
    office.deal(1, 1_000_000)
    request = office.asked()
    fiona, marek = visitor("fiona", "owner"), visitor("marek", "approver")
    assert fiona.get("/").links("/approvals/") == []
    assert len(fiona.get("/").links("/cases/")) == 1
    assert f"/approvals/{request['write_id']}" in marek.get("/").links("/approvals/")
    office.approve(request, "marek")  # one of two
    assert marek.get("/").links("/approvals/") == []
    ines = visitor("ines", "approver").get("/")
    assert "1 of 2 people agreed" in ines.text
    assert visitor("otto", "approver@stripe").get("/").links("/approvals/") == []


@pytest.mark.parametrize("had_a_hand_in_it", HANDS.values(), ids=HANDS)
def test_nobody_is_asked_about_what_they_had_a_hand_in(visitor: Sign, office: Office, had_a_hand_in_it: str) -> None:
    """Neither their desk nor the page offers a yes that would be refused; it says why. Break it: know editors only."""
    office.deal(1, 4200)
    path = f"/approvals/{office.asked()['write_id']}"
    ed, ines = visitor("ed", "approver"), visitor("ines", "approver")
    assert path in ed.get("/").links("/approvals/")
    office.by_hand(had_a_hand_in_it)
    assert ed.get("/").links("/approvals/") == []
    assert path in ines.get("/").links("/approvals/")
    seen = ed.get(path)
    assert "You had a hand in it" in seen.text
    assert (seen.forms(f"{path}/approve"), bool(seen.forms(f"{path}/reject"))) == ([], True)
    assert ines.get(path).forms(f"{path}/approve")
