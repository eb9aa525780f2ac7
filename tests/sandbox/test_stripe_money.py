"""Money that goes back: refunds, credit notes, disputes, payouts. Nothing is ever given back twice."""

import random

import pytest
from stripe_api import Api

from sandbox.standin.base import CannotDo


def test_a_refund_gives_back_what_is_left(api: Api) -> None:
    """All of it by default, in portions if asked, then no more."""
    charge = api.a_charge(5000)
    api.post("refunds", charge=charge["id"], amount=2000)
    assert api.get(f"charges/{charge['id']}")["amount_refunded"] == 2000
    assert api.error("refunds", charge=charge["id"], amount=3001)["param"] == "amount"
    assert api.post("refunds", payment_intent=charge["payment_intent"])["amount"] == 3000
    assert api.get(f"charges/{charge['id']}")["refunded"] is True
    assert api.error("refunds", charge=charge["id"])["code"] == "charge_already_refunded"
    assert api.count("refund") == 2


def test_refunds_in_any_portions_never_exceed_the_charge(api: Api) -> None:
    """Whatever is asked for, the sum stays within it."""
    charge = api.a_charge(5000)
    chance = random.Random(3)
    for _ in range(40):
        params = {"charge": charge["id"], "amount": str(chance.randint(1, 900))}
        assert api.client.post("/v1/refunds", data=params).status_code in (200, 400)
    given = sum(refund["amount"] for refund in api.get("refunds", charge=charge["id"], limit=100)["data"])
    assert given == api.get(f"charges/{charge['id']}")["amount_refunded"] <= 5000
    assert given > 4000


@pytest.mark.parametrize("wish", [{}, {"charge": "ch_nobody"}, {"payment_intent": "pi_nobody"}])
def test_a_refund_needs_its_charge(api: Api, wish: dict[str, str]) -> None:
    """No charge, no refund."""
    api.error("refunds", **wish)


def test_a_failed_charge_cannot_be_refunded(api: Api) -> None:
    """No money came in."""
    draft = api.a_draft(1000)
    api.do("decline", customer=draft["customer"])
    api.post(f"invoices/{draft['id']}/pay", 402)
    [charge] = api.get("charges")["data"]
    api.error("refunds", charge=charge["id"])


def test_a_refund_to_a_card_cannot_be_called_off(api: Api) -> None:
    """That operation has no inverse; only its metadata changes."""
    refund = api.post("refunds", charge=api.a_charge()["id"], reason="duplicate")
    api.error(f"refunds/{refund['id']}/cancel")
    assert api.post(f"refunds/{refund['id']}", metadata={"why": "x"})["metadata"] == {"why": "x"}
    api.error(f"refunds/{refund['id']}", amount=1)


def test_a_refund_that_the_bank_sends_back_can_be_given_again(api: Api) -> None:
    """By hand: the refund is failed, the charge has its money."""
    charge = api.a_charge(5000)
    refund = api.post("refunds", charge=charge["id"])
    api.told()
    assert api.do("fail_refund", refund=refund["id"])["status"] == "failed"
    assert set(api.told()) == {"refund.updated", "refund.failed", "charge.updated"}
    assert api.get(f"charges/{charge['id']}")["amount_refunded"] == 0
    api.post("refunds", charge=charge["id"])


def test_a_credit_note_lessens_an_open_invoice(api: Api) -> None:
    """And can be voided while it is open; never more than remains."""
    invoice = api.post(f"invoices/{api.a_draft(1000)['id']}/finalize")
    note = api.post("credit_notes", invoice=invoice["id"], amount=400, reason="order_change")
    assert (note["type"], note["status"], note["total"]) == ("pre_payment", "issued", 400)
    assert api.get(f"invoices/{invoice['id']}")["amount_remaining"] == 600
    api.error("credit_notes", invoice=invoice["id"], amount=601)
    assert api.post(f"credit_notes/{note['id']}/void")["status"] == "void"
    assert api.get(f"invoices/{invoice['id']}")["amount_remaining"] == 1000
    api.error(f"credit_notes/{note['id']}/void")


def test_an_invoice_credited_in_full_is_paid(api: Api) -> None:
    """Nothing is left to pay, nothing was charged."""
    invoice = api.post(f"invoices/{api.a_draft(1000)['id']}/finalize")
    note = api.post("credit_notes", invoice=invoice["id"], amount=1000)
    paid = api.get(f"invoices/{invoice['id']}")
    assert (paid["status"], paid["amount_paid"], paid["amount_due"]) == ("paid", 0, 0)
    api.error(f"credit_notes/{note['id']}/void")


def test_a_credit_note_on_a_paid_invoice_says_where_the_money_goes(api: Api) -> None:
    """Refund, credit and outside make the total exactly; the refund is made; it cannot be voided."""
    invoice = api.a_paid_invoice(1000)
    api.error("credit_notes", invoice=invoice["id"], amount=500)
    api.error("credit_notes", invoice=invoice["id"], amount=500, refund_amount=499)
    parts = {"refund_amount": 300, "credit_amount": 150, "out_of_band_amount": 50}
    note = api.post("credit_notes", invoice=invoice["id"], amount=500, **parts)
    assert (note["type"], note["out_of_band_amount"], len(note["refunds"])) == ("post_payment", 50, 1)
    assert api.charge_of(invoice)["amount_refunded"] == 300
    assert api.get(f"customers/{invoice['customer']}")["balance"] == -150
    assert api.get(f"invoices/{invoice['id']}")["post_payment_credit_notes_amount"] == 500
    api.error(f"credit_notes/{note['id']}/void")


def test_credit_notes_never_exceed_their_invoice(api: Api) -> None:
    """In all, not one by one; nor beyond what is left of the charge."""
    invoice = api.a_paid_invoice(1000)
    api.post("credit_notes", invoice=invoice["id"], amount=700, credit_amount=700)
    api.error("credit_notes", invoice=invoice["id"], amount=301, credit_amount=301)
    api.post("refunds", charge=api.charge_of(invoice)["id"], amount=900)
    api.error("credit_notes", invoice=invoice["id"], amount=300, refund_amount=300)
    api.post("credit_notes", invoice=invoice["id"], amount=300, credit_amount=300)


def test_a_credit_note_can_name_lines(api: Api) -> None:
    """By line and quantity; not beyond the line."""
    invoice = api.a_paid_invoice(1000, 500)
    line = invoice["lines"]["data"][1]["id"]
    wish = {"type": "invoice_line_item", "invoice_line_item": line}
    api.error("credit_notes", invoice=invoice["id"], lines=[{**wish, "amount": 501}], credit_amount=501)
    note = api.post("credit_notes", invoice=invoice["id"], lines=[{**wish, "quantity": 1}], credit_amount=500)
    assert (note["total"], note["lines"]["data"][0]["invoice_line_item"]) == (500, line)
    assert [each["id"] for each in api.get("credit_notes", invoice=invoice["id"])["data"]] == [note["id"]]


def test_a_dispute_takes_the_money_until_it_is_won(api: Api) -> None:
    """By the bank; a disputed charge is not refunded on top."""
    charge = api.a_charge(5000)
    api.told()
    dispute = api.do("open_dispute", charge=charge["id"])
    assert api.error("refunds", charge=charge["id"])["code"] == "charge_disputed"
    with pytest.raises(CannotDo):
        api.do("open_dispute", charge=charge["id"])
    assert api.do("close_dispute", dispute=dispute["id"], status="won")["status"] == "won"
    assert api.told() == ["charge.dispute.created", "charge.dispute.funds_withdrawn", "charge.dispute.updated",
                          "charge.dispute.closed", "charge.dispute.funds_reinstated"]  # fmt: skip
    moved = api.get("balance_transactions", source=dispute["id"])["data"]
    assert {(each["type"], each["reporting_category"], each["net"]) for each in moved} == {
        ("adjustment", "dispute", -7000), ("adjustment", "dispute_reversal", 5000)}  # fmt: skip
    api.post("refunds", charge=charge["id"])
    with pytest.raises(CannotDo):
        api.do("close_dispute", dispute=dispute["id"], status="lost")


def test_the_parts_of_a_payout_add_up_to_it(api: Api) -> None:
    """Charges less fees, refunds, disputes, and the payout's own movement with them; nothing is paid out twice."""
    first, second = api.a_charge(5000), api.a_charge(7000)
    api.post("refunds", charge=first["id"], amount=1500)
    api.do("open_dispute", charge=second["id"])
    api.a_charge(90_000)
    payout = api.do("payout", currency="eur")
    parts = api.get("balance_transactions", payout=payout["id"], limit=100)["data"]
    own = [part for part in parts if part["type"] == "payout"]
    assert [part["net"] for part in own] == [-payout["amount"]]
    assert sum(part["net"] for part in parts) == 0
    assert all(part["net"] == part["amount"] - part["fee"] for part in parts)
    with pytest.raises(CannotDo):
        api.do("payout", currency="eur")


def test_the_next_payout_has_only_what_is_new(api: Api) -> None:
    """A movement is paid out once."""
    api.a_charge(5000)
    first = api.do("payout", currency="eur")
    charge = api.a_charge(7000)
    second = api.do("payout", currency="eur")
    parts = api.get("balance_transactions", payout=second["id"])["data"]
    assert sorted(part["source"] for part in parts) == sorted([charge["id"], second["id"]])
    assert len(api.get("balance_transactions", payout=first["id"])["data"]) == 2


def test_hands_that_cannot_are_said() -> None:
    """Unknown actions, missing members, objects that do not exist."""
    api = Api()
    for action in ("dance", "renew", "decline"):
        with pytest.raises(CannotDo):
            api.do(action, customer="cus_nobody")
