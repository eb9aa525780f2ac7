"""What belongs to a person is hidden by its name and by its looks; what a page is read for stays."""

import json
from pathlib import Path
from typing import Any

import pytest

from console import masking
from console.masking import HIDDEN

SAMPLES = sorted((Path(__file__).parents[2] / "contracts/samples").rglob("*.json"))


@pytest.mark.parametrize(
    "name",
    [
        "name", "first_name", "firstname", "lastName", "customer_name", "email", "customer_email", "billing-email",
        "phone", "hs_mobile_phone_number", "city", "line1", "postal_code", "iban", "dob", "ip", "content", "message",
    ],
)  # fmt: skip
def test_a_member_is_hidden_by_its_name(name: str) -> None:
    """Whatever stands in it, a number too; nothing stays nothing."""
    assert masking.masked({name: "Somebody"}) == {name: HIDDEN}
    assert masking.masked({name: 4915112345678}) == {name: HIDDEN}
    assert masking.masked({name: None}) == {name: None}


@pytest.mark.parametrize(
    "name", ["id", "amount", "currency", "status", "created", "type", "customer", "country", "rename"]
)
def test_what_a_page_is_read_for_stays(name: str) -> None:
    """Ids, amounts, states and dates."""
    assert masking.masked({name: "in_123"}) == {name: "in_123"}
    assert masking.masked({name: 4200}) == {name: 4200}


def test_an_address_is_hidden_with_everything_in_it() -> None:
    """But for the country, which taxes go by."""
    address = {"billing_details": {"address": {"country": "DE", "floor": "3", "lines": ["a", "b"]}, "anything": "x"}}
    assert masking.masked(address) == {
        "billing_details": {
            "address": {"country": "DE", "floor": HIDDEN, "lines": [HIDDEN, HIDDEN]},
            "anything": HIDDEN,
        }
    }


def test_a_product_has_a_name_that_belongs_to_nobody() -> None:
    """Of a customer it is hidden."""
    assert masking.masked({"object": "product", "name": "Pro plan"})["name"] == "Pro plan"
    assert masking.masked({"object": "customer", "name": "Anna"})["name"] == HIDDEN


def test_a_value_is_hidden_by_the_name_beside_it() -> None:
    """As HubSpot tells of properties."""
    assert masking.masked({"propertyName": "firstname", "propertyValue": "Anna"})["propertyValue"] == HIDDEN
    assert masking.masked({"propertyName": "dealstage", "propertyValue": "closedwon"})["propertyValue"] == "closedwon"


@pytest.mark.parametrize(
    "words",
    [
        "write to anna.b+x@mail.example.co.uk today",
        "call +49 151 1234-5678 first",
        "pay to DE89 3704 0044 0532 0130 00 please",
        "DE89370400440532013000",
    ],
)
def test_a_sentence_is_hidden_by_what_it_looks_like(words: str) -> None:
    """Addresses, telephone and account numbers, wherever they stand."""
    said = masking.text(words)
    assert HIDDEN in said
    assert not any(part in said for part in ("anna", "example", "151", "3704"))


@pytest.mark.parametrize("words", ["in_1SExample0000001", "2026-11-21T18:56:14Z", "189.57 EUR", "1+1=2", "a@b", "50 %"])
def test_ids_and_dates_are_no_telephone_numbers(words: str) -> None:
    """What is shown can be read."""
    assert masking.text(words) == words


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_no_sample_shows_anybody(path: Path) -> None:
    """Every name, address and number of the samples, which stand for what really comes."""
    sample = json.loads(path.read_text())
    shown = masking.as_text(masking.masked(sample))[0]
    for secret in _personal(sample):
        assert secret not in shown


def _personal(value: Any) -> list[str]:
    """Said apart from the code: what these samples hold of people."""
    found = []
    if isinstance(value, dict):
        for name, member in value.items():
            if isinstance(member, str) and len(member) > 3 and name in (
                "customer_email", "email", "customer_name", "line1", "city", "postal_code", "phone", "receipt_email",
            ):  # fmt: skip
                found.append(member)
            found += _personal(member)
    elif isinstance(value, list):
        for each in value:
            found += _personal(each)
    return found


def test_a_long_document_says_how_much_is_left_out() -> None:
    """Nothing is cut in silence."""
    text, left_out = masking.as_text("x" * (masking.SHOWN_MAX + 5))
    assert (len(text), left_out) == (masking.SHOWN_MAX, 5)
    assert masking.as_text({"a": 1}) == ('{\n  "a": 1\n}', 0)
