"""A company at Stripe's stand-in, which keeps a balance of its own: the books follow it to the cent."""

from collections.abc import Callable
from typing import Any

import pytest
from stripe_api import Api

from contracts.base import find
from contracts.payouts import PayoutPaidSnapshot
from destinations import http
from destinations.http import Answer, Http, NoAnswer
from destinations.stripe.questions import payout_parts
from engine import NeedsPerson, Plan
from exceptions_queue.failures import ContextMissing, DestinationUnavailable
from sandbox.standin.transport import InProcess

Planned = Callable[..., Any]
BASE = "http://stripe.test"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    """The stand-in, where questions to Stripe end up."""
    made = Api()
    monkeypatch.setenv("STRIPE_API_BASE", BASE)
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_sandbox")
    monkeypatch.setitem(http.IN_PROCESS, BASE, InProcess(made.exchange, made.clock.advance))
    return made


def _books(api: Api, planned: Planned) -> dict[str, int]:
    """What the accounts come to after all events so far."""
    written: dict[str, Any] = {}
    for event in reversed(api.get("events", limit=100)["data"]):
        try:
            outcome = planned(event, _context(event))
        except LookupError:
            continue  # nobody handles it
        assert not isinstance(outcome, NeedsPerson), (event["type"], outcome)
        for effect in outcome.effects if isinstance(outcome, Plan) else ():
            assert written.setdefault(effect.key, effect).digest == effect.digest
    found: dict[str, int] = {}
    for line in (line for effect in written.values() for line in effect.body["lines"]):
        found[line["account"]] = found.get(line["account"], 0) + line["amount_minor"]
    return found


def _context(event: dict[str, Any]) -> dict[str, Any]:
    return {"balance_transactions": payout_parts(_paid(event), {})} if event["type"] == "payout.paid" else {}


def _paid(event: dict[str, Any]) -> PayoutPaidSnapshot:
    found = find("stripe", event["type"], event["api_version"], event).check(event)
    assert isinstance(found, PayoutPaidSnapshot)
    return found


def _held(api: Api) -> tuple[int, int]:
    """What the stand-in holds for us, and the fees it has kept that no event told."""
    moved = api.get("balance_transactions", limit=100)["data"]
    untold = [each["fee"] for each in moved if not each["source"].startswith("du_")]
    return sum(each["net"] for each in moved), sum(untold)


def _refunds_and_notes(api: Api) -> None:
    first, second, third = (api.a_paid_invoice(amount) for amount in (5000, 12_000, 90_000))
    api.post("refunds", charge=api.charge_of(first)["id"], amount=1500)
    api.post("refunds", charge=api.charge_of(first)["id"])
    api.post("credit_notes", invoice=second["id"], amount=700, credit_amount=700)
    api.post("credit_notes", invoice=second["id"], amount=900, refund_amount=900)
    api.post("refunds", charge=api.charge_of(third)["id"], amount=100)


def _disputes(api: Api) -> None:
    lost, won = (api.do("open_dispute", charge=api.a_charge(amount)["id"]) for amount in (7000, 800))
    api.do("close_dispute", dispute=lost["id"], status="lost")
    api.do("close_dispute", dispute=won["id"], status="won")


def test_the_books_hold_what_the_stand_in_holds(api: Api, planned: Planned) -> None:
    """Gross until it is paid out: the stand-in's balance and the fees that only a payout tells."""
    _refunds_and_notes(api)
    _disputes(api)
    books, (net, fees) = _books(api, planned), _held(api)
    assert books["Assets:Stripe:Clearing"] == net + fees
    assert books["Assets:Stripe:Disputes"] == 0
    assert books["Expenses:DisputesLost"] == 7000
    assert -books["Liabilities:CustomerCredit"] == 700
    assert books["Income:Refunds"] == 5000 + 100  # of 900 a credit note knows
    assert books["Income:CreditNotes"] == 1600


def test_a_payout_of_everything_leaves_nothing_on_clearing(api: Api, planned: Planned) -> None:
    """Its parts are read from the stand-in, add up, and carry the last fees away."""
    _refunds_and_notes(api)
    _disputes(api)
    payout = api.do("payout", currency="eur")
    books = _books(api, planned)
    assert books["Assets:Bank:InTransit"] == payout["amount"]
    assert books["Assets:Stripe:Clearing"] == 0
    assert sum(books.values()) == 0


@pytest.fixture
def paid(api: Api) -> PayoutPaidSnapshot:
    """The event of a payout at the stand-in."""
    api.a_paid_invoice(5000)
    api.do("payout", currency="eur")
    (event,) = (each for each in api.get("events", limit=100)["data"] if each["type"] == "payout.paid")
    return _paid(event)


def test_an_answer_holds_what_a_plan_needs_and_nothing_a_person_wrote(paid: PayoutPaidSnapshot) -> None:
    """It is kept with the event for as long as the event is."""
    known = {"id", "amount", "fee", "net", "currency", "type", "reporting_category", "converted"}
    parts = payout_parts(paid, {})
    assert len(parts) == 2
    assert all(part.keys() == known for part in parts)


def test_a_question_is_asked_by_a_client_that_cannot_write(
    paid: PayoutPaidSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one transaction was converted at is left out; that it was stays."""
    asked: list[bool] = []
    rates = ({"id": "txn_1", "exchange_rate": 1.08}, {"id": "txn_2", "exchange_rate": None})

    def listed(self: Http, *_: Any, **__: Any) -> Answer:
        asked.append(self.write)
        return Answer(200, {}, {"object": "list", "has_more": False, "data": list(rates)})

    monkeypatch.setattr(Http, "call", listed)
    assert [part["converted"] for part in payout_parts(paid, {})] == [True, False]
    assert asked == [False]


def test_without_a_credential_a_person_is_told_which(paid: PayoutPaidSnapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is named; its value nowhere."""
    monkeypatch.delenv("STRIPE_API_KEY")
    with pytest.raises(ContextMissing, match="STRIPE_API_KEY"):
        payout_parts(paid, {})


def _answering(status: int) -> Callable[..., Answer]:
    return lambda *_, **__: Answer(status, {}, {"error": {"type": "x", "message": "y"}})


def _silent(*_: Any, **__: Any) -> Answer:
    raise NoAnswer("GET: ReadTimeout")


@pytest.mark.parametrize(
    ("call", "failure"),
    [(_answering(500), DestinationUnavailable), (_answering(400), ContextMissing), (_silent, DestinationUnavailable)],
)
def test_what_goes_wrong_has_its_class(
    call: Callable[..., Answer], failure: type, paid: PayoutPaidSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Stripe that is down is asked again for hours; an answer that makes no sense is for a person sooner."""
    monkeypatch.setattr(Http, "call", call)
    with pytest.raises(failure):
        payout_parts(paid, {})
