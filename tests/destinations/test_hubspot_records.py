"""Records at HubSpot while others work on them too: what is found out, what is kept, what nobody's work is lost to."""

from dataclasses import replace

import pytest
from hubspot_company import Company, a_company, a_company_effect, a_contact_effect

from destinations.base import Effect
from destinations.hubspot import DESTINATION, upsert_company, upsert_contact
from destinations.remote import Finding, Image, NoInverse


def _in_doubt(company: Company, effect: Effect, *, executed: bool) -> Image:
    """A write whose answer was lost; whether it was executed is known to the stand-in only."""
    image = company.look(effect)
    company.fault("drop_after" if executed else "drop_before", path="*/upsert")
    company.fault("drop_after" if executed else "drop_before", method="PATCH")
    assert company.send(effect, image).meaning == "unknown"
    company.exchange.faults.clear()
    company.clock.advance(30)
    return image


def _found(company: Company, effect: Effect, image: Image | None) -> Finding:
    return company.probe(effect, image)


def test_it_happened_although_somebody_changed_it_again() -> None:
    """The history says that our value stood there; it is not sent again over what a person set."""
    with a_company() as company:
        id = company.make("companies", stripe_customer_id="cus_1", plan="basic")
        effect = a_company_effect(plan="pro")
        image = _in_doubt(company, effect, executed=True)
        company.by_hand("edit", "companies", id, properties={"plan": "by hand"})
        assert _found(company, effect, image).outcome == "happened"


def test_what_somebody_else_set_is_not_taken_for_ours() -> None:
    """Other values than before, none of them ours: nobody knows, a person decides."""
    with a_company() as company:
        id = company.make("companies", stripe_customer_id="cus_1", plan="basic")
        effect = a_company_effect(plan="pro")
        image = _in_doubt(company, effect, executed=False)
        company.by_hand("edit", "companies", id, properties={"plan": "by hand"})
        assert _found(company, effect, image).outcome == "unknown"


def test_our_value_of_an_earlier_day_proves_nothing() -> None:
    """The same value by us, long before this write: the history is read from its first attempt on."""
    with a_company() as company:
        id = company.make("companies", stripe_customer_id="cus_1")
        company.apply(a_company_effect("earlier", plan="pro"))
        company.clock.advance(86_400)
        company.by_hand("edit", "companies", id, properties={"plan": "basic"})
        company.sent_at.clear()
        effect = a_company_effect("later", plan="pro")
        image = _in_doubt(company, effect, executed=False)
        company.by_hand("edit", "companies", id, properties={"plan": "by hand"})
        assert _found(company, effect, image).outcome == "unknown"


def test_a_probe_waits_for_what_may_be_on_its_way() -> None:
    """Nothing found a moment after it was sent is no proof."""
    with a_company() as company:
        effect = a_company_effect()
        image = company.look(effect)
        company.fault("drop_before", path="*/upsert")
        company.send(effect, image)
        company.clock.advance(9)
        assert _found(company, effect, image).outcome == "unknown"
        company.clock.advance(1)
        assert _found(company, effect, image).outcome == "did_not_happen"


def test_a_record_that_went_away_is_nobodys_guess() -> None:
    """It stood there before and is gone: whether it was set before that, nobody can tell."""
    with a_company() as company:
        id = company.make("companies", stripe_customer_id="cus_1", plan="basic")
        effect = a_company_effect(plan="pro")
        image = _in_doubt(company, effect, executed=False)
        company.by_hand("delete", "companies", id)
        assert _found(company, effect, image).outcome == "unknown"


@pytest.mark.parametrize("markers", [True, False])
def test_who_made_a_record_is_known_after_a_lost_answer(markers: bool) -> None:
    """By our key on it, or by how its history begins: so it can be taken back."""
    with a_company(markers=markers) as company:
        effect = a_company_effect()
        image = _in_doubt(company, effect, executed=True)
        finding = _found(company, effect, image)
        assert finding.receipt["new"] is True
        assert DESTINATION.inverse(effect, finding.receipt, image).operation == "archive"


@pytest.mark.parametrize("markers", [True, False])
def test_a_record_that_another_made_meanwhile_is_not_ours_to_archive(markers: bool) -> None:
    """It was not there when we looked, and a person made it before our write arrived."""
    with a_company(markers=markers) as company:
        effect = a_company_effect(plan="pro")
        image = company.look(effect)
        company.make("companies", stripe_customer_id="cus_1")
        company.fault("drop_after", path="*/upsert")
        company.send(effect, image)
        company.clock.advance(30)
        finding = _found(company, effect, image)
        assert (finding.outcome, finding.receipt["new"]) == ("happened", None)
        with pytest.raises(NoInverse):
            DESTINATION.inverse(effect, finding.receipt, image)


def test_setting_a_contact_by_email_leaves_the_rest_of_it_alone() -> None:
    """HubSpot does not support setting some properties by email and may empty the others: the id is used."""
    with a_company() as company:
        company.make("contacts", email="ada@example.com", firstname="Ada", lastname="Example")
        company.apply(a_contact_effect())
        (contact,) = company.records("contacts")
        assert contact["properties"]["firstname"] == "Ada"
        assert contact["properties"]["phone"] == "+1 555 0100"
        assert not any("batch/upsert" in each for each in company.asked())


@pytest.mark.parametrize("phone", ["+1 555 0100", "+1 555 0000"])
def test_a_contact_that_was_made_a_moment_ago_is_verified_before_it_is_believed(phone: str) -> None:
    """HubSpot's 409 names an id in a sentence: the record is read, and its values decide."""
    with a_company() as company:
        effect = a_contact_effect()
        image = company.look(effect)
        id = company.make("contacts", email="ada@example.com", phone=phone)
        sent = company.send(effect, image)
        if phone == "+1 555 0100":
            assert (sent.meaning, sent.reference, sent.receipt["new"]) == ("already", id, False)
        else:
            assert sent.meaning == "retry"
            company.apply(effect)
        (contact,) = company.records("contacts")
        assert contact["properties"]["phone"] == "+1 555 0100"


def test_a_409_about_another_record_is_a_refusal() -> None:
    """The id that it names is read: it is not the one that was meant."""
    with a_company() as company:
        company.make("contacts", email="ada@example.com")
        effect = upsert_contact(
            key="k", subject="s", by=("stripe_customer_id", "cus_7"), properties={"email": "ada@example.com"}
        )
        sent = company.send(effect)
        assert sent.meaning == "refused"
        assert "ada@" not in sent.detail
        assert len(company.records("contacts")) == 1


def test_values_that_hubspot_does_not_take_are_refused_by_name() -> None:
    """A person is told which property, not what stood in it."""
    with a_company() as company:
        company.make("companies", stripe_customer_id="cus_1")
        sent = company.send(a_company_effect(mrr="a lot", nowhere="x"))
        assert sent.meaning == "refused"
        assert "mrr, nowhere" in sent.detail
        assert "a lot" not in sent.detail
        company.by_hand("rule", "companies", property="plan", message="Only finance changes plans.")
        assert company.send(a_company_effect(plan="pro")).meaning == "refused"


def test_what_stood_there_already_is_said_so() -> None:
    """Nothing changed, and taking it back changes nothing either."""
    with a_company() as company:
        company.make("companies", stripe_customer_id="cus_1", plan="pro", mrr="49")
        before = company.stands()
        effect = a_company_effect(plan="pro", mrr="49.00")
        sent, image = company.apply(effect)
        assert sent.meaning == "already"
        company.apply(DESTINATION.inverse(effect, sent.receipt, image))
        assert company.stands() == before


def test_a_version_is_of_the_fields_that_are_set_and_no_others() -> None:
    """An approval is bound to it: what nobody approved may change meanwhile."""
    with a_company() as company:
        id = company.make("companies", stripe_customer_id="cus_1", plan="basic")
        effect = a_company_effect(plan="pro")
        first = company.look(effect)
        company.by_hand("edit", "companies", id, properties={"phone": "+1 555 0100"})
        assert company.look(effect) == first
        company.by_hand("edit", "companies", id, properties={"plan": "other"})
        assert company.look(effect).version != first.version


def test_taking_back_restores_values_and_empties_what_was_empty() -> None:
    """By the record's id, also when its unique property was changed since."""
    with a_company() as company:
        id = company.make("companies", stripe_customer_id="cus_1", plan="basic")
        effect = a_company_effect(plan="pro", mrr="49")
        sent, image = company.apply(effect)
        company.by_hand("edit", "companies", id, properties={"stripe_customer_id": "cus_2"})
        company.apply(DESTINATION.inverse(effect, sent.receipt, image))
        (record,) = company.records("companies")
        assert (record["properties"]["plan"], record["properties"]["mrr"]) == ("basic", "")


def _somebody(company: Company, id: str, what: str) -> None:
    match what:
        case "set another property":
            company.by_hand("edit", "companies", id, properties={"phone": "+1 555 0100"})
        case "changed ours":
            company.by_hand("edit", "companies", id, properties={"plan": "by hand"})
        case "hung a deal on it":
            deal = company.make("deals", dealname="Renewal")
            company.by_hand("associate", "deals", deal, to_kind="companies", to=id)
        case "let another write of ours set it":
            company.apply(
                upsert_company(key="other", subject="s", by=("hs_object_id", id), properties={"phone": "+1 555 0100"})
            )
        case "merged it":
            other = company.make("companies", name="Other")
            company.by_hand("merge", "companies", other, other=id)


@pytest.mark.parametrize(
    "what",
    [
        "set another property",
        "changed ours",
        "hung a deal on it",
        "let another write of ours set it",
        "merged it",
    ],
)
def test_a_record_that_we_made_is_kept_once_somebody(what: str) -> None:
    """Archiving reads right before it deletes, and keeps what holds more than our own work."""
    with a_company() as company:
        effect = a_company_effect()
        sent, image = company.apply(effect)
        _somebody(company, str(sent.reference), what)
        inverse = DESTINATION.inverse(effect, sent.receipt, image)
        stands = company.look(inverse)
        assert DESTINATION.changed_since(effect, sent.receipt, stands)
        before = company.stands()
        kept = company.send(inverse, stands)
        assert kept.meaning == "refused"
        assert kept.detail.startswith("kept: ")
        assert company.stands() == before


def test_what_was_changed_between_the_look_and_the_deletion_is_kept_too() -> None:
    """The look of a minute ago does not count."""
    with a_company() as company:
        effect = a_company_effect()
        sent, image = company.apply(effect)
        inverse = DESTINATION.inverse(effect, sent.receipt, image)
        stands = company.look(inverse)
        assert DESTINATION.changed_since(effect, sent.receipt, stands) == []
        _somebody(company, str(sent.reference), "set another property")
        assert company.send(inverse, stands).meaning == "refused"


def test_a_merged_record_is_another_one() -> None:
    """Its old id leads to what became of it, which is not what we wrote to: nothing is restored there."""
    with a_company() as company:
        id = company.make("companies", stripe_customer_id="cus_1", plan="basic")
        effect = a_company_effect(plan="pro")
        sent, image = company.apply(effect)
        company.by_hand("merge", "companies", id, other=company.make("companies", name="Other"))
        inverse = DESTINATION.inverse(effect, sent.receipt, image)
        stands = company.look(inverse)
        assert DESTINATION.changed_since(effect, sent.receipt, stands) == ["another company stands there now"]
        before = company.stands()
        assert company.send(inverse, stands).meaning == "refused"
        assert company.stands() == before


def test_reading_back_finds_the_wrong_record_out() -> None:
    """An answer that names a record with the same values and another customer."""
    with a_company() as company:
        effect = a_company_effect(plan="pro")
        sent, _ = company.apply(effect)
        other = company.make("companies", stripe_customer_id="cus_2", plan="pro")
        assert DESTINATION.read_back(company.http, effect, replace(sent, reference=other)) == [
            "stripe_customer_id is not what the company was found by"
        ]
