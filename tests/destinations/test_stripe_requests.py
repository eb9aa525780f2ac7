"""What goes out to Stripe: credential, version and key in the headers, and nothing that nobody approved in the form."""

from urllib.parse import parse_qsl

import httpx
import pytest
from stripe_account import BASE, Account, D, a_customer, a_draft, an_account

from contracts.money import Money
from destinations import http, stripe
from sandbox.stripe import drafts


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[httpx.Request]:
    """Every request that reaches the wire."""
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(500)

    monkeypatch.setitem(http.IN_PROCESS, BASE, httpx.MockTransport(answer))
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_writes")
    monkeypatch.setenv("STRIPE_READ_API_KEY", "rk_test_reads")
    monkeypatch.setenv("STRIPE_API_BASE", BASE)
    return requests


def _form(account: Account, path: str) -> dict[str, str]:
    """The last form that was posted to a path."""
    entries = [each for each in account.api.exchange.journal if (each.method, each.path) == ("POST", path)]
    return dict(parse_qsl(entries[-1].body))


def test_a_write_carries_credential_version_and_key(sent: list[httpx.Request]) -> None:
    """The shape of answers is pinned, whatever the account's default becomes."""
    D.send(D.connect(write=True), a_customer(), "stripe:customer:1", None)
    [request] = sent
    assert request.headers["Authorization"] == "Bearer sk_test_writes"
    assert request.headers["Stripe-Version"] == "2026-10-28.endive"
    assert request.headers["Idempotency-Key"] == "stripe:customer:1"
    assert dict(parse_qsl(request.content.decode()))["metadata[counterfoil_key]"] == "stripe:customer:1"


def test_reading_has_a_credential_of_its_own(sent: list[httpx.Request], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is one; else the writing one, behind the guard. It carries no key."""
    D.ping(D.connect(write=False))
    monkeypatch.delenv("STRIPE_READ_API_KEY")
    D.ping(D.connect(write=False))
    credentials = [request.headers["Authorization"] for request in sent]
    assert credentials == ["Bearer rk_test_reads", "Bearer sk_test_writes"]
    assert all("Idempotency-Key" not in request.headers for request in sent)


def test_a_draft_takes_nothing_along_and_does_nothing_by_itself() -> None:
    """Not what else waits for this customer's next invoice, not by collecting or sending it one day."""
    with an_account() as account:
        customer = account.api.a_customer()["id"]
        account.api.post("invoiceitems", customer=customer, amount=77, currency="eur")
        effect = a_draft(customer)
        sent = account.send(effect)
        assert D.read_back(account.client, effect, sent) == []
        form = _form(account, "/v1/invoices")
        assert (form["auto_advance"], form["pending_invoice_items_behavior"]) == ("false", "exclude")
        assert form["collection_method"] == "send_invoice"


def test_a_credit_note_is_not_mailed() -> None:
    """Stripe would send it to the customer at once, which nobody approved."""
    with an_account() as account:
        draft = account.api.a_draft(9000)
        account.api.post(f"invoices/{draft['id']}/finalize")
        lines = [{"amount_minor": 60, "description": "Late"}, {"amount_minor": 40, "description": "Later"}]
        note = stripe.create_credit_note(
            key="k",
            subject="x",
            amount=Money(100, "EUR"),
            invoice=draft["id"],
            lines=lines,  # type: ignore[arg-type]
        )
        assert account.send(note).meaning == "done"
        assert _form(account, "/v1/credit_notes")["email_type"] == "none"


def test_many_lines_are_counted_to_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invoice carries its first ten and need not say how many more: all are read, and none is taken for changed."""
    inline = drafts.inline

    def silent(*args: object) -> dict[str, object]:
        return {name: value for name, value in inline(*args).items() if name != "total_count"}  # type: ignore[arg-type]

    monkeypatch.setattr(drafts, "inline", silent)
    with an_account() as account:
        items = [{"description": f"Line {number}", "amount_minor": 100} for number in range(1, 13)]
        effect = a_draft(account.api.a_customer()["id"], items=items)
        sent = account.send(effect)
        assert D.read_back(account.client, effect, sent) == []
        image = D.look(account.client, D.inverse(effect, sent.receipt, None))
        assert image.fields["lines"] == 12
        assert D.changed_since(effect, sent.receipt, image) == []
