"""Taking back what was issued at Stripe: a draft is deleted, an open invoice voided, a credit note voided."""

from collections.abc import Iterator, Mapping
from typing import Any

from destinations import http
from destinations.base import KEY_LENGTH_MAX, Effect
from destinations.http import Http
from destinations.remote import Image, Operation, Sent
from destinations.stripe import check, reads, wire
from destinations.stripe.answers import Reply
from destinations.stripe.check import MADE_BY
from destinations.stripe.invoices import CreateDraftInvoice
from destinations.stripe.operation import KEY_SECONDS, Changing, image_of, is_down

_DRAFTS = CreateDraftInvoice()
#: Stripe knows no such status; it is ours for a draft that is gone while its lines are not.
DELETED = "deleted"


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
        yield from check.members(effect.body, {"invoice", "customer", "made_by"}, set())
        yield from check.id("invoice", effect.body.get("invoice"), "in_")
        yield from check.id("customer", effect.body.get("customer"), "cus_")
        yield from check.text("made_by", effect.body.get("made_by"), KEY_LENGTH_MAX)
        yield from check.no_money(effect)

    def lines(self, effect: Effect) -> list[str]:
        invoice = check.shown(effect.body["invoice"], "invoice")
        return [f"Delete the draft invoice {invoice} with its lines; void it instead if somebody has finalized it."]

    def target(self, effect: Effect) -> str | None:
        found = effect.body["invoice"]
        return None if check.is_receipt(found) else f"invoices/{found}"

    def look(self, client: Http, effect: Effect) -> Image:
        id = effect.body["invoice"]
        found = _DRAFTS.fetch(client, id)
        if found is not None:
            return image_of(id, _DRAFTS.stands(found))
        waiting = _waiting(client, effect)
        return image_of(id, {"status": DELETED, "lines": len(waiting)}) if waiting else Image(None)

    def send(self, client: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        id = effect.body["invoice"]
        try:
            # Not the image's status: what it is at this moment decides which request is the right one.
            status = self.look(client, effect).fields.get("status")
        except http.Failed as failed:
            return Sent("retry", f"not sent: {failed}", down=is_down(failed))
        if status in (None, "void"):
            return self.done(effect, key, f"the invoice {id} is {status or 'gone'}", None, "already")
        if status == "paid":
            return Sent("refused", f"not sent: the invoice {id} is paid; pay it back or issue a credit note instead")
        if status not in ("draft", DELETED):
            return self.ended(client, effect, key, wire.post(client, f"/v1/invoices/{id}/void", {}, key))
        reply = None
        if status == "draft":
            reply = wire.delete(client, f"/v1/invoices/{id}")
            if reply.receipt.get("code") != "resource_missing":
                sent = self.ended(client, effect, key, reply)
                if sent.meaning != "done":
                    return sent
        return self._delete_lines(client, effect, key, reply)

    def _delete_lines(self, client: Http, effect: Effect, key: str, deleted: Reply | None) -> Sent:
        """The lines of a deleted draft may wait for the customer's next invoice, which nobody would expect."""
        try:
            waiting = _waiting(client, effect)
        except http.Failed as failed:
            return Sent(
                "unknown", f"the draft is deleted; looking for its lines failed: {failed}", down=is_down(failed)
            )
        for item in waiting:
            reply = wire.delete(client, f"/v1/invoiceitems/{item}")
            if reply.meaning != "done" and reply.receipt.get("code") != "resource_missing":
                return reply.sent("unknown", f"the draft is deleted, its line {item} is not: {reply.detail}")
        return self.done(effect, key, "the draft is deleted with its lines", deleted, "done")

    def id(self, effect: Effect) -> str:
        return str(effect.body["invoice"])

    def shows(self, effect: Effect, body: Mapping[str, Any]) -> bool:
        is_ended = body.get("deleted") is True or body.get("status") == "void"
        return body.get("id") == effect.body["invoice"] and is_ended

    def is_done(self, effect: Effect, key: str, now: Image) -> bool:
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
        yield from check.members(effect.body, {"credit_note"}, set())
        yield from check.id("credit_note", effect.body.get("credit_note"), "cn_")
        yield from check.no_money(effect)

    def lines(self, effect: Effect) -> list[str]:
        found = check.shown(effect.body["credit_note"], "credit note")
        return [f"Void the credit note {found}: its invoice asks for the money again."]

    def target(self, effect: Effect) -> str | None:
        found = effect.body["credit_note"]
        return None if check.is_receipt(found) else f"credit_notes/{found}"

    def look(self, client: Http, effect: Effect) -> Image:
        id = effect.body["credit_note"]
        found = reads.find(client, f"/v1/credit_notes/{id}")
        return Image(None) if found is None else image_of(id, note_fields(found))

    def send(self, client: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        id = effect.body["credit_note"]
        if image is not None and image.fields.get("status") == "void":
            return self.done(effect, key, f"the credit note {id} is void", None, "already")
        return self.ended(client, effect, key, wire.post(client, f"/v1/credit_notes/{id}/void", {}, key))

    def id(self, effect: Effect) -> str:
        return str(effect.body["credit_note"])

    def shows(self, effect: Effect, body: Mapping[str, Any]) -> bool:
        return body.get("id") == effect.body["credit_note"] and body.get("status") == "void"

    def is_done(self, effect: Effect, key: str, now: Image) -> bool:
        return now.fields.get("status") == "void"


def note_fields(note: dict[str, Any]) -> dict[str, Any]:
    """What a credit note gives, as people are shown it."""
    currency = note.get("currency")
    return {
        "status": note.get("status"),
        "amount_minor": note.get("total"),
        "currency": currency.upper() if isinstance(currency, str) else None,
    }


def _waiting(client: Http, effect: Effect) -> list[str]:
    """Lines of ours that are on no invoice. Raises: http.Failed."""
    asked = {"customer": effect.body["customer"], "pending": True}
    items = reads.every(client, "/v1/invoiceitems", asked)
    return [item["id"] for item in items if check.marker(item, MADE_BY) == effect.body["made_by"]]
