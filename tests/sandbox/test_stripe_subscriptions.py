"""Subscriptions at Stripe's stand-in: the first invoice, changes, renewals, the end."""

from stripe_api import Api


def test_a_subscription_begins_with_a_paid_invoice(api: Api) -> None:
    """Price times quantity, for the period that stands on its items."""
    made = api.a_subscription()
    [item] = made["items"]["data"]
    assert (made["status"], made["currency"], item["quantity"]) == ("active", "eur", 3)
    assert item["current_period_end"] > item["current_period_start"]
    assert "current_period_end" not in made
    invoice = api.get(f"invoices/{made['latest_invoice']}")
    assert (invoice["status"], invoice["total"], invoice["billing_reason"]) == ("paid", 8700, "subscription_create")
    assert invoice["parent"]["subscription_details"]["subscription"] == made["id"]
    assert [each["id"] for each in api.get("invoices", subscription=made["id"])["data"]] == [invoice["id"]]
    told = api.told()
    assert {"invoice.created", "invoice.paid", "customer.subscription.created"} <= set(told)


def test_a_trial_is_not_invoiced(api: Api) -> None:
    """Until it ends."""
    made = api.a_subscription(trial_period_days=14)
    assert (made["status"], made["latest_invoice"]) == ("trialing", None)
    assert made["trial_end"] == made["created"] + 14 * 86_400
    assert api.do("renew", subscription=made["id"])["status"] == "active"


def test_an_update_says_what_was_before(api: Api) -> None:
    """Quantity, plan, metadata, the end of the period; an update that changes nothing is no event."""
    made = api.a_subscription()
    item = made["items"]["data"][0]["id"]
    api.told()
    api.post(f"subscriptions/{made['id']}", items=[{"id": item, "quantity": 5}])
    [event] = api.get("events", type="customer.subscription.updated")["data"]
    assert event["data"]["previous_attributes"]["items"]["data"][0]["quantity"] == 3
    assert event["data"]["object"]["items"]["data"][0]["quantity"] == 5
    yearly = api.a_price(29_000, "year")["id"]
    changed = api.post(f"subscriptions/{made['id']}", items=[{"id": item, "price": yearly}])
    assert changed["items"]["data"][0]["plan"]["interval"] == "year"
    ending = api.post(f"subscriptions/{made['id']}", cancel_at_period_end=True)
    assert ending["cancel_at"] == ending["items"]["data"][0]["current_period_end"]
    api.told()
    api.post(f"subscriptions/{made['id']}", cancel_at_period_end=True)
    assert api.told() == []


def test_items_come_and_go(api: Api) -> None:
    """One more, one less, never none."""
    made = api.a_subscription()
    item = made["items"]["data"][0]["id"]
    path = f"subscriptions/{made['id']}"
    assert len(api.post(path, items=[{"price": api.a_price(100)["id"]}])["items"]["data"]) == 2
    assert len(api.post(path, items=[{"id": item, "deleted": True}])["items"]["data"]) == 1
    last = api.get(path)["items"]["data"][0]["id"]
    api.error(path, items=[{"id": last, "deleted": True}])
    api.error(path, items=[{"id": "si_nobody", "quantity": 1}])


def test_the_end_is_final(api: Api) -> None:
    """Cancelled now: told as deleted, no longer listed, no longer changed."""
    made = api.a_subscription()
    api.told()
    gone = api.ask("DELETE", f"subscriptions/{made['id']}")
    assert (gone["status"], gone["ended_at"]) == ("canceled", api.clock())
    assert api.told() == ["customer.subscription.deleted"]
    assert api.get("subscriptions")["data"] == []
    assert [each["id"] for each in api.get("subscriptions", status="all")["data"]] == [made["id"]]
    api.error(f"subscriptions/{made['id']}", cancel_at_period_end=False)
    api.ask("DELETE", f"subscriptions/{made['id']}", status=400)


def test_a_renewal_is_invoiced_and_may_fail(api: Api) -> None:
    """By itself: the event names no request; a declined card leaves it past due."""
    made = api.a_subscription()
    api.do("decline", customer=made["customer"])
    renewed = api.do("renew", subscription=made["id"])
    assert renewed["status"] == "past_due"
    assert renewed["latest_invoice"] != made["latest_invoice"]
    before, after = made["items"]["data"][0], renewed["items"]["data"][0]
    assert after["current_period_start"] == before["current_period_end"]
    event = api.get("events", type="customer.subscription.updated")["data"][0]
    assert event["request"] == {"id": None, "idempotency_key": None}
    assert event["data"]["previous_attributes"]["status"] == "active"


def test_only_a_recurring_price_can_be_subscribed_to(api: Api) -> None:
    """A price that is paid once is none."""
    price = api.post("prices", currency="eur", unit_amount=100, product_data={"name": "Once"})
    api.error("subscriptions", customer=api.a_customer()["id"], items=[{"price": price["id"]}])
