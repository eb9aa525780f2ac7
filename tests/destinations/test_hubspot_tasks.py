"""Tasks at HubSpot: no natural key, so they carry ours, and are looked for before anything is sent again."""

from datetime import UTC, datetime

import pytest
from hubspot_company import KEY, Company, a_company, a_task_effect

from counterfoil.keys import short_hash
from destinations.base import Effect
from destinations.hubspot import DESTINATION, create_task
from destinations.remote import Image
from sandbox.hubspot.kinds import TASK
from sandbox.hubspot.properties import Property

NOTHING = Image(None)


def _unanswered(company: Company, effect: Effect, fault: str) -> None:
    company.fault(fault, method="POST", path="/crm/v3/objects/tasks")
    assert company.send(effect, NOTHING).meaning == "unknown"
    company.exchange.faults.clear()


def _about_nothing(key: str = "hubspot:in_1:failed:1") -> Effect:
    return create_task(
        key=key,
        subject="s",
        title="Payment failed",
        text="",
        due=datetime(2026, 1, 3, tzinfo=UTC),
        associations=[],
    )


def test_a_task_carries_the_key_where_people_do_not_see_it() -> None:
    """In the property for it, when the account has one."""
    with a_company(markers=True) as company:
        company.apply(a_task_effect(company.make("companies", name="E")))
        (task,) = company.records("tasks")
        assert task["properties"]["counterfoil_key"] == "hubspot:in_1:failed:1"
        assert "counterfoil" not in task["properties"]["hs_task_body"]


def test_without_a_property_the_key_is_the_last_line() -> None:
    """Short, so that a person can read over it; what a customer wrote stays text."""
    with a_company(markers=False) as company:
        company.apply(a_task_effect(company.make("companies", name="E")))
        (task,) = company.records("tasks")
        assert task["properties"]["hs_task_body"] == (
            "Ask for another card.<br>Attempt 1 &amp; counting &lt;soon&gt;"
            f"<br>[counterfoil {short_hash('hubspot:in_1:failed:1')}]"
        )


@pytest.mark.parametrize("markers", [True, False])
def test_a_task_is_found_among_those_of_its_company_at_once(markers: bool) -> None:
    """That list does not lag; the search does."""
    with a_company(markers=markers, search_lag_seconds=3600.0) as company:
        effect = a_task_effect(company.make("companies", name="E"))
        _unanswered(company, effect, "drop_after")
        finding = company.probe(effect, NOTHING)
        assert finding.outcome == "happened"
        assert finding.reference == company.records("tasks")[0]["id"]


@pytest.mark.parametrize("markers", [True, False])
def test_a_task_about_nothing_is_found_once_the_search_has_caught_up(markers: bool) -> None:
    """Until then nobody knows, and nothing is sent."""
    with a_company(markers=markers) as company:
        effect = _about_nothing()
        _unanswered(company, effect, "drop_after")
        assert company.probe(effect, NOTHING).outcome == "unknown"
        company.clock.advance(30)
        assert company.probe(effect, NOTHING).outcome == "happened"


@pytest.mark.parametrize("markers", [True, False])
def test_the_task_of_another_key_is_not_ours(markers: bool) -> None:
    """The same title, the same company, the attempt before."""
    with a_company(markers=markers) as company:
        id = company.make("companies", name="E")
        company.apply(a_task_effect(id, key="hubspot:in_1:failed:1"))
        company.sent_at.clear()
        effect = a_task_effect(id, key="hubspot:in_1:failed:2")
        _unanswered(company, effect, "drop_before")
        company.clock.advance(30)
        assert company.probe(effect, NOTHING).outcome == "did_not_happen"


def test_a_search_that_is_not_read_to_its_end_proves_nothing() -> None:
    """More tasks of one title than are read, none of those read is ours."""
    with a_company(markers=False) as company:
        effect = _about_nothing()
        _unanswered(company, effect, "drop_before")
        for number in range(101):
            company.by_hand(
                "create",
                "tasks",
                properties={
                    "hs_task_subject": "Payment failed",
                    "hs_timestamp": "2026-01-03",
                    "hs_task_body": str(number),
                },
            )
        company.clock.advance(60)
        assert company.probe(effect, NOTHING).outcome == "unknown"


def test_a_property_that_was_added_meanwhile_confuses_nobody() -> None:
    """Sent with the key as a line, looked for by another worker that knows the property."""
    with a_company(markers=False) as company:
        effect = _about_nothing()
        _unanswered(company, effect, "drop_after")
        company.standin.crm.catalogue.add(TASK, Property(KEY))
        company.clock.advance(60)
        company.http = company.another_client()
        assert company.probe(effect, NOTHING).outcome == "happened"


def test_tasks_that_carry_one_key_twice_are_told() -> None:
    """It must never be; if it is, the oldest is ours and the receipt names all."""
    with a_company() as company:
        effect = a_task_effect(company.make("companies", name="E"))
        sent, _ = company.apply(effect)
        copy = company.by_hand(
            "create",
            "tasks",
            properties={"hs_timestamp": "2026-01-03", "counterfoil_key": effect.key},
        )["id"]
        company.by_hand("associate", "tasks", copy, to_kind="companies", to=effect.body["associations"][0]["id"])
        company.clock.advance(60)
        finding = company.probe(effect, NOTHING)
        assert finding.reference == sent.reference
        assert finding.receipt["ids"] == [sent.reference, copy]
        assert "2 tasks" in finding.detail


@pytest.mark.parametrize(
    "change", [{"hs_task_status": "COMPLETED"}, {"hs_task_subject": "Mine"}, {"hubspot_owner_id": "9002"}]
)
def test_a_task_that_somebody_worked_on_is_kept(change: dict[str, str]) -> None:
    """Done, renamed or handed over: it is theirs now."""
    with a_company() as company:
        effect = a_task_effect(company.make("companies", name="E"))
        sent, image = company.apply(effect)
        company.by_hand("edit", "tasks", str(sent.reference), properties=change)
        inverse = DESTINATION.inverse(effect, sent.receipt, image)
        for looked in (company.look(inverse), company.look(effect)):
            assert DESTINATION.changed_since(effect, sent.receipt, looked)
        assert company.send(inverse, company.look(inverse)).meaning == "refused"
        assert len(company.records("tasks")) == 1


def test_an_owner_who_does_not_exist_is_refused_by_name_of_the_property() -> None:
    """So that a person knows where to look."""
    with a_company() as company:
        effect = a_task_effect(company.make("companies", name="E"))
        effect.body["owner_id"] = "12345"
        sent = company.send(effect, NOTHING)
        assert sent.meaning == "refused"
        assert "hubspot_owner_id" in sent.detail


def test_reading_back_sees_what_is_missing() -> None:
    """The key gone, the company gone, another title: each is said."""
    with a_company() as company:
        at = company.make("companies", name="E")
        effect = a_task_effect(at)
        sent, _ = company.apply(effect)
        id = str(sent.reference)
        company.by_hand("dissociate", "tasks", id, to_kind="companies", to=at)
        company.by_hand("edit", "tasks", id, properties={KEY: "other", "hs_task_subject": "Mine"})
        assert DESTINATION.read_back(company.http, effect, sent) == [
            "the title does not stand there as sent",
            "our key does not stand there",
            f"it is not associated with companies/{at}",
        ]


def test_whether_there_is_a_property_for_the_key_is_learned_before_anything_is_sent() -> None:
    """An answer that does not say is no answer; nothing was written, so it is asked again later."""
    with a_company() as company:
        effect = a_task_effect(company.make("companies", name="E"))
        for kind, more in (("status", {"status": 503}), ("garbled", {}), ("drop_after", {}), ("bare_error", {})):
            company.http = company.another_client()
            company.fault(kind, path=f"*/properties/tasks/{KEY}", **more)
            assert company.send(effect, NOTHING).meaning == "retry"
        assert company.records("tasks") == []
