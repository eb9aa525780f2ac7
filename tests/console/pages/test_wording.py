"""Words for what the ledger calls by ids: what a thing is, who somebody is, where an id leads."""

import pytest

from console import rules_told
from console.fields import Money
from console.pages import audit, beside, render, wording
from console.searching import amounts
from exceptions_queue import owners

WRITE = "01a2000e-267f-731f-a26d-a53ab040b2e7"


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("stripe:in_1Nx", "invoice in_1Nx"),
        ("cus_77", "customer cus_77"),
        ("stripe_eu:po_1", "payout po_1"),
        ("hubspot:62515:0-3:20000000001", "deal 20000000001"),
        ("hubspot:1:deal:4", "deal 4"),
        ("hubspot:62515:2-900:4", "hubspot:62515:2-900:4"),
        ("hubspot:62515:0-99:4", "hubspot:62515:0-99:4"),
        ("customer 77", "customer 77"),
        ("INV-0001", "INV-0001"),
        ("xx_1", "xx_1"),
    ],
)
def test_a_subject_is_told_as_what_it_is(subject: str, said: str) -> None:
    """Its kind in a word and its id; what nobody knows stays as it was written."""
    assert wording.thing(subject) == said


def test_an_id_in_a_sentence_leads_to_what_it_is_of() -> None:
    """Short, and the sentence around it is text: what somebody wrote ends no element."""
    shown = str(render.linked(f"<b>compare it with write {WRITE}, not {WRITE}"))
    assert shown.startswith(f'&lt;b&gt;compare it with <a href="/writes/{WRITE}">write …b040b2e7</a>, not ')
    assert shown.endswith(f"not {WRITE}"), "of what kind it is, is not said"


def test_what_would_turn_a_sentence_round_is_visible_beside_a_link() -> None:
    """The same as everywhere else on a page."""
    assert "⟨U+202E⟩" in render.linked(f"\u202ewrite {WRITE}")


def test_somebody_is_called_as_people_do() -> None:
    """Who is not of the roster, by their account."""
    assert (owners.called("fiona"), owners.called("engine")) == ("Fiona Ledger", "engine")


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150 Safari/537.36",
            "Chrome on Windows",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150 Safari/537.36 Edg/150", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 16) Gecko/140 Firefox/140", "Firefox on Android"),
        ("curl/8.1", "curl/8.1"),
        ("", "not said"),
    ],
)
def test_a_browser_is_told_as_its_owner_knows_it(agent: str, said: str) -> None:
    """By name and system; what is none of the known ones, as it calls itself."""
    assert wording.browser(agent) == said


def test_an_entry_of_the_audit_is_told_without_brackets() -> None:
    """Lists as words, an id as what it is of, nothing of what is empty; what is nested stays data."""
    told = audit.said({"run": WRITE, "writes": ["a", "b"], "why": "<b>", "none": None, "more": {"x": 1}, "of": WRITE})
    assert told == [("", f"run {WRITE}"), ("writes", "a, b"), ("why", "<b>"), ("more", '{"x": 1}'), ("of", WRITE)]


def test_an_entry_in_the_books_is_read_by_its_accounts() -> None:
    """What is positive is a debit; what is not an entry has no accounts, and its places are told one by one."""
    line = {"account": "Assets:Bank", "memo": "in", "amount_minor": 500}
    lines = beside.entry({"currency": "EUR", "lines": [line, {"account": "Income", "amount_minor": -500}]})
    assert [(one.account, one.amount.amount_minor, one.is_debit) for one in lines] == [
        ("Assets:Bank", 500, True),
        ("Income", 500, False),
    ]
    assert beside.entry({"lines": [{"amount_minor": "5"}], "currency": "EUR"}) == []
    told = beside.fields({"city": "Oslo", "old": 1}, {"properties": {"city": "Bergen", "by": {"name": "x"}}})
    assert told == [("city", "Oslo", "Bergen", True), ("by name", None, "x", True), ("old", 1, 1, False)]


@pytest.mark.parametrize(
    ("field", "value", "bound", "currency", "said"),
    [
        ("data.object.total", "18962", "18957 (lines - discounts)", "EUR", "189.62 EUR|189.57 EUR (lines - discounts)"),
        ("data.object.amount", "-5", "0 to 4200", "jpy", "−5 JPY|0 JPY to 4,200 JPY"),
        ("data.object.amount_due", "5", "at most 3, the amount", "EUR", "0.05 EUR|at most 0.03 EUR, the amount"),
        ("data.object.total", "18962", "18957 (the sum)", None, "18962|18957 (the sum)"),
        ("data.object.total", '"x"', "a whole number up to 10", "EUR", '"x"|a whole number up to 10'),
        ("data.object.created", "1767225600", "1 to 2", "EUR", "1767225600|1 to 2"),
        ("data.object.balance_transaction", "a b", "1 to 100 letters", "EUR", "a b|1 to 100 letters"),
    ],
)
def test_a_broken_rule_tells_money_as_people_write_it(
    field: str, value: str, bound: str, currency: str | None, said: str
) -> None:
    """Where the field is an amount and the currency is known; anything else stays as it stands."""
    violation = {"field": field, "value": value, "bound": bound, "rule": "adds_up", "advice": ""}
    assert f"{rules_told.found(violation, currency)}|{rules_told.allowed(violation, currency)}" == said


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("42.00", "EUR", 4200),
        ("1,234.5", "eur", 123_450),
        ("42", "JPY", 42),
        ("-3.10", "USD", -310),
        ("1.005", "KWD", 1005),
    ],
)
def test_an_amount_is_typed_as_people_write_it(text: str, currency: str, minor: int) -> None:
    """Exact, by the decimals of its currency."""
    assert amounts.minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"), [("1.005", "EUR"), ("1.5", "JPY"), ("many", "EUR"), ("1", "???"), ("1", "")]
)
def test_an_amount_that_is_none_is_refused_in_words(text: str, currency: str) -> None:
    """Nothing is rounded."""
    with pytest.raises(ValueError, match=r"not an amount|more decimals|no currency"):
        amounts.minor(text, currency)


def test_an_edit_is_told_by_what_its_fields_are_called() -> None:
    """Numbered from one, and amounts in the currency of what was edited."""
    places = [
        {"field": "body.items.0.amount_minor", "shown": 4200, "now": 4100},
        {"field": "body.description", "shown": None, "now": "Seats"},
        {"field": "(3 more)", "shown": None, "now": None},
    ]
    assert beside.told(places, Money(amount_minor=4100, currency="EUR")) == [
        ("items 1 amount", "42.00 EUR", "41.00 EUR", True),
        ("description", None, "Seats", True),
        ("(3 more)", None, None, True),
    ]
    assert beside.told(places[:1], None) == [("items 1 amount_minor", 4200, 4100, True)]
