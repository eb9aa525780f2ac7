"""Words for what the ledger calls by ids: what a thing is, who somebody is, where an id leads."""

import pytest

from console.pages import render, wording

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
