"""Words for what the ledger calls by ids: what a thing is, who somebody is, where an id leads."""

import pytest

from console.pages import audit, beside, render, wording

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
    assert (render.named("fiona"), render.named("engine")) == ("Fiona Ledger", "engine")


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
