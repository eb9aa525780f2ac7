"""Questions to Stripe: complete or not at all, and what is not there is a missing record, not an empty one."""

from datetime import timedelta

import httpx
import pytest
from stripe_account import BASE, D, an_account

from destinations import http
from destinations.stripe import reads
from destinations.stripe.reads import TooMany, Unreadable
from exceptions_queue.failures import ContextMissing


def test_an_invoice_comes_with_all_of_its_lines() -> None:
    """Stripe puts ten of them into the invoice; the sum is of all."""
    with an_account() as account:
        draft = account.api.a_draft(*range(1, 24))
        found = reads.invoice(account.reader, draft["id"])
        assert sum(line["amount"] for line in found["lines"]["data"]) == found["total"] == sum(range(1, 24))
        assert found["lines"]["has_more"] is False


def test_lists_are_read_page_by_page() -> None:
    """More than one page of a hundred."""
    with an_account() as account:
        for number in range(230):
            account.api.post("customers", name=str(number))
        names = [each["name"] for each in reads.every(account.reader, "/v1/customers")]
        assert sorted(names, key=int) == [str(number) for number in range(230)]


def test_a_list_without_an_end_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises instead of giving a part of it."""
    monkeypatch.setattr(reads, "ENTRIES_MAX", 100)
    with an_account() as account:
        for number in range(101):
            account.api.post("customers", name=str(number))
        with pytest.raises(TooMany):
            list(reads.every(account.reader, "/v1/customers"))


def test_the_parts_of_a_payout_add_up() -> None:
    """Charges, fees and the payout itself come to zero."""
    with an_account() as account:
        for amount in (5000, 700):
            account.api.a_charge(amount)
        payout = account.api.do("payout", currency="eur")
        parts = reads.payout_parts(account.reader, payout["id"])
        assert len(parts) == 3
        assert sum(part["net"] for part in parts) == 0
        assert reads.payout(account.reader, payout["id"])["amount"] > 0


def test_events_are_listed_by_type_time_and_delivery() -> None:
    """What reconciling asks: the newest first, bounded when one wants."""
    with an_account() as account:
        account.api.a_customer()
        account.api.clock.advance(3600)
        since = account.now() - timedelta(minutes=1)
        account.api.a_paid_invoice(5000)
        asked = {"types": ["customer.created", "invoice.paid"], "created_gte": since}
        found = list(reads.events(account.reader, **asked))
        assert sorted(event["type"] for event in found) == ["customer.created", "invoice.paid"]
        assert len(list(reads.events(account.reader, **asked, entries_max=1))) == 1
        assert len(list(reads.events(account.reader, types=["customer.created"]))) == 2
        for hook in account.api.exchange.hooks():
            account.api.exchange.settle(hook, taken=True)
        assert list(reads.events(account.reader, delivery_success=False)) == []


@pytest.mark.parametrize("ask", ["invoice", "charge", "customer", "subscription", "payout"])
def test_what_is_not_there_is_a_missing_record(ask: str) -> None:
    """It waits and looks again; what Stripe could not tell is another matter and is no missing record."""
    with an_account() as account:
        with pytest.raises(ContextMissing, match="xx_1"):
            getattr(reads, ask)(account.reader, "xx_1")
        for kind in ("garbled", "status", "rate_limited"):
            account.api.fault(kind, method="GET")
            with pytest.raises(Unreadable):
                getattr(reads, ask)(account.reader, "xx_1")


def test_a_deleted_customer_is_not_there() -> None:
    """Stripe answers with a stub that says so."""
    with an_account() as account:
        id = account.api.a_customer()["id"]
        assert reads.customer(account.reader, id)["id"] == id
        account.api.ask("DELETE", f"customers/{id}")
        with pytest.raises(ContextMissing):
            reads.customer(account.reader, id)


@pytest.mark.parametrize(
    "body",
    [
        {"object": "list", "data": []},
        {"object": "list", "data": [], "has_more": True},
        {"object": "list", "data": [], "has_more": "no"},
        {"object": "list", "data": ["cus_1"], "has_more": False},
        {"object": "list", "has_more": False},
        {"object": "list", "data": [{"name": "without an id"}], "has_more": False},
        {"data": [], "has_more": False},
        [],
        None,
    ],
)
def test_a_list_that_is_not_shaped_like_one_is_not_empty(body: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in it would mean that something did not happen."""
    monkeypatch.setitem(http.IN_PROCESS, BASE, httpx.MockTransport(lambda _: httpx.Response(200, json=body)))
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_secretsecret")
    monkeypatch.setenv("STRIPE_API_BASE", BASE)
    with pytest.raises(Unreadable):
        list(reads.every(D.connect(write=False), "/v1/customers"))
