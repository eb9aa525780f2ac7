"""The official Stripe library works against the stand-in over real HTTP, faults included."""

import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest
import stripe

from sandbox.standin.faults import Fault
from sandbox.standin.serve import Served, serving
from sandbox.stripe.core import Stripe


@pytest.fixture(scope="module")
def module_served() -> Iterator[Served]:
    with serving(Stripe) as served:
        yield served


@pytest.fixture
def served(module_served: Served) -> Served:
    """A stand-in over HTTP, empty."""
    module_served.exchange.reset()
    return module_served


def _client(served: Served, key: str = "sk_test_sandbox", retries: int = 0) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": served.url},
        max_network_retries=retries,
        http_client=stripe.HTTPXClient(timeout=2, allow_sync_methods=True),
    )


@pytest.fixture
def client(served: Served) -> stripe.StripeClient:
    return _client(served)


def _draft(client: stripe.StripeClient, *amounts: int) -> stripe.Invoice:
    customer = client.v1.customers.create({"email": "ada@example.com", "metadata": {"crm": "1"}})
    draft = client.v1.invoices.create({"customer": customer.id, "currency": "eur", "metadata": {"deal": "9"}})
    for amount in amounts:
        client.v1.invoice_items.create(
            {"customer": customer.id, "invoice": draft.id, "amount": amount, "currency": "eur", "description": "Seats"}
        )
    return client.v1.invoices.retrieve(draft.id)


def _paid(client: stripe.StripeClient, amount: int = 5000) -> tuple[stripe.Invoice, stripe.Charge]:
    paid = client.v1.invoices.pay(_draft(client, amount).id)
    link = client.v1.invoice_payments.list({"invoice": paid.id}).data[0]
    intent = client.v1.payment_intents.retrieve(str(link.payment.payment_intent))
    return paid, client.v1.charges.retrieve(str(intent.latest_charge))


def test_customers(client: stripe.StripeClient, served: Served) -> None:
    """Made, changed, listed, found, deleted."""
    made = client.v1.customers.create({"email": "ada@example.com", "name": "Ada", "address": {"city": "Paris"}})
    assert (made.address.city if made.address else None) == "Paris"
    changed = client.v1.customers.update(made.id, {"metadata": {"crm": "1"}})
    assert changed.metadata is not None
    assert changed.metadata["crm"] == "1"
    assert [each.id for each in client.v1.customers.list({"email": "ada@example.com"}).data] == [made.id]
    served.clock.advance(1)
    assert [each.id for each in client.v1.customers.search({"query": "metadata['crm']:'1'"}).data] == [made.id]
    assert client.v1.customers.delete(made.id).deleted is True
    assert client.v1.customers.retrieve(made.id).deleted is True


def test_a_list_is_walked_to_its_end(client: stripe.StripeClient) -> None:
    """The library follows the cursors."""
    for number in range(7):
        client.v1.customers.create({"name": str(number)})
    names = [each.name for each in client.v1.customers.list({"limit": 3}).auto_paging_iter()]
    assert names == ["6", "5", "4", "3", "2", "1", "0"]


def test_a_draft_invoice_with_items(client: stripe.StripeClient) -> None:
    """From draft to deleted, and from draft to void."""
    draft = _draft(client, 1000, 250)
    assert (draft.status, draft.total, len(draft.lines.data)) == ("draft", 1250, 2)
    assert [item.amount for item in client.v1.invoice_items.list({"invoice": draft.id}).data] == [250, 1000]
    assert [line.amount for line in client.v1.invoices.line_items.list(draft.id).data] == [1000, 250]
    assert client.v1.invoices.delete(draft.id).deleted is True
    other = client.v1.invoices.finalize_invoice(_draft(client, 10).id)
    assert client.v1.invoices.void_invoice(other.id).status == "void"


def test_money_goes_back(client: stripe.StripeClient) -> None:
    """Refund and credit note."""
    paid, charge = _paid(client)
    refund = client.v1.refunds.create({"charge": charge.id, "amount": 1500, "metadata": {"case": "7"}})
    assert (refund.amount, refund.status) == (1500, "succeeded")
    assert [each.id for each in client.v1.refunds.list({"charge": charge.id}).data] == [refund.id]
    note = client.v1.credit_notes.create({"invoice": paid.id, "amount": 500, "credit_amount": 500})
    assert client.v1.credit_notes.update(note.id, {"memo": "sorry"}).memo == "sorry"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"charge": charge.id, "amount": 9999})
    assert refused.value.param == "amount"


def test_subscriptions(client: stripe.StripeClient) -> None:
    """Made, changed, cancelled."""
    product = client.v1.products.create({"name": "Team"})
    price = client.v1.prices.create(
        {"currency": "eur", "unit_amount": 2900, "product": product.id, "recurring": {"interval": "month"}}
    )
    customer = client.v1.customers.create({"email": "ada@example.com"})
    made = client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id, "quantity": 2}]})
    item = made.items.data[0]
    assert (made.status, item.quantity) == ("active", 2)
    changed = client.v1.subscriptions.update(made.id, {"items": [{"id": item.id, "quantity": 4}]})
    assert changed.items.data[0].quantity == 4
    assert client.v1.subscriptions.cancel(made.id).status == "canceled"


def test_events_payouts_and_balance(client: stripe.StripeClient, served: Served) -> None:
    """What reconciliation reads."""
    _paid(client)
    kinds = [event.type for event in client.v1.events.list({"types": ["invoice.paid", "charge.succeeded"]}).data]
    assert sorted(kinds) == ["charge.succeeded", "invoice.paid"]
    payout = served.standin.do({"action": "payout", "currency": "eur"})
    parts = client.v1.balance_transactions.list({"payout": payout["id"]}).data
    assert sum(part.net for part in parts) == 0
    assert client.v1.payouts.retrieve(payout["id"]).amount == payout["amount"]
    assert client.v1.balance.retrieve().object == "balance"


def test_a_thin_event_is_read_by_its_id(client: stripe.StripeClient, served: Served) -> None:
    """By the library's own call for events of version 2."""
    customer = client.v1.customers.create({})
    thin_id = next(iter(served.standin.worlds[None, False].outbox.thin_ids))  # type: ignore[attr-defined]
    found = client.v2.core.events.retrieve(thin_id)
    assert found.type == "v1.customer.created"
    assert found.related_object is not None  # type: ignore[attr-defined]
    assert found.related_object.id == customer.id  # type: ignore[attr-defined]


def test_a_key_is_replayed_and_guarded(client: stripe.StripeClient, served: Served) -> None:
    """The library's own errors for a key with other parameters and for one in use."""
    first = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    again = client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})
    assert first.id == again.id
    assert again.last_response is not None
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "Grace"}, {"idempotency_key": "k"})
    served.exchange.faults.add(Fault("slow", seconds=60))
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"name": "Eve"}, {"idempotency_key": "slow"})
    with pytest.raises(stripe.StripeError) as running:
        client.v1.customers.create({"name": "Eve"}, {"idempotency_key": "slow"})
    assert running.value.http_status == 409
    assert running.value.json_body["error"]["code"] == "idempotency_key_in_use"


@pytest.mark.parametrize("kind", ["drop_after", "reset_after", "truncated", "hang_after"])
def test_the_librarys_own_retry_makes_one_effect(served: Served, kind: str) -> None:
    """It repeats with the key that it invented for the call."""
    served.exchange.faults.add(Fault(kind))
    _client(served, retries=2).v1.customers.create({"name": "Ada"})
    assert len(served.standin.state()["test"]["customer"]) == 1
    assert len({entry.key for entry in served.exchange.journal}) == 1
    assert len(served.exchange.journal) == 2


def test_errors_are_the_librarys_own(served: Served) -> None:
    """Each status becomes the class that a client catches."""
    client = _client(served)
    for fault, error in (
        (Fault("rate_limited"), stripe.RateLimitError),
        (Fault("status", status=500), stripe.APIError),
        (Fault("garbled"), (stripe.APIError, AttributeError, TypeError)),
        (Fault("drop_before"), stripe.APIConnectionError),
    ):
        served.exchange.faults.add(fault)
        with pytest.raises(error):
            assert client.v1.customers.list().data is not None
    with pytest.raises(stripe.PermissionError):
        _client(served, "rk_test_shadow_ro").v1.customers.create({})
    with pytest.raises(stripe.AuthenticationError):
        _client(served, "pk_test_1").v1.customers.list()
    made = client.v1.customers.create({})
    draft = client.v1.invoices.create({"customer": made.id})
    client.v1.invoice_items.create({"customer": made.id, "invoice": draft.id, "amount": 5, "currency": "usd"})
    served.standin.do({"action": "decline", "customer": made.id})
    with pytest.raises(stripe.CardError):
        client.v1.invoices.pay(draft.id)


def test_it_runs_as_a_command_of_its_own() -> None:
    """Another process, found by the address it prints."""
    command = [sys.executable, "-m", "sandbox.stripe", "--port", "0", "--search-lag", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        headers = {"Authorization": "Bearer sk_test_1"}
        made = httpx.post(f"{url}/v1/customers", data={"email": "a@example.com"}, headers=headers).json()
        found = httpx.get(f"{url}/v1/customers/search", params={"query": "email:'a@example.com'"}, headers=headers)
        assert [each["id"] for each in found.json()["data"]] == [made["id"]]
    finally:
        process.terminate()
    process.wait(10)
    assert process.stdout.read() == ""
    process.stdout.close()
