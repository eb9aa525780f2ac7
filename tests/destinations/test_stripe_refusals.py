"""What is not written to Stripe although a plan wants it: other currencies, what is in use, what moved on."""

import pytest
from stripe_account import D, a_customer, a_draft, a_refund, an_account

from contracts.money import Money
from destinations import stripe
from destinations.base import Effect, EffectInvalid
from destinations.references import receipt_of


def test_a_refund_in_another_currency_than_its_charge_is_not_sent() -> None:
    """Stripe takes no currency with it: 20 USD of a charge in EUR would be 20 EUR."""
    with an_account() as account:
        charge = account.api.a_charge(5000)
        sent = account.send(a_refund(charge["id"], Money(2000, "USD")))
        assert sent.meaning == "refused"
        assert "EUR" in sent.detail
        assert account.api.count("refund") == 0


def test_a_credit_note_in_another_currency_than_its_invoice_is_not_sent() -> None:
    """Here too Stripe would take the number as it is."""
    with an_account() as account:
        draft = account.api.a_draft(9000)
        account.api.post(f"invoices/{draft['id']}/finalize")
        note = stripe.create_credit_note(key="k", subject="x", amount=Money(100, "USD"), invoice=draft["id"])
        assert account.send(note).meaning == "refused"
        assert account.api.count("credit_note") == 0


def test_more_than_is_left_is_refused_by_stripe_and_said_so() -> None:
    """The rest of a charge is Stripe's to know; its no is final."""
    with an_account() as account:
        charge = account.api.a_charge(5000)
        assert account.send(a_refund(charge["id"], Money(3000, "EUR"))).meaning == "done"
        sent = account.send(a_refund(charge["id"], Money(3000, "EUR"), key="stripe:refund:2"))
        assert (sent.meaning, sent.receipt["status"]) == ("refused", 400)
        assert account.api.get(f"charges/{charge['id']}")["amount_refunded"] == 3000


def test_a_refund_by_payment_intent_is_of_its_charge() -> None:
    """The image shows the charge that it would lessen, in its currency."""
    with an_account() as account:
        charge = account.api.a_charge(5000)
        amount = Money(500, "EUR")
        effect = stripe.refund(key="k", subject="x", amount=amount, payment_intent=charge["payment_intent"])
        image = D.look(account.client, effect)
        assert (image.fields["charge"], image.fields["amount"], image.fields["currency"]) == (charge["id"], 5000, "EUR")
        sent = D.send(account.client, effect, "k", image)
        assert (sent.meaning, D.read_back(account.client, effect, sent)) == ("done", [])
        assert D.look(account.client, effect).version != image.version


def test_a_refund_that_fails_later_is_not_as_sent() -> None:
    """The object stands and no money moves: reading back says so."""
    with an_account() as account:
        effect = a_refund(account.api.a_charge(5000)["id"], Money(2000, "EUR"))
        sent = account.send(effect)
        account.api.do("fail_refund", refund=sent.reference)
        assert D.read_back(account.client, effect, sent) == ["pays is not as sent"]


def test_lines_that_stripe_refuses_leave_no_empty_draft() -> None:
    """A price that is not there: refused as a whole, and nothing to clean up by hand."""
    with an_account() as account:
        items = [{"description": "Seats", "amount_minor": 100, "price": "price_gone"}]
        sent = account.send(a_draft(account.api.a_customer()["id"], items=items))
        assert sent.meaning == "refused"
        assert "was removed" in sent.detail
        assert (account.api.count("invoice"), account.api.count("invoiceitem")) == (0, 0)


def test_an_empty_draft_that_could_not_be_removed_is_named() -> None:
    """Refused, and one is told what stands."""
    with an_account() as account:
        items = [{"description": "Seats", "amount_minor": 100, "price": "price_gone"}]
        account.api.fault("drop_before", method="DELETE")
        sent = account.send(a_draft(account.api.a_customer()["id"], items=items))
        assert sent.meaning == "refused"
        assert "delete it by hand" in sent.detail


def test_a_price_of_stripes_is_multiplied_by_stripe_and_compared() -> None:
    """Our amount is what we expect of it: another total is told, not believed."""
    with an_account() as account:
        price, customer = account.api.a_price(2900), account.api.a_customer()["id"]
        items = [{"description": "Seats", "amount_minor": 8700, "price": price["id"], "quantity": 3}]
        good = a_draft(customer, items=items)
        sent = account.send(good)
        assert D.read_back(account.client, good, sent) == []
        wrong = a_draft(customer, items=[{**items[0], "amount_minor": 8000}], key="stripe:draft:2")
        assert D.read_back(account.client, wrong, account.send(wrong)) == ["total_minor is not as sent"]


def test_a_customer_in_use_is_not_deleted() -> None:
    """Stripe would end the subscription with it."""
    with an_account() as account:
        effect = a_customer()
        sent = account.send(effect)
        inverse = D.inverse(effect, sent.receipt, None)
        price = account.api.a_price()["id"]
        account.api.post("subscriptions", customer=sent.reference, items=[{"price": price}])
        changed = D.changed_since(effect, sent.receipt, D.look(account.client, inverse))
        assert "the customer has a subscription by now" in changed
        refused = D.send(account.client, inverse, "undo", None)
        assert refused.meaning == "refused"
        assert account.api.get(f"customers/{sent.reference}")["id"] == sent.reference


def test_a_body_whose_receipt_is_not_there_yet_is_not_sent() -> None:
    """Nor one in which something else than an id was filled in."""
    with an_account() as account:
        for customer in (receipt_of("stripe:customer:1"), "12345/../charges"):
            body = {**a_draft("cus_1").body, "customer": customer}
            effect = Effect("stripe", "create_draft_invoice", "k", "x", Money(17000, "EUR"), body)
            assert account.send(effect).meaning == "refused"
        assert account.requests() == []


@pytest.mark.parametrize("key", ["to:ada@customer.example", " k", "k ", "k" * 247])
def test_a_key_that_is_no_good_is_refused(key: str) -> None:
    """An address, a space at an end that a header would lose, no room for what is added to it."""
    with pytest.raises(EffectInvalid):
        a_customer(key=key)
    a_customer(key="k" * 246)


def test_every_problem_is_told_at_once() -> None:
    """Whoever builds it corrects it once."""
    with pytest.raises(EffectInvalid) as invalid:
        a_customer(name="", email="nobody", metadata={"counterfoil_key": "x", "b": 1})
    assert len(invalid.value.problems) == 4
