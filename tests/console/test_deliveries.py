"""What `counterfoil send` posts: real in every respect but its identity and its time."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

import contracts
from console import deliveries
from console.deliveries import Unsigned
from ingest.providers import find
from ingest.providers.base import Provider, Received, Rejected, Request

NOW = datetime(2026, 11, 21, 12, 0, 0, 500_000, tzinfo=UTC)
URL = "https://hooks.example.com/webhooks/x"
PROVIDERS = find()
#: A secret that suits every provider: hex for one, base64 for another.
SECRETS = {"adyen": "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056", "chargebee": "name:password"}


def every_sample() -> Iterator[tuple[Provider, Unsigned]]:
    """Every provider with every sample of it."""
    for provider in PROVIDERS.values():
        for sample in deliveries.samples(provider).values():
            yield provider, sample


def signed(provider: Provider, unsigned: Unsigned, *, tamper: bool = False) -> Request:
    """The request as the door sees it."""
    secret = SECRETS.get(provider.name, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = deliveries.signed(provider, unsigned, secret=secret, now=NOW.timestamp(), url=URL, tamper=tamper)
    headers = {name.lower(): value for name, value in made.headers.items()}
    request = Request("POST", URL, headers, made.body)
    provider.verify(request, [secret], NOW.timestamp())
    return request


def the_event(provider: Provider, unsigned: Unsigned) -> Received:
    """The event that the door would record."""
    event = provider.split(signed(provider, unsigned))[0]
    assert isinstance(event, Received)
    return event


def fresh(provider: Provider, sample: Unsigned, seed: int = 1) -> Unsigned:
    """The sample, made fresh."""
    return deliveries.Freshener(NOW, random.Random(seed)).freshen(provider, sample)


@pytest.mark.parametrize(
    ("provider", "sample"), list(every_sample()), ids=lambda value: getattr(value, "name", None) or value.type
)
def test_every_sample_is_accepted_fresh(provider: Provider, sample: Unsigned) -> None:
    """Signed, verified, split; happened just now, under an identity that was never seen."""
    event = the_event(provider, fresh(provider, sample))
    if event.occurred_at is not None and "triggered" not in str(sample.headers):
        assert timedelta() <= NOW - event.occurred_at < timedelta(seconds=2)
    if b"{" in sample.body[:2]:
        assert event.key != the_event(provider, sample).key
        assert event.key != the_event(provider, fresh(provider, sample, seed=2)).key


@pytest.mark.parametrize("provider", [one for one in PROVIDERS.values() if one.signed == "body"], ids=lambda p: p.name)
def test_one_changed_byte_is_refused(provider: Provider) -> None:
    """Where a signature covers the body, which is nearly everywhere."""
    for sample in deliveries.samples(provider).values():
        with pytest.raises(Rejected):
            signed(provider, fresh(provider, sample), tamper=True)


def test_a_fresh_invoice_still_keeps_its_contract() -> None:
    """Ids and times move together: nothing that must agree stops agreeing."""
    for kind in ("invoice.paid", "invoice.paid@2024-06-20"):
        made = fresh(PROVIDERS["stripe"], deliveries.get_sample(PROVIDERS["stripe"], kind))
        event = the_event(PROVIDERS["stripe"], made)
        contract = contracts.find("stripe", event.type, event.api_version, made.body)
        paid = contract.check(made.body)
        assert paid.amount() is not None
        assert json.loads(made.body)["data"]["object"]["id"] == (event.subject or "").removeprefix("stripe:")


def test_duplicates_are_one_event_byte_for_byte() -> None:
    """Three events, each twice more: nine deliveries, three identities."""
    stripe = PROVIDERS["stripe"]
    sample = deliveries.get_sample(stripe, "invoice.paid")
    wanted = deliveries.planned(stripe, sample, now=NOW, chance=random.Random(1), count=3, duplicate=2)
    keys = [the_event(stripe, one).key for one in wanted]
    assert (len(keys), len(set(keys))) == (9, 3)
    assert wanted[0].body == wanted[1].body == wanted[2].body != wanted[3].body


@pytest.mark.parametrize(
    ("name", "kind"), [("stripe", "invoice.paid"), ("hubspot", "deal.propertyChange"), ("intercom", "contact.created")]
)
def test_a_story_is_told_backwards(name: str, kind: str) -> None:
    """Different events about one object, the newest first."""
    provider = PROVIDERS[name]
    sample = deliveries.get_sample(provider, kind)
    wanted = deliveries.planned(provider, sample, now=NOW, chance=random.Random(1), reorder=True)
    events = [the_event(provider, one) for one in wanted]
    moments = [event.occurred_at for event in events]
    assert len(events) >= 2
    assert len({event.subject for event in events}) == 1
    assert len({event.key for event in events}) == len(events)
    assert moments == sorted(moments, reverse=True)  # type: ignore[type-var]


def test_kept_ids_are_kept() -> None:
    """`--keep-ids` sends the sample as it is."""
    stripe = PROVIDERS["stripe"]
    sample = deliveries.get_sample(stripe, "invoice.paid")
    assert list(deliveries.planned(stripe, sample, now=NOW, chance=random.Random(1), keep_ids=True)) == [sample]


def test_there_are_samples_enough_to_try_things_out() -> None:
    """At least 20 Stripe types and 8 HubSpot kinds, and one of every other provider; a wrong one lists them."""
    counts = {name: len(deliveries.samples(provider)) for name, provider in PROVIDERS.items()}
    assert counts["stripe"] >= 20
    assert counts["hubspot"] >= 8
    assert all(counts.values())
    with pytest.raises(deliveries.SampleUnknown, match=r"invoice\.paid, invoice"):
        deliveries.get_sample(PROVIDERS["stripe"], "invoice.payed")
