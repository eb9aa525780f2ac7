"""Taking back what was written to Stripe: deleted, voided, set back, or kept with the reason."""

import pytest
from stripe_account import Account, D, a_customer, a_draft, a_refund, an_account

from contracts.money import Money
from destinations import stripe
from destinations.base import Effect
from destinations.remote import Image, NoInverse, Sent


def _sent_draft(account: Account) -> tuple[Effect, Sent, Effect]:
    effect = a_draft(account.api.a_customer()["id"])
    sent = account.send(effect)
    return effect, sent, D.inverse(effect, sent.receipt, None)


def test_a_draft_is_deleted_with_its_lines() -> None:
    """Lines that waited for another invoice would be billed with it one day."""
    with an_account() as account:
        _, _, inverse = _sent_draft(account)
        assert account.send(inverse).meaning == "done"
        assert (account.api.count("invoice"), account.api.count("invoiceitem")) == (0, 0)


def test_lines_that_were_left_over_are_deleted_by_sending_again() -> None:
    """The worker died between draft and lines: it has not happened yet, and is finished."""
    with an_account() as account:
        _, _, inverse = _sent_draft(account)
        account.api.fault("drop_before", path="/v1/invoiceitems*", method="DELETE", skip=1)
        assert account.send(inverse).meaning == "unknown"
        assert (account.api.count("invoice"), account.api.count("invoiceitem")) == (0, 1)
        assert account.probe(inverse).outcome == "did_not_happen"
        assert account.send(inverse).meaning == "done"
        assert account.probe(inverse).outcome == "happened"
        assert account.api.count("invoiceitem") == 0


def test_lines_of_somebody_else_stay() -> None:
    """A person added one by hand to the draft: it waits for the customer's next invoice, as Stripe does it."""
    with an_account() as account:
        effect, sent, inverse = _sent_draft(account)
        line = {"customer": effect.body["customer"], "invoice": sent.reference, "amount": 1, "currency": "eur"}
        account.api.post("invoiceitems", **line)
        assert account.send(inverse).meaning == "done"
        assert account.api.count("invoiceitem") == 1


def test_a_finalized_invoice_is_voided_and_one_is_told_before() -> None:
    """It was issued with a number, so it stays in the books as void."""
    with an_account() as account:
        effect, sent, inverse = _sent_draft(account)
        account.api.post(f"invoices/{sent.reference}/finalize")
        changed = D.changed_since(effect, sent.receipt, D.look(account.client, inverse))
        assert "somebody finalized the invoice: it is open" in changed
        assert account.send(inverse).meaning == "done"
        assert account.api.get(f"invoices/{sent.reference}")["status"] == "void"
        assert account.send(inverse).meaning == "already"


def test_a_paid_invoice_is_not_withdrawn() -> None:
    """Money moved: paying back is another decision."""
    with an_account() as account:
        _, sent, inverse = _sent_draft(account)
        account.api.post(f"invoices/{sent.reference}/pay")
        refused = account.send(inverse)
        assert (refused.meaning, "paid" in refused.detail) == ("refused", True)


def test_money_that_went_back_is_not_fetched() -> None:
    """A refund, and a credit note that gave money back, say why they cannot be taken back."""
    with an_account() as account:
        invoice = account.api.a_paid_invoice(5000)
        charge = account.api.charge_of(invoice)
        refund = a_refund(charge["id"], Money(1000, "EUR"))
        note = stripe.create_credit_note(
            key="k", subject="x", amount=Money(700, "EUR"), invoice=invoice["id"], refund_minor=500, credit_minor=200
        )
        for effect in (refund, note):
            sent = account.send(effect)
            assert (sent.meaning, D.read_back(account.client, effect, sent)) == ("done", [])
            with pytest.raises(NoInverse, match="fetch"):
                D.inverse(effect, sent.receipt, None)
        assert account.api.get(f"charges/{charge['id']}")["amount_refunded"] == 1500


def test_a_credit_note_of_an_invoice_that_was_paid_since_stays() -> None:
    """Stripe does not void it any more; its no is told."""
    with an_account() as account:
        draft = account.api.a_draft(9000)
        account.api.post(f"invoices/{draft['id']}/finalize")
        effect = stripe.create_credit_note(key="k", subject="x", amount=Money(100, "EUR"), invoice=draft["id"])
        sent = account.send(effect)
        account.api.post(f"invoices/{draft['id']}/pay")
        assert account.send(D.inverse(effect, sent.receipt, None)).meaning == "refused"


def test_metadata_is_set_back_value_by_value() -> None:
    """What was there returns, what was not goes; what else somebody set stays."""
    with an_account() as account:
        id = account.api.a_customer(metadata={"plan": "old", "other": "1"})["id"]
        wanted: dict[str, str | None] = {"plan": "new", "deal": "7", "other": None}
        effect = stripe.update_metadata(key="k", subject="x", object="customer", id=id, metadata=wanted)
        image = D.look(account.client, effect)
        sent = D.send(account.client, effect, "k", image)
        account.api.post(f"customers/{id}", metadata={"third": "3"})
        assert D.send(account.client, D.inverse(effect, sent.receipt, image), "u", None).meaning == "done"
        metadata = account.api.get(f"customers/{id}")["metadata"]
        assert {name: value for name, value in metadata.items() if name != "counterfoil_change"} == {
            "plan": "old",
            "other": "1",
            "third": "3",
        }


def test_what_is_not_known_cannot_be_taken_back() -> None:
    """No image, no receipt: a person is told, nothing is guessed."""
    update = stripe.update_metadata(key="k", subject="x", object="customer", id="cus_1", metadata={"plan": "new"})
    for image in (None, Image(None)):
        with pytest.raises(NoInverse):
            D.inverse(update, {"object": "cus_1"}, image)
    for effect in (a_customer(), a_draft("cus_1")):
        with pytest.raises(NoInverse):
            D.inverse(effect, {}, None)


def test_a_receipt_holds_nothing_of_a_person() -> None:
    """Receipts outlive payloads: a digest is enough to see a change."""
    with an_account() as account:
        effect = a_customer()
        sent = account.send(effect)
        assert "Example" not in str(sent.receipt)
        assert "ap@" not in str(sent.receipt)
        inverse = D.inverse(effect, sent.receipt, None)
        account.api.post(f"customers/{sent.reference}", email="other@customer.example")
        changed = D.changed_since(effect, sent.receipt, D.look(account.client, inverse))
        assert changed == ["email was changed"]
