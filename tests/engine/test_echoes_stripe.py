"""What our own writes cause at Stripe comes back under the key of the request: known for ours, and nothing else is."""

from collections.abc import Iterator

import pytest
from listening_stripe import StripeListener, a_stripe_listener

from counterfoil import database
from ingest.providers.stripe import PROVIDER

REFUND = ("refund.created", "charge.refunded")


@pytest.fixture
def company(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeListener]:
    """A company that hears what it writes."""
    with a_stripe_listener(conn, monkeypatch) as made:
        yield made


def _a_charge(company: StripeListener) -> str:
    """A charge of fifty, of which nothing is to be heard any more; its id."""
    found: str = company.stripe.a_charge(5000)["id"]
    company.stripe.told()
    return found


def test_every_event_of_one_request_is_ours(company: StripeListener) -> None:
    """A refund makes several: the state is no news, the fact is booked like any other, all are linked to the write."""
    company.refund(_a_charge(company))
    write = company.write()
    assert write["status"] == "confirmed"
    heard = company.hear()
    assert set(heard) == set(REFUND)
    assert {event["caused_by"] for event in heard.values()} == {write["key"]}
    assert heard["refund.created"]["status"] == "ignored"
    assert heard["refund.created"]["outcome"] == f"caused by our own write {write['key']}"
    assert heard["charge.refunded"]["status"] == "done"


def test_a_thin_notification_tells_it_too(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key stands in its reason."""
    with a_stripe_listener(conn, monkeypatch, hook_form="thin") as company:
        company.tell("ticket.creation", 1, company.stripe.clock())
        company.work()
        heard = company.hear()
        assert [(event["type"], event["caused_by"]) for event in heard.values()] == [
            ("customer.created", "stripe:customer:1")
        ]


def test_what_somebody_does_right_after_us_is_genuine(company: StripeListener) -> None:
    """Another refund of the same charge and amount in the same second, by hand or by a program of somebody's own."""
    charge = _a_charge(company)
    company.refund(charge)
    company.stripe.told()
    for key in (None, "their-own-key"):
        company.stripe.clock.advance(0.2)
        company.stripe.post("refunds", key=key, charge=charge, amount=1000)
        heard = company.hear(*REFUND)
        assert [(event["status"], event["caused_by"]) for event in heard.values()] == [("done", None)] * 2


def test_an_event_before_the_answer_is_ours_and_speaks_for_the_write(company: StripeListener) -> None:
    """The answer is lost: the key is certain all the same, nothing waits, and the write is asked about at once."""
    charge = _a_charge(company)
    company.stripe.fault("drop_after", method="POST", path="/v1/refunds")
    company.refund(charge)
    write = company.write()
    assert write["status"] == "in_doubt"
    heard = company.hear(*REFUND)
    assert [event["status"] for event in heard.values()].count("waiting") == 0
    assert {event["caused_by"] for event in heard.values()} == {write["key"]}
    after = company.write()
    assert any(f"the event {event['id']} speaks for its having happened" in after["detail"] for event in heard.values())
    assert after["due_at"] < write["due_at"]
    company.later()
    assert company.write()["status"] == "confirmed"
    assert len(company.stripe.get("refunds")["data"]) == 1


def test_a_copy_of_an_event_explains_nothing_more(company: StripeListener) -> None:
    """Stripe repeats itself: the same event is one event and one link, replayed too."""
    company.refund(_a_charge(company))
    hooks = company.stripe.exchange.hooks()
    bodies = [hook.body for hook in hooks]
    company.take(PROVIDER, bodies + bodies)
    company.run()
    links = company.rows("SELECT event_id FROM echoes")
    assert len(links) == len(hooks)
    with company.conn.transaction():
        company.conn.execute(
            "UPDATE events SET status = 'queued', due_at = now(), generation = 1 WHERE provider = 'stripe'"
        )
    company.run()
    assert company.rows("SELECT event_id FROM echoes") == links


def test_what_we_delete_is_known_without_a_key(company: StripeListener) -> None:
    """Deleting takes none: the thing is deleted once, so the event of it belongs to the write that did it."""
    company.tell("ticket.creation", 1, company.stripe.clock())
    company.work()
    company.stripe.told()
    inverse = company.take_back(company.write()["id"])
    (row,) = company.rows("SELECT key, status FROM writes WHERE id = %s", inverse)
    assert row["status"] == "confirmed"
    heard = company.hear("customer.deleted")
    assert heard["customer.deleted"]["caused_by"] == row["key"]


def test_what_somebody_else_deleted_is_theirs(company: StripeListener) -> None:
    """The customer was gone when we came to delete it."""
    company.tell("ticket.creation", 1, company.stripe.clock())
    company.work()
    customer = company.write()["receipt"]["reference"]
    company.stripe.ask("DELETE", f"customers/{customer}")
    company.take_back(company.write()["id"])
    heard = company.hear("customer.deleted")
    assert heard["customer.deleted"]["caused_by"] is None
