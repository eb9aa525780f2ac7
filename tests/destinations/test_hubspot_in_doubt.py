"""HubSpot, whatever breaks on the way: one effect, true findings, and nothing told that is nobody's business."""

from collections.abc import Callable
from typing import Any

import pytest
from hubspot_company import (
    BASE,
    READ_TOKEN,
    TOKEN,
    Company,
    a_company,
    a_company_effect,
    a_contact_effect,
    a_deal_effect,
    a_task_effect,
    a_ticket_effect,
    an_association_effect,
)

from destinations.base import Effect
from destinations.http import Http
from destinations.hubspot import DESTINATION
from destinations.hubspot.api import is_read
from sandbox.standin.faults import KINDS

#: Each makes what its effect needs, and the effect.
Setting = Callable[[Company], Effect]


def _company_made(company: Company) -> Effect:
    return a_company_effect()


def _company_set(company: Company) -> Effect:
    company.make("companies", stripe_customer_id="cus_1", plan="basic", mrr="9", name="Example Ltd")
    return a_company_effect()


def _contact_made(company: Company) -> Effect:
    return a_contact_effect()


def _contact_set(company: Company) -> Effect:
    company.make("contacts", email="ada@example.com", phone="+1 555 0000", firstname="Ada")
    return a_contact_effect()


def _by_id(company: Company) -> Effect:
    sent, image = company.apply(_company_set(company))
    return DESTINATION.inverse(a_company_effect(), sent.receipt, image)


def _task(company: Company) -> Effect:
    return a_task_effect(company.make("companies", name="Example Ltd"))


def _task_about_nothing(company: Company) -> Effect:
    effect = a_task_effect("1")
    effect.body["associations"].clear()
    return effect


def _associated(company: Company) -> Effect:
    return an_association_effect(company.make("contacts", email="ada@example.com"), company.make("companies", name="E"))


def _dissociated(company: Company) -> Effect:
    effect = _associated(company)
    sent, image = company.apply(effect)
    return DESTINATION.inverse(effect, sent.receipt, image)


def _archived(company: Company) -> Effect:
    sent, image = company.apply(a_company_effect())
    return DESTINATION.inverse(a_company_effect(), sent.receipt, image)


SETTINGS: dict[str, Setting] = {
    "upsert_company, new": _company_made,
    "upsert_company, there": _company_set,
    "upsert_company, by id": _by_id,
    "upsert_contact, new": _contact_made,
    "upsert_contact, there": _contact_set,
    "upsert_deal": lambda company: a_deal_effect(),
    "upsert_ticket": lambda company: a_ticket_effect(),
    "create_task": _task,
    "create_task, about nothing": _task_about_nothing,
    "associate": _associated,
    "dissociate": _dissociated,
    "archive": _archived,
}
OWN = ("bare_error", "daily_limit")
#: Broken on every way: what the network does, what HubSpot says, and what those before it say.
FAULTS: dict[str, dict[str, Any]] = (
    {kind: {} for kind in (*KINDS, *OWN)}
    | {f"status {status}": {"kind": "status", "status": status} for status in (401, 403, 423, 477, 500, 502, 521, 524)}
    | {f"status {status}, done": {"kind": "status_after", "status": status} for status in (500, 502, 504, 524)}
    | {"empty_batch": {"path": "*/batch/*"}}
    | {"bare 429": {"kind": "bare_error", "status": 429}}
)


def _fault(name: str) -> tuple[str, dict[str, Any]]:
    more = dict(FAULTS[name])
    return more.pop("kind", name), more


def _wanted(setting: str, markers: bool) -> tuple[Any, int]:
    """What stands there when nothing goes wrong, and how many requests that takes."""
    with a_company(markers=markers) as company:
        effect = SETTINGS[setting](company)
        before = len(company.exchange.journal)
        company.apply(effect)
        return company.stands(), len(company.exchange.journal) - before


@pytest.mark.parametrize("markers", [True, False], ids=["with the property", "without"])
@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", FAULTS)
def test_one_effect_whatever_breaks(name: str, setting: str, markers: bool) -> None:
    """Each fault at each request: in the end it stands there once, as if nothing had happened."""
    wanted, requests = _wanted(setting, markers)
    kind, more = _fault(name)
    for skip in range(requests):
        with a_company(markers=markers) as company:
            effect = SETTINGS[setting](company)
            untouched = company.stands()
            company.fault(kind, skip=skip, **more)
            told = company.carry_out(effect)
            company.clock.advance(60)
            company.exchange.catch_up()
            assert told.receipt is not None, (skip, told)
            assert company.stands() == wanted, (skip, told)
            for finding, truth in zip(told.findings, told.truths, strict=True):
                if finding.outcome != "unknown":
                    assert (finding.outcome == "happened") == (truth == wanted), (skip, told)
                    assert (finding.outcome == "did_not_happen") == (truth == untouched), (skip, told)
            told_nothing_private(told.details())


def told_nothing_private(details: str) -> None:
    for private in (TOKEN, "ada@example.com", "Example Ltd", "555"):
        assert private not in details


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_yes_that_is_no_is_noticed(setting: str) -> None:
    """HubSpot answers as if it were done and did nothing: reading back tells."""
    with a_company() as company:
        effect = SETTINGS[setting](company)
        untouched = company.stands()
        for method in ("PUT", "PATCH", "DELETE"):
            company.fault("not_applied", method=method)
        for path in ("*/batch/upsert", "/crm/v3/objects/contacts", "/crm/v3/objects/tasks"):
            company.fault("not_applied", method="POST", path=path)
        told = company.carry_out(effect)
        assert told.differences
        assert company.stands() == untouched
        told_nothing_private(told.details())


@pytest.mark.parametrize("setting", [name for name in SETTINGS if not name.startswith("create_task")])
def test_written_twice_stands_once(setting: str) -> None:
    """The same effect under the same key, sent again by somebody who forgot the first time."""
    wanted, _ = _wanted(setting, True)
    with a_company() as company:
        effect = SETTINGS[setting](company)
        for _ in range(2):
            company.apply(effect)
        assert company.stands() == wanted


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_reader_cannot_write(setting: str) -> None:
    """Neither past the guard below HTTP, nor with a token that may only read."""
    with a_company() as company:
        effect = SETTINGS[setting](company)
        image = company.look(effect)
        untouched = company.stands()
        guarded = Http(BASE, {"Authorization": f"Bearer {TOKEN}"}, write=False, reads=is_read)
        sent = DESTINATION.send(guarded, effect, effect.key, image)
        assert sent.meaning == "refused"
        reader = Http(BASE, {"Authorization": f"Bearer {READ_TOKEN}"}, write=True, reads=is_read)
        sent = DESTINATION.send(reader, effect, effect.key, image)
        assert sent.meaning == "retry"
        assert sent.down
        assert "HUBSPOT_ACCESS_TOKEN" in sent.detail
        assert company.stands() == untouched
