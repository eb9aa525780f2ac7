"""What became of a write at Stripe that was sent and not answered: found, not there, completed, or for a person."""

from stripe_account import DAY_SECONDS, Account, D, a_customer, a_draft, a_refund, an_account

from contracts.money import Money
from destinations.stripe.check import MADE_BY


def _drafts(account: Account) -> list[tuple[str, int]]:
    return [(each["status"], each["lines"]["total_count"]) for each in account.api.get("invoices")["data"]]


def test_a_probe_within_the_keys_life_only_reads() -> None:
    """What looks whether it happened writes nothing, so that a pause holds for it too."""
    with an_account() as account:
        for effect in (a_customer(), a_draft(account.api.a_customer()["id"])):
            before = len(account.requests())
            assert account.probe(effect).outcome == "did_not_happen"
            assert {each.split()[0] for each in account.requests()[before:]} == {"GET"}


def test_what_somebody_deleted_meanwhile_did_happen() -> None:
    """It is in no list any more, a day later no key knows it; Stripe's events do. Made again, it would be a second."""
    with an_account() as account:
        effect = a_customer()
        account.api.fault("drop_after", method="POST")
        assert account.send(effect).meaning == "unknown"
        account.api.ask("DELETE", f"customers/{account.api.get('customers')['data'][0]['id']}")
        account.api.clock.advance(DAY_SECONDS)
        finding = account.probe(effect)
        assert finding.outcome == "happened"
        assert "events" in finding.detail


def test_a_customer_whose_address_was_changed_is_found() -> None:
    """The list by address does not show it; it did happen all the same."""
    with an_account() as account:
        effect = a_customer()
        account.api.fault("drop_after", method="POST")
        account.send(effect)
        id = account.api.get("customers")["data"][0]["id"]
        account.api.post(f"customers/{id}", email="new@customer.example")
        finding = account.probe(effect)
        assert (finding.outcome, finding.reference) == ("happened", id)


def test_a_draft_without_its_lines_is_completed_by_sending_again() -> None:
    """Between the two requests everything broke off: it did not happen yet, and the same keys make it one whole."""
    with an_account() as account:
        effect = a_draft(account.api.a_customer()["id"])
        account.api.fault("drop_before", path="*/add_lines")
        sent = account.send(effect)
        assert (sent.meaning, _drafts(account)) == ("unknown", [("draft", 0)])
        account.api.clock.advance(DAY_SECONDS / 2)
        assert account.probe(effect).outcome == "did_not_happen"
        assert D.send(account.client, effect, effect.key, None).meaning == "done"
        assert _drafts(account) == [("draft", 2)]


def test_a_draft_without_its_lines_is_completed_when_its_key_is_forgotten() -> None:
    """Sent again it would be a second draft: the probe adds the lines, which were just seen to be missing."""
    with an_account() as account:
        effect = a_draft(account.api.a_customer()["id"])
        account.api.fault("hang_before", path="*/add_lines")
        account.send(effect)
        account.api.clock.advance(DAY_SECONDS)
        finding = account.probe(effect)
        assert (finding.outcome, _drafts(account)) == ("happened", [("draft", 2)])
        assert finding.receipt["stands"]["lines"] == 2
        assert account.probe(effect).outcome == "happened"
        assert _drafts(account) == [("draft", 2)]


def test_half_a_draft_is_not_touched_when_somebody_finalized_it() -> None:
    """Nobody can say what it is now: a person must."""
    with an_account() as account:
        effect = a_draft(account.api.a_customer()["id"])
        account.api.fault("hang_before", path="*/add_lines")
        sent = account.send(effect)
        account.api.post(f"invoices/{sent.reference}/finalize")
        account.api.clock.advance(DAY_SECONDS)
        before = len(account.requests())
        finding = account.probe(effect)
        assert (finding.outcome, finding.reference) == ("unknown", sent.reference)
        assert {each.split()[0] for each in account.requests()[before:]} == {"GET"}


def test_a_reader_that_probes_completes_nothing() -> None:
    """The guard would not let it; it says that it does not know."""
    with an_account() as account:
        effect = a_draft(account.api.a_customer()["id"])
        account.api.fault("hang_before", path="*/add_lines")
        account.send(effect)
        account.api.clock.advance(DAY_SECONDS)
        account.client = account.reader
        assert account.probe(effect).outcome == "unknown"
        assert _drafts(account) == [("draft", 0)]


def test_a_key_that_only_repeats_an_error_is_waited_for() -> None:
    """Stripe remembers the 500 and did nothing: again when the key is new, not every few seconds."""
    with an_account() as account:
        effect = a_customer()
        account.api.fault("status_kept", method="POST", status=500)
        assert account.send(effect).meaning == "unknown"
        assert account.probe(effect).outcome == "did_not_happen"
        again = account.send(effect)
        assert again.meaning == "retry"
        assert again.after_seconds is not None
        assert again.after_seconds > 24 * 3600
        account.api.clock.advance(again.after_seconds)
        assert account.send(effect).meaning == "done"
        assert account.api.count("customer") == 1


def test_a_key_that_repeats_an_error_although_it_was_done_is_known_by_its_mark() -> None:
    """The 500 was a lie: the object stands and carries the key."""
    with an_account() as account:
        charge = account.api.a_charge(5000)
        effect = a_refund(charge["id"], Money(2000, "EUR"))
        account.api.fault("status_after", path="/v1/refunds", method="POST", status=500)
        assert account.send(effect).meaning == "unknown"
        assert account.send(effect).meaning == "already"
        assert account.api.get(f"charges/{charge['id']}")["amount_refunded"] == 2000


def test_a_key_that_was_used_for_something_else_is_for_a_person() -> None:
    """Nothing carries it: refused, not tried for ever. Something carries it: it stands, and reading back compares."""
    with an_account() as account:
        account.api.post("customers", key="stripe:customer:1", name="Of another program")
        sent = account.send(a_customer())
        assert (sent.meaning, sent.receipt["type"]) == ("refused", "idempotency_error")
    with an_account() as account:
        first = account.send(a_customer())
        other = a_customer(name="Other Ltd")
        sent = account.send(other)
        assert (sent.meaning, sent.reference) == ("already", first.reference)
        assert D.read_back(account.client, other, sent) == ["name is not as sent"]


def test_a_list_that_cannot_be_read_proves_nothing() -> None:
    """Half a list, another page than asked for, no answer: unknown, whatever else is known."""
    with an_account() as account:
        effect = a_refund(account.api.a_charge(5000)["id"], Money(2000, "EUR"))
        for kind in ("garbled", "truncated", "hang_after", "status", "rate_limited", "reset_before"):
            account.api.fault(kind, path="/v1/refunds", method="GET")
            assert account.probe(effect).outcome == "unknown", kind
        assert account.probe(effect).outcome == "did_not_happen"


def test_another_object_with_our_mark_is_not_taken_for_ours() -> None:
    """Somebody copied the metadata onto an object of another key: it proves nothing."""
    with an_account() as account:
        account.api.post("customers", email="ap@customer.example", metadata={MADE_BY: "stripe:customer:10"})
        assert account.probe(a_customer()).outcome == "did_not_happen"


def test_changed_metadata_that_is_neither_old_nor_new_is_for_a_person() -> None:
    """Somebody set the entry while we were in doubt and our mark is not there."""
    from destinations import stripe
    from destinations.remote import Attempt

    with an_account() as account:
        id = account.api.a_customer(metadata={"plan": "old"})["id"]
        effect = stripe.update_metadata(key="k", subject="x", object="customer", id=id, metadata={"plan": "new"})
        image, now = D.look(account.client, effect), account.now()
        assert D.probe(account.client, effect, Attempt("k", now, now, now, image)).outcome == "did_not_happen"
        account.api.post(f"customers/{id}", metadata={"plan": "by hand"})
        assert D.probe(account.client, effect, Attempt("k", now, now, now, image)).outcome == "unknown"
        account.api.post(f"customers/{id}", metadata={"counterfoil_change": "k"})
        assert D.probe(account.client, effect, Attempt("k", now, now, now, image)).outcome == "happened"
