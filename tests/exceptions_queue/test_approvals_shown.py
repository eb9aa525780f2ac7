"""What a person sees before saying yes: the action in words, what stands there, why, and what follows."""

from asking import Office

from counterfoil import keys
from exceptions_queue.approvals import difference


def test_a_request_shows_the_action_and_what_stands_before_it(office: Office) -> None:
    """In words and as data, with the record as it is, the reasons and how sure they are, and the ways to answer."""
    office.hubspot.make("companies", name="Acorn", stripe_customer_id="cus_5", plan="basic")
    office.event("company.propertyChange", 5, "pro~0.7")
    shown = office.asked()["shown"]
    assert shown["title"]
    assert any("plan" in line and "pro" in line for line in shown["lines"])
    assert shown["before"]["fields"] == {"plan": "basic"}
    assert shown["before"]["version"]
    assert shown["evidence"] == {"said_by": "the form", "confidence": 0.7}
    assert shown["confidence"] == 0.7
    assert (shown["rule"], shown["people_needed"]) == ("outside", 1)
    assert shown["can_be_undone"]
    assert [one.split()[0].strip(",:") for one in shown["alternatives"]] == ["approve", "edit", "reject"]


def test_a_request_shows_money_as_it_would_be_billed(office: Office) -> None:
    """The amount beside its currency, and the lines that make it up."""
    office.deal(1, 4200)
    shown = office.asked()["shown"]
    assert shown["amount"] == {"amount_minor": 4200, "currency": "EUR"}
    assert any("42" in line and "EUR" in line for line in shown["lines"])


def test_a_request_about_the_books_shows_its_sides(office: Office) -> None:
    """Debit and credit, each with its account."""
    office.event("ticket.propertyChange", 7, "100000")
    lines = office.asked()["shown"]["lines"]
    assert [line.split()[0] for line in lines[1:]] == ["debit", "credit"]
    assert all("1000.00 EUR" in line for line in lines[1:])


def test_the_digest_covers_every_byte_that_is_shown(office: Office) -> None:
    """Whoever changes one place of it, whatever it is, has another digest."""
    office.hubspot.make("companies", name="Acorn", stripe_customer_id="cus_5", plan="basic")
    office.event("company.propertyChange", 5, "pro~0.7")
    request = office.asked()
    assert keys.digest(request["shown"]) == request["digest"]
    for name in request["shown"]:
        assert keys.digest({**request["shown"], name: "another"}) != request["digest"], name


def test_a_difference_names_every_place() -> None:
    """Added, removed, changed, of another type, inside lists; and no place that is the same."""
    was = {"same": 1, "gone": True, "items": [{"n": 1}, {"n": 2}], "kind": 1}
    now = {"same": 1, "new": None, "items": [{"n": 1}, {"n": 3}, {"n": 4}], "kind": 1.0}
    places = {one["field"]: (one["shown"], one["now"]) for one in difference(was, now)}
    assert places == {
        "gone": (True, None),
        "new": (None, None),
        "items.1.n": (2, 3),
        "items.2": (None, {"n": 4}),
        "kind": (1, 1.0),
    }
    assert difference(was, was) == []


def test_a_difference_is_never_endless() -> None:
    """Past a hundred places the rest is counted."""
    found = difference({}, {str(number): number for number in range(250)})
    assert len(found) == 101
    assert found[-1]["field"] == "(150 more)"
