"""A pause under load: within seconds nothing goes out, nothing is lost, and afterwards all of it goes in its order."""

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from company import Company, Founding
from standins import Standin, unix_seconds
from stripe_side import Paid, Sender, an_invoice_paid

#: What the interface promises.
EFFECT_SECONDS = 5.0
#: How long the silence is listened to after that.
LISTEN_SECONDS = 1.5


class Staff(NamedTuple):
    """A company whose handler writes to Stripe's stand-in."""

    company: Company
    sender: Sender
    stripe: Standin


@pytest.fixture(scope="module")
def staff(found: Founding) -> Iterator[Staff]:
    """One worker that sends one thing at a time, so that there is an order to be seen."""
    stripe = Standin("stripe", env={})
    company, sender = found(
        COUNTERFOIL_HANDLERS="outward_handlers",
        COUNTERFOIL_SENDER_THREADS="1",
        STRIPE_API_BASE=stripe.url,
        STRIPE_API_KEY="sk_test_sandbox",
        STRIPE_MODE="any",
    )
    yield Staff(company, sender, stripe)
    stripe.close()


def in_order(count: int, number: str) -> list[Paid]:
    """Payments that happened one second after the other."""
    events = []
    for second in range(count):
        paid = an_invoice_paid(number=number)
        body = json.loads(paid.body)
        body["created"] += second
        events.append(Paid(paid.event, paid.invoice, json.dumps(body).encode()))
    return events


def keys(events: list[Paid]) -> list[str]:
    return [f"stripe:invoice:{one.invoice}:customer" for one in events]


@pytest.mark.parametrize(("scope", "name"), [("destination", "stripe"), ("handler", "invoice_paid")])
def test_nothing_goes_out_while_it_is_paused_and_nothing_is_lost(staff: Staff, scope: str, name: str) -> None:
    """Load before, during and after; later than five seconds after the command nothing arrives; then all, in order.

    Fails without the pauses in the claim of writes (`FREE_TO_GO`), without parking in `engine.steps.placing`, when a
    look at the controls grows old, or when a pause lets an event end as failed.
    """
    company, sender, stripe = staff
    early, late = in_order(15, "EARLY"), in_order(40, "LATE")
    company.finish(sender.start(early, every_seconds=0.02))
    company.wait_until(lambda: len(made(stripe, early)) >= 3, 10, "the load goes out")
    company.command("pause", scope, name, "--reason", "the month is closed", "--as", "ines")
    paused_at = unix_seconds()
    delivered = sender.start(late, every_seconds=0.05)
    company.pause(EFFECT_SECONDS + LISTEN_SECONDS)
    company.finish(delivered)
    arrived = [entry["at"] for entry in stripe.posts() if entry["key"] in keys(early) + keys(late)]
    assert [at - paused_at for at in arrived if at > paused_at + EFFECT_SECONDS] == []
    assert made(stripe, late) == []
    company.check_promises()
    lifted_at = unix_seconds()
    company.command("resume", scope, name, "--reason", "it is open again", "--as", "ines")
    company.wait_until_done(early + late)
    drained = [entry["key"] for entry in stripe.posts() if entry["at"] > lifted_at and entry["key"] in keys(late)]
    assert drained == (keys(late) if scope == "handler" else as_planned(company, late))
    assert sorted(made(stripe, early + late)) == sorted(keys(early + late))


def made(stripe: Standin, events: list[Paid]) -> list[str]:
    """The keys of requests that arrived, each as often as it did."""
    wanted = set(keys(events))
    return [entry["key"] for entry in stripe.posts() if entry["key"] in wanted]


def as_planned(company: Company, events: list[Paid]) -> list[str]:
    """The keys in the order in which their writes were planned."""
    rows = company.rows(
        "SELECT key FROM writes WHERE key = ANY(%s) ORDER BY created_at, order_at, order_key", keys(events)
    )
    return [row["key"] for row in rows]
