"""The life of an invoice at Stripe's stand-in, and what it refuses in each state."""

import pytest
from stripe_api import Api


def test_a_draft_adds_up_its_items(api: Api) -> None:
    """Lines in order, sums in minor units, nothing told but drafts."""
    draft = api.a_draft(1000, 250, -50)
    assert [line["amount"] for line in draft["lines"]["data"]] == [1000, 250, -50]
    assert (draft["status"], draft["subtotal"], draft["total"], draft["amount_due"]) == ("draft", 1200, 1200, 1200)
    assert draft["number"] is None
    assert api.told() == ["customer.created", "invoice.created", *["invoiceitem.created", "invoice.updated"] * 3]


def test_an_invoice_shows_its_first_ten_lines(api: Api) -> None:
    """Who takes the inlined lines for all of them loses the rest; the list has them."""
    draft = api.a_draft(*range(1, 13))
    assert (len(draft["lines"]["data"]), draft["lines"]["has_more"], draft["lines"]["total_count"]) == (10, True, 12)
    lines = api.get(f"invoices/{draft['id']}/lines", limit=100)
    assert [line["amount"] for line in lines["data"]] == list(range(1, 13))
    assert draft["total"] == sum(range(1, 13))


def test_items_wait_until_an_invoice_includes_them(api: Api) -> None:
    """By default a new invoice leaves pending items alone, and takes only those of its currency."""
    customer = api.a_customer()["id"]
    for amount, currency in ((100, "eur"), (200, "eur"), (300, "usd")):
        api.post("invoiceitems", customer=customer, amount=amount, currency=currency)
    assert api.post("invoices", customer=customer, currency="eur")["total"] == 0
    made = api.post("invoices", customer=customer, currency="eur", pending_invoice_items_behavior="include")
    assert made["total"] == 300
    assert [item["amount"] for item in api.get("invoiceitems", pending=True)["data"]] == [300]
    assert len(api.get("invoiceitems", invoice=made["id"])["data"]) == 2


def test_an_item_has_the_currency_and_the_customer_of_its_invoice(api: Api) -> None:
    """Anything else is refused and leaves nothing behind."""
    draft = api.a_draft(100)
    other = api.a_customer()["id"]
    wish = {"invoice": draft["id"], "amount": 1}
    assert api.error("invoiceitems", customer=draft["customer"], currency="usd", **wish)["param"] == "currency"
    assert api.error("invoiceitems", customer=other, currency="eur", **wish)["param"] == "invoice"
    assert api.count("invoiceitem") == 1


def test_an_item_may_come_from_a_price(api: Api) -> None:
    """Amount is price times quantity; both at once is a contradiction."""
    draft, price = api.a_draft(), api.a_price(2900)
    wish = {"customer": draft["customer"], "invoice": draft["id"], "pricing": {"price": price["id"]}}
    item = api.post("invoiceitems", **wish, quantity=3)
    assert (item["amount"], item["currency"], item["pricing"]["unit_amount_decimal"]) == (8700, "eur", "2900")
    assert api.get(f"invoices/{draft['id']}")["total"] == 8700
    api.error("invoiceitems", **wish, amount=5)


def test_an_item_can_be_changed_and_taken_off_a_draft(api: Api) -> None:
    """The draft adds up again."""
    draft = api.a_draft(1000, 250)
    first, second = reversed(api.get("invoiceitems", invoice=draft["id"])["data"])
    api.post(f"invoiceitems/{first['id']}", amount=900)
    assert api.get(f"invoices/{draft['id']}")["total"] == 1150
    api.ask("DELETE", f"invoiceitems/{second['id']}")
    assert api.get(f"invoices/{draft['id']}")["total"] == 900


def test_a_finalized_invoice_stands(api: Api) -> None:
    """It has a number; no item, no line, no deletion, no second finalization; metadata still changes."""
    draft = api.a_draft(1000)
    invoice = api.post(f"invoices/{draft['id']}/finalize")
    assert (invoice["status"], invoice["amount_remaining"]) == ("open", 1000)
    assert invoice["number"].endswith("-0001")
    [item] = api.get("invoiceitems", invoice=draft["id"])["data"]
    wish = {"customer": draft["customer"], "invoice": draft["id"], "amount": 1, "currency": "eur"}
    assert api.error("invoiceitems", **wish)["code"] == "invoice_not_editable"
    api.error(f"invoiceitems/{item['id']}", amount=1)
    api.ask("DELETE", f"invoiceitems/{item['id']}", status=400)
    api.ask("DELETE", f"invoices/{draft['id']}", status=400)
    api.error(f"invoices/{draft['id']}/finalize")
    api.error(f"invoices/{draft['id']}", description="other")
    assert api.post(f"invoices/{draft['id']}", metadata={"a": 1})["metadata"] == {"a": "1"}


def test_a_deleted_draft_gives_its_items_back(api: Api) -> None:
    """The inverse of making a draft."""
    draft = api.a_draft(1000)
    assert api.ask("DELETE", f"invoices/{draft['id']}")["deleted"] is True
    api.get(f"invoices/{draft['id']}", 404)
    assert [item["invoice"] for item in api.get("invoiceitems")["data"]] == [None]


def test_a_paid_invoice_has_a_charge(api: Api) -> None:
    """Found by the invoice's payment; the sums say so."""
    paid = api.a_paid_invoice(1000)
    assert (paid["status"], paid["amount_paid"], paid["amount_remaining"]) == ("paid", 1000, 0)
    charge = api.charge_of(paid)
    assert (charge["amount"], charge["paid"], charge["status"]) == (1000, True, "succeeded")
    link = api.get("invoice_payments", **{"payment[type]": "payment_intent",
                                          "payment[payment_intent]": charge["payment_intent"]})  # fmt: skip
    assert [each["invoice"] for each in link["data"]] == [paid["id"]]
    api.error(f"invoices/{paid['id']}/pay")
    api.error(f"invoices/{paid['id']}/void")


def test_a_card_that_says_no_leaves_the_invoice_open(api: Api) -> None:
    """402, the attempt counted, the event told; later the card says yes."""
    draft = api.a_draft(1000)
    api.do("decline", customer=draft["customer"])
    api.told()
    error = api.error(f"invoices/{draft['id']}/pay", 402)
    assert (error["type"], error["code"]) == ("card_error", "card_declined")
    assert {"invoice.payment_failed", "charge.failed", "payment_intent.payment_failed"} <= set(api.told())
    invoice = api.get(f"invoices/{draft['id']}")
    assert (invoice["status"], invoice["attempt_count"], invoice["amount_remaining"]) == ("open", 1, 1000)
    api.do("decline", customer=draft["customer"], on=False)
    assert api.post(f"invoices/{draft['id']}/pay")["attempt_count"] == 2


def test_an_invoice_paid_outside_has_no_charge(api: Api) -> None:
    """Cash, wire: paid, and nothing to refund."""
    draft = api.a_draft(1000)
    paid = api.post(f"invoices/{draft['id']}/pay", paid_out_of_band=True)
    assert (paid["status"], paid["amount_paid_off_stripe"]) == ("paid", 1000)
    assert api.get("charges")["data"] == []


def test_a_void_invoice_is_never_collected(api: Api) -> None:
    """Only an open one can be voided; nothing moves afterwards."""
    draft = api.a_draft(1000)
    api.error(f"invoices/{draft['id']}/void")
    api.post(f"invoices/{draft['id']}/finalize")
    assert api.post(f"invoices/{draft['id']}/void")["status"] == "void"
    api.error(f"invoices/{draft['id']}/pay")
    api.error(f"invoices/{draft['id']}/void")


@pytest.mark.parametrize(("balance", "due", "after"), [(-300, 700, 0), (-5000, 0, -4000), (200, 1200, 0), (0, 1000, 0)])
def test_a_customers_balance_is_used(api: Api, balance: int, due: int, after: int) -> None:
    """Credit (negative) lessens what is due, debt adds to it; nothing due is paid at once."""
    customer = api.a_customer(balance=balance)
    draft = api.a_draft(1000, customer=customer["id"])
    invoice = api.post(f"invoices/{draft['id']}/finalize")
    assert (invoice["amount_due"], invoice["status"]) == (due, "open" if due else "paid")
    assert invoice["ending_balance"] == after == api.get(f"customers/{customer['id']}")["balance"]


def test_an_invoice_that_is_sent_needs_a_due_date(api: Api) -> None:
    """And one that is collected by itself must not have one."""
    customer = api.a_customer()["id"]
    api.error("invoices", customer=customer, collection_method="send_invoice")
    api.error("invoices", customer=customer, days_until_due=30)
    made = api.post("invoices", customer=customer, collection_method="send_invoice", days_until_due=30)
    assert made["due_date"] == made["created"] + 30 * 86_400


def test_invoices_are_found_by_metadata(api: Api) -> None:
    """How a write whose key has expired is looked up."""
    draft = api.a_draft(1000, metadata={"counterfoil": "w1"})
    api.clock.advance(1)
    [found] = api.get("invoices/search", query="metadata['counterfoil']:'w1' AND status:'draft'")["data"]
    assert found["id"] == draft["id"]
    assert [each["id"] for each in api.get("invoices", customer=draft["customer"])["data"]] == [draft["id"]]
