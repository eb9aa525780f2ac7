"""What HubSpot is asked and what is believed of the answers: absence, associations, limits; and what no URL holds."""

from datetime import timedelta
from typing import Any

import pytest
from hubspot_company import a_company, a_company_effect, a_contact_effect, an_association_effect

from destinations.base import Effect
from destinations.http import Failed
from destinations.hubspot import DESTINATION
from destinations.remote import NoInverse


def test_an_association_that_stood_before_is_not_taken_away() -> None:
    """The write changed nothing, so there is nothing to take back."""
    with a_company() as company:
        one, other = company.make("contacts", email="a@example.com"), company.make("companies", name="E")
        company.by_hand("associate", "contacts", one, to_kind="companies", to=other)
        effect = an_association_effect(one, other)
        sent, image = company.apply(effect)
        assert sent.meaning == "already"
        with pytest.raises(NoInverse):
            DESTINATION.inverse(effect, sent.receipt, image)


def test_associating_what_does_not_exist_is_refused() -> None:
    """And a look at it says that there is nothing."""
    with a_company() as company:
        effect = an_association_effect("123", "456")
        assert company.look(effect).version is None
        assert company.send(effect).meaning == "refused"


def test_a_look_that_is_not_answered_is_no_empty_record() -> None:
    """Half an answer, another one, none at all: raised, so nobody takes it for absence."""
    faults: list[tuple[str, dict[str, Any]]] = [
        *((kind, {}) for kind in ("garbled", "truncated", "drop_after", "status", "rate_limited", "bare_error")),
        ("status", {"status": 404}),
        ("status", {"status": 401}),
    ]
    with a_company() as company:
        company.make("companies", stripe_customer_id="cus_1")
        for kind, more in faults:
            company.fault(kind, **more)
            with pytest.raises(Failed):
                company.look(a_company_effect())


def test_the_days_limit_is_over_at_the_accounts_midnight() -> None:
    """Not ours: the account's zone is asked for once."""
    with a_company(time_zone="Pacific/Auckland") as company:
        company.fault("daily_limit", path="*/upsert")
        sent = company.send(a_company_effect())
        assert (sent.meaning, sent.down) == ("retry", True)
        assert sent.after_seconds is not None
        assert 0 < sent.after_seconds <= timedelta(days=1, hours=1).total_seconds()
        company.fault("daily_limit", path="*/upsert")
        company.send(a_company_effect())
        assert len([each for each in company.asked() if each.endswith("/details")]) == 1


def test_no_address_travels_in_a_url() -> None:
    """Addresses of people stand in bodies only; a URL is the first thing that is logged."""
    with a_company() as company:
        effect = a_contact_effect()
        sent, image = company.apply(effect)
        company.probe(effect, image)
        company.apply(DESTINATION.inverse(effect, sent.receipt, image))
        for entry in company.exchange.journal:
            assert "@" not in entry.path
            assert "@" not in str(entry.query)
            assert "555" not in str(entry.query)


def test_an_empty_answer_is_asked_for_again() -> None:
    """A batch that holds neither the record nor the error for its absence says nothing."""
    with a_company() as company:
        id = company.make("companies", stripe_customer_id="cus_1")
        company.fault("empty_batch", path="*/batch/read")
        assert company.look(a_company_effect()).reference == id


def test_that_a_record_is_gone_needs_two_witnesses() -> None:
    """A 404 alone does not make an archived record of one that stands there."""
    with a_company() as company:
        effect = a_company_effect()
        sent, image = company.apply(effect)
        inverse = DESTINATION.inverse(effect, sent.receipt, image)
        company.send(inverse)
        company.make("companies", stripe_customer_id="cus_2")
        standing = Effect("hubspot", "archive", "k", "s", None, {"object": "companies", "id": "20000000002"})
        for each, outcome in ((inverse, "happened"), (standing, "unknown")):
            company.fault("status", path="/crm/v3/objects/companies/*0000*", status=404)
            assert company.probe(each, None).outcome == outcome
            company.exchange.faults.clear()


def test_that_an_association_is_gone_needs_two_witnesses() -> None:
    """A 404 in place of the list is about the record, and the record stands there."""
    with a_company() as company:
        one, other = company.make("contacts", email="a@example.com"), company.make("companies", name="E")
        effect = an_association_effect(one, other)
        sent, image = company.apply(effect)
        inverse = DESTINATION.inverse(effect, sent.receipt, image)
        company.fault("status", path="*/associations/companies", status=404)
        assert company.probe(inverse, None).outcome == "unknown"
        assert company.probe(inverse, None).outcome == "did_not_happen"
