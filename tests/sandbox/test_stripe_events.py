"""Events of Stripe's stand-in: what they look like, whom they name, and until when they are sent."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from stripe_api import Api

import contracts
from contracts import ContractUnknown, find
from ingest.providers import find as providers
from ingest.providers.base import Received, Request

SAMPLES = Path(contracts.__file__).parent / "samples" / "stripe"


def _event(api: Api, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get("events", type=kind)["data"][0]
    return found


def test_a_paid_invoice_passes_the_contract(api: Api) -> None:
    """Of one line and of many, with credit used, in a currency without decimals."""
    customer = api.a_customer(balance=-300)["id"]
    api.a_paid_invoice(1000, 250, -50)
    api.a_paid_invoice(1000, customer=customer)
    api.a_paid_invoice(*range(1, 11))
    api.a_paid_invoice(500, currency="jpy")
    api.a_subscription()
    for event in api.get("events", type="invoice.paid")["data"]:
        body = json.dumps(event).encode()
        contract = find("stripe", "invoice.paid", event["api_version"], body)
        assert contract.version == "stripe.invoice_paid/2"
        checked = contract.check(body)
        assert checked.missing_context is None
        invoice = checked.invoice
        assert invoice.total_minor == sum(line.net_minor for line in invoice.lines)


def test_every_event_passes_its_contract(api: Api) -> None:
    """What the stand-in tells can be acted on; a shape that a contract refuses is not Stripe's."""
    _story(api)
    checked = set()
    for event in api.standin.state()["test"]["event"]:
        body = msgspec.json.encode(event)
        try:
            contract = find("stripe", event["type"], event["api_version"], body)
        except ContractUnknown:
            continue
        contract.check(body)
        checked.add(event["type"])
    assert {"invoice.paid"} <= checked


def test_an_invoice_of_many_lines_asks_to_be_read(api: Api) -> None:
    """The event carries the first ten only, and the contract notices."""
    api.a_paid_invoice(*range(1, 12))
    event = _event(api, "invoice.paid")
    body = json.dumps(event).encode()
    checked = find("stripe", "invoice.paid", event["api_version"], body).check(body)
    assert checked.missing_context is not None


def _story(api: Api) -> None:
    """Something of everything."""
    made = api.a_subscription()
    api.post(f"subscriptions/{made['id']}", metadata={"a": 1})
    api.post(f"customers/{made['customer']}", name="Ada")
    paid = api.a_paid_invoice(1000)
    charge = api.charge_of(paid)
    refund = api.post("refunds", charge=charge["id"], amount=100)
    api.do("fail_refund", refund=refund["id"])
    api.post(f"refunds/{refund['id']}", metadata={"a": 1})
    api.post("credit_notes", invoice=paid["id"], amount=100, credit_amount=100)
    dispute = api.do("open_dispute", charge=api.a_charge(2000)["id"])
    api.do("close_dispute", dispute=dispute["id"], status="won")
    draft = api.a_draft(700)
    api.do("decline", customer=draft["customer"])
    api.post(f"invoices/{draft['id']}/pay", 402)
    api.post(f"invoices/{draft['id']}/void")
    api.a_charge(90_000)
    api.do("payout", currency="eur")
    api.ask("DELETE", f"subscriptions/{made['id']}")
    api.ask("DELETE", f"customers/{api.a_customer()['id']}")


SHIPPED = sorted(
    path.stem
    for path in SAMPLES.glob("*.json")
    if "@" not in path.stem and not path.stem.startswith(("checkout.", "payment_method.", "payout.failed"))
    and not path.stem.endswith((".trial_will_end", ".paused", ".resumed"))  # trials do not end by themselves here
)  # fmt: skip


@pytest.mark.parametrize("kind", SHIPPED)
def test_an_event_has_the_members_of_the_shipped_sample(kind: str) -> None:
    """Envelope and object: nothing is missing that a contract or a handler may read."""
    api = Api()
    _story(api)
    sample, made = json.loads((SAMPLES / f"{kind}.json").read_text()), _event(api, kind)
    assert set(sample) - set(made) == set()
    assert set(sample["data"]["object"]) - set(made["data"]["object"]) == set()


def test_nothing_of_the_samples_people_is_left(api: Api) -> None:
    """Names and ids of the samples stay in the samples."""
    _story(api)
    told = json.dumps(api.standin.state(), default=lambda raw: bytes(raw).decode())
    for trace in ("Northwind", "Musterstadt", "SExample", "TExample", "Analytics"):
        assert trace not in told


def test_an_event_names_the_request_that_caused_it(api: Api) -> None:
    """Its id and its idempotency key: how our own writes are recognised. By hand there is none."""
    api.post("customers", key="counterfoil:w1")
    cause = {"id": api.last.headers["Request-Id"], "idempotency_key": "counterfoil:w1"}
    assert _event(api, "customer.created")["request"] == cause
    api.do("call", method="POST", path="/v1/customers", params={"metadata": {"a": 1}})
    assert _event(api, "customer.created")["request"] == {"id": None, "idempotency_key": None}


def test_a_replay_tells_nothing(api: Api) -> None:
    """One effect, one event."""
    api.post("customers", key="k")
    api.post("customers", key="k")
    assert api.told() == ["customer.created"]


def test_a_payment_is_told_in_many_events(api: Api) -> None:
    """Several types about one fact."""
    api.a_paid_invoice(1000)
    told = api.told()
    for kind in ("charge.succeeded", "payment_intent.succeeded", "invoice.paid", "invoice.payment_succeeded"):
        assert told.count(kind) == 1


def test_an_event_shows_the_object_as_it_was(api: Api) -> None:
    """Later changes do not reach back."""
    made = api.a_customer(name="Ada")
    api.post(f"customers/{made['id']}", name="Grace")
    assert _event(api, "customer.created")["data"]["object"]["name"] == "Ada"
    updated = _event(api, "customer.updated")
    assert updated["data"]["previous_attributes"] == {"name": "Ada"}


def test_the_door_reads_what_is_posted(api: Api) -> None:
    """Snapshot and thin form meet on one identity."""
    both = Api(hook_form="both")
    both.a_customer()
    snapshot, thin = both.exchange.hooks()
    provider = providers()["stripe"]
    keys = []
    for hook in (snapshot, thin):
        [received] = provider.split(Request("POST", "http://door.test", {}, hook.body))
        assert isinstance(received, Received)
        keys.append((received.key, received.type, received.subject))
    assert keys[0] == keys[1]
    thin_id = msgspec.json.decode(thin.body)["id"]
    assert both.client.get(f"/v2/core/events/{thin_id}").json()["id"] == thin_id


def test_what_is_not_taken_comes_again(api: Api) -> None:
    """After a gap that doubles, in other bytes but with the same id, and it counts as undelivered until taken."""
    api.a_customer()
    [hook] = api.exchange.hooks()
    api.exchange.settle(hook, taken=False)
    assert api.exchange.hooks() == []
    api.clock.advance(1)
    [again] = api.exchange.hooks()
    assert json.loads(again.body)["id"] == json.loads(hook.body)["id"]
    api.exchange.settle(again, taken=False)
    api.clock.advance(1)
    assert api.exchange.hooks() == []
    api.clock.advance(1)
    [third] = api.exchange.hooks()
    assert len(api.get("events", delivery_success=False)["data"]) == 1
    api.exchange.settle(third, taken=True)
    assert api.get("events", delivery_success=False)["data"] == []
    assert len(api.get("events", delivery_success=True)["data"]) == 1
    api.clock.advance(3600)
    assert api.exchange.hooks() == []


def test_events_are_listed_for_thirty_days(api: Api) -> None:
    """By types (at most twenty), since when, with cursors."""
    api.a_draft(100)
    wanted = {"types[0]": "customer.created", "types[1]": "invoice.created"}
    assert [event["type"] for event in api.get("events", **wanted)["data"]] == ["invoice.created", "customer.created"]
    api.get("events", 400, **{f"types[{n}]": "a" for n in range(21)})
    first = api.get("events", limit=1)
    assert first["has_more"] is True
    rest = api.get("events", limit=100, starting_after=first["data"][0]["id"])
    assert len(rest["data"]) == 3
    api.clock.advance(30 * 86_400)
    assert api.get("events")["data"] == []
    api.get(f"events/{first['data'][0]['id']}", 404)


def test_a_connected_accounts_events_name_it(api: Api) -> None:
    """The platform's own do not."""
    api.ask("POST", "customers", **{"Stripe-Account": "acct_other"})
    api.a_customer()
    named = {json.loads(hook.body).get("account") for hook in api.exchange.hooks()}
    assert named == {"acct_other", None}


def test_only_wanted_types_are_posted() -> None:
    """An endpoint subscribes; the rest is only listed."""
    api = Api(hook_types=frozenset({"invoice.paid"}))
    api.a_paid_invoice(100)
    assert api.told() == ["invoice.paid"]
    assert len(api.get("events", limit=100)["data"]) > 5


def test_the_same_seed_makes_the_same_ids() -> None:
    """A schedule repeats exactly, down to the last byte."""
    states = []
    for _ in range(2):
        api = Api()
        _story(api)
        states.append(msgspec.json.encode(api.standin.state()))
    assert states[0] == states[1]
