"""Taking back what was issued at Stripe: a draft is deleted, an open invoice voided, a credit note voided."""

from collections.abc import Iterator
from typing import Any

from destinations import http, stripe_check, stripe_reads, stripe_wire
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Image, Operation, Sent
from destinations.stripe_answers import Reply
from destinations.stripe_check import MADE_BY, SUB_KEY
from destinations.stripe_invoices import CreateDraftInvoice
from destinations.stripe_operation import KEY_SECONDS, Changing, image_of, is_down

_DRAFTS = CreateDraftInvoice()


class WithdrawInvoice(Changing):
    """Takes an invoice back: a draft with its lines is deleted, one that somebody finalized is voided."""

    operation = Operation(
        "withdraw_invoice",
        "native_key",
        "Withdraw an invoice",
        None,  # neither deleting nor voiding can be undone at Stripe
        key_lifetime_seconds=KEY_SECONDS,
        looks=True,
        deletes=True,
    )

    def problems(self, effect: Effect) -> Iterator[str]:
        yield from stripe_check.members(effect.body, {"invoice", "made_by"}, set())
        yield from stripe_check.id("invoice", effect.body.get("invoice"), "in_")
        yield from stripe_check.text("made_by", effect.body.get("made_by"), stripe_check.KEY_MAX)
        yield from stripe_check.no_money(effect)

    def lines(self, effect: Effect) -> list[str]:
        invoice = stripe_check.shown(effect.body["invoice"], "invoice")
        return [f"Delete the draft invoice {invoice} with its lines; void it instead if somebody has finalized it."]

    def target(self, effect: Effect) -> str | None:
        found = effect.body["invoice"]
        return None if stripe_check.is_receipt(found) else f"invoices/{found}"

    def look(self, client: Http, effect: Effect) -> Image:
        id = effect.body["invoice"]
        found = _DRAFTS.fetch(client, id)
        return Image(None) if found is None else image_of(id, _DRAFTS.stands(found))

    def send(self, client: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        id = effect.body["invoice"]
        try:
            status = (image or self.look(client, effect)).fields.get("status")
            if status == "draft":
                return self._delete(client, effect, key)
        except http.Failed as failed:
            return Sent("retry", f"not sent: {failed}", down=is_down(failed))
        if status is None or status == "void":
            return Sent("already", f"the invoice {id} is {status or 'gone'}", id, {"object": id})
        if status == "paid":
            return Sent("refused", f"not sent: the invoice {id} is paid; pay it back or issue a credit note instead")
        return _ended(stripe_wire.post(client, f"/v1/invoices/{id}/void", {}, key), id, "status", "void")

    def _delete(self, client: Http, effect: Effect, key: str) -> Sent:
        """Lines first: those of a deleted draft would wait for the customer's next invoice. Raises: http.Failed."""
        id = effect.body["invoice"]
        lines = [line["id"] for line in stripe_reads.invoice_lines(client, id) if _made_by(line, effect)]
        if lines:
            params = {"lines": [{"id": line, "behavior": "delete"} for line in lines]}
            removed = stripe_wire.post(client, f"/v1/invoices/{id}/remove_lines", params, key + SUB_KEY)
            if removed.meaning != "done":
                return removed.sent("refused" if removed.meaning == "refused" else "unknown")
        return _ended(stripe_wire.delete(client, f"/v1/invoices/{id}"), id, "deleted", True)

    def is_done(self, effect: Effect, now: Image) -> bool:
        return now.version is None or now.fields.get("status") == "void"


class VoidCreditNote(Changing):
    """Takes a credit note back: its invoice asks for the money again."""

    operation = Operation(
        "void_credit_note",
        "native_key",
        "Void a credit note",
        None,  # a new credit note would have another number
        key_lifetime_seconds=KEY_SECONDS,
        looks=True,
    )

    def problems(self, effect: Effect) -> Iterator[str]:
        yield from stripe_check.members(effect.body, {"credit_note"}, set())
        yield from stripe_check.id("credit_note", effect.body.get("credit_note"), "cn_")
        yield from stripe_check.no_money(effect)

    def lines(self, effect: Effect) -> list[str]:
        found = stripe_check.shown(effect.body["credit_note"], "credit note")
        return [f"Void the credit note {found}: its invoice asks for the money again."]

    def target(self, effect: Effect) -> str | None:
        found = effect.body["credit_note"]
        return None if stripe_check.is_receipt(found) else f"credit_notes/{found}"

    def look(self, client: Http, effect: Effect) -> Image:
        id = effect.body["credit_note"]
        found = stripe_reads.find(client, f"/v1/credit_notes/{id}")
        return Image(None) if found is None else image_of(id, note_fields(found))

    def send(self, client: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        id = effect.body["credit_note"]
        if image is not None and image.fields.get("status") == "void":
            return Sent("already", f"the credit note {id} is void", id, {"object": id})
        return _ended(stripe_wire.post(client, f"/v1/credit_notes/{id}/void", {}, key), id, "status", "void")

    def is_done(self, effect: Effect, now: Image) -> bool:
        return now.fields.get("status") == "void"


def note_fields(note: dict[str, Any]) -> dict[str, Any]:
    """What a credit note gives, as people are shown it."""
    currency = note.get("currency")
    return {
        "status": note.get("status"),
        "amount_minor": note.get("total"),
        "currency": currency.upper() if isinstance(currency, str) else None,
    }


def _ended(reply: Reply, id: str, member: str, value: object) -> Sent:
    """The answer to a request that ends an object."""
    if reply.used_up and not reply.replayed:
        return reply.sent("refused")
    if reply.meaning != "done":
        return reply.sent()
    if reply.body.get("id") != id or reply.body.get(member) != value:
        return reply.sent("unknown", f"the answer does not say that {id} is ended")
    return Sent("already" if reply.replayed else "done", reply.detail, id, {**reply.receipt, "object": id})


def _made_by(line: dict[str, Any], effect: Effect) -> bool:
    metadata = line.get("metadata")
    return isinstance(metadata, dict) and metadata.get(MADE_BY) == effect.body["made_by"]
