"""What handlers may ask HubSpot: answered whole, or with the reason why not; no guess, no rounding, no write."""

from typing import Any

import pytest
from hubspot_company import BASE, READ_TOKEN, Company, a_company

from destinations.http import Http, NotConfigured
from destinations.hubspot import DESTINATION, reads
from exceptions_queue.failures import ContextMissing, DestinationUnavailable


def _deal(company: Company, **more: str) -> str:
    return company.make("deals", dealname="Renewal", **{"deal_currency_code": "EUR", **more})


def _hang(company: Company, deal: str, kind: str, **properties: str) -> str:
    id = company.make(kind, **properties)
    company.by_hand("associate", "deals", deal, to_kind=kind, to=id)
    return id


def test_a_deal_comes_with_what_it_sells_and_to_whom() -> None:
    """Amounts in whole minor units, after discounts; the one company, the one contact."""
    with a_company() as company:
        deal = _deal(company)
        item = _hang(company, deal, "line_items", name="Seats", price="12.50", quantity="3", hs_sku="SEAT")
        at = _hang(company, deal, "companies", name="Example Ltd", stripe_customer_id="cus_1")
        person = _hang(company, deal, "contacts", email="ada@example.com", firstname="Ada")
        found = reads.deal(company.http, deal)
        assert (found["id"], found["currency"], found["company"]["id"], found["contact"]["id"]) == (
            deal, "EUR", at, person,
        )  # fmt: skip
        assert found["company"]["properties"]["stripe_customer_id"] == "cus_1"
        assert found["line_items"] == [
            {"id": item, "name": "Seats", "quantity": "3", "price_minor": 1250, "amount_minor": 3750, "sku": "SEAT",
             "product_id": "", "recurring": ""}
        ]  # fmt: skip


def test_line_items_beyond_one_batch_are_all_there() -> None:
    """Fifty are read at once; a deal of sixty is whole, in their order."""
    with a_company() as company:
        deal = _deal(company)
        ids = [_hang(company, deal, "line_items", name=f"n{n}", price="1", quantity="1") for n in range(60)]
        assert [each["id"] for each in reads.line_items(company.http, deal, "EUR")] == ids


def test_a_deal_without_a_currency_has_the_accounts() -> None:
    """HubSpot leaves it out when the account has one only."""
    with a_company() as company:
        assert reads.deal(company.http, _deal(company, deal_currency_code=""))["currency"] == "USD"


def test_of_several_companies_the_primary_one_is_meant() -> None:
    """HubSpot makes the first one primary."""
    with a_company() as company:
        deal = _deal(company)
        first = _hang(company, deal, "companies", name="First")
        _hang(company, deal, "companies", name="Second")
        assert reads.deal(company.http, deal)["company"]["id"] == first


def test_several_contacts_are_ambiguous() -> None:
    """None of them is the primary one: a person says which."""
    with a_company() as company:
        deal = _deal(company)
        for name in ("ada", "ben"):
            _hang(company, deal, "contacts", email=f"{name}@example.com")
        with pytest.raises(ContextMissing) as missing:
            reads.deal(company.http, deal)
        assert missing.value.rule == "contacts_ambiguous"
        assert "@" not in str(missing.value)


@pytest.mark.parametrize(
    ("properties", "rule"),
    [
        ({"name": "no price"}, "line_item_amount"),
        ({"price": "0.333", "quantity": "1"}, "line_item_amount"),
        ({"price": "1", "quantity": "1", "hs_line_item_currency_code": "USD"}, "line_item_currency"),
    ],
)
def test_a_line_without_an_exact_amount_is_for_a_person(properties: dict[str, str], rule: str) -> None:
    """Nothing is rounded, and nothing converted."""
    with a_company() as company:
        deal = _deal(company)
        _hang(company, deal, "line_items", **properties)
        with pytest.raises(ContextMissing) as missing:
            reads.deal(company.http, deal)
        assert missing.value.rule == rule


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.5", "EUR", 1250),
        ("12.50", "EUR", 1250),
        ("-3", "EUR", -300),
        ("12.505", "EUR", None),
        ("100", "JPY", 100),
        ("100.5", "JPY", None),
        ("0.005", "KWD", 5),
        ("1e3", "EUR", 100000),
        ("1e400", "EUR", None),
        ("", "EUR", None),
        ("NaN", "EUR", None),
        ("Infinity", "EUR", None),
        ("twelve", "EUR", None),
        ("٣", "EUR", None),
        ("1", "ABC", None),
        ("1" * 41, "EUR", None),
    ],
)
def test_an_amount_is_exact_or_none(text: str, currency: str, minor: int | None) -> None:
    """Whole minor units of a known currency."""
    assert reads.minor_of(text, currency) == minor


@pytest.mark.parametrize("kind", ["line_items", "companies", "contacts"])
def test_a_list_that_is_not_there_is_not_an_empty_one(kind: str) -> None:
    """A 404 in place of what the deal sells: not a deal that sells nothing."""
    with a_company() as company:
        deal = _deal(company)
        company.fault("status", path=f"*/associations/{kind}", status=404)
        with pytest.raises(ContextMissing):
            reads.deal(company.http, deal)


def test_a_contact_is_found_by_address_whatever_its_case() -> None:
    """And that there is none is an answer."""
    with a_company() as company:
        assert reads.contact_by_email(company.http, "ada@example.com") is None
        id = company.make("contacts", email="ada@example.com")
        at = company.make("companies", name="E")
        company.by_hand("associate", "contacts", id, to_kind="companies", to=at)
        found = reads.contact_by_email(company.http, " Ada@Example.com ")
        assert found is not None
        assert found["id"] == id
        of = reads.company_of_contact(company.http, id)
        assert of is not None
        assert of["id"] == at


def test_an_owner_counts_while_the_person_is_there() -> None:
    """A task for somebody who left would be nobody's."""
    with a_company() as company:
        assert reads.active_owner(company.http, "9001") == "9001"
        assert reads.active_owner(company.http, "12345") is None
        assert reads.active_owner(company.http, "") is None


def test_all_questions_are_asked_by_a_client_that_cannot_write() -> None:
    """With the guard below HTTP and a token that only reads."""
    with a_company() as company:
        deal = _deal(company)
        _hang(company, deal, "line_items", name="Seats", price="12.50", quantity="3")

        def reader() -> Http:
            return DESTINATION.connect(write=False)

        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HUBSPOT_API_BASE", BASE)
            patch.setenv("HUBSPOT_READ_ACCESS_TOKEN", READ_TOKEN)
            patch.delenv("HUBSPOT_ACCESS_TOKEN", raising=False)
            with pytest.raises(NotConfigured):
                DESTINATION.connect(write=True)
            patch.setenv("HUBSPOT_ACCESS_TOKEN", "pat-unused")
            assert reads.asked(reader, lambda http: reads.deal(http, deal))["id"] == deal


@pytest.mark.parametrize(
    ("fault", "more", "kind"),
    [
        ("drop_after", {}, DestinationUnavailable),
        ("garbled", {}, DestinationUnavailable),
        ("status", {"status": 503}, DestinationUnavailable),
        ("status", {"status": 401}, DestinationUnavailable),
        ("rate_limited", {}, DestinationUnavailable),
        ("status", {"status": 400}, ContextMissing),
    ],
)
def test_an_unanswered_question_has_a_class(fault: str, more: dict[str, Any], kind: type[Exception]) -> None:
    """And thereby an owner; what is missing at HubSpot is another matter than HubSpot being away."""
    with a_company() as company:
        deal = _deal(company)
        company.fault(fault, **more)
        with pytest.raises(kind):
            reads.asked(company.another_client, lambda http: reads.deal(http, deal))


def test_without_a_token_the_question_waits_for_whoever_sets_it() -> None:
    """The setting is named."""

    def nobody() -> Http:
        raise NotConfigured("HUBSPOT_ACCESS_TOKEN is not set")

    with pytest.raises(ContextMissing) as missing:
        reads.asked(nobody, lambda http: reads.deal(http, "1"))
    assert missing.value.rule == "not_configured"
    assert "HUBSPOT_ACCESS_TOKEN" in str(missing.value)
