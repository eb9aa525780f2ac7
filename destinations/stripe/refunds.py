"""Refunds at Stripe: money that goes back, which nothing fetches again."""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.money import Money
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Image, NoInverse, Operation, Sent
from destinations.stripe import check, reads
from destinations.stripe.answers import Reply
from destinations.stripe.making import Making
from destinations.stripe.operation import KEY_SECONDS, image_of

REASONS = ("duplicate", "fraudulent", "requested_by_customer")
#: What a refund may be of: by the member that names it, and how its ids begin.
SOURCES = {"charge": ("ch_", "py_"), "payment_intent": ("pi_",)}
#: Statuses in which no money goes back.
NOTHING_PAID = ("failed", "canceled")


class CreateRefund(Making):
    """Pays back a part or all of a charge. Stripe takes no currency for it, so ours is compared with the charge's."""

    operation = Operation(
        "refund", "native_key", "Pay money back", None, key_lifetime_seconds=KEY_SECONDS, looks=True, spends=True
    )
    noun, prefixes, event_type = "refund", ("re_", "pyr_"), "refund.created"

    def problems(self, effect: Effect) -> Iterator[str]:
        body = effect.body
        yield from check.members(body, {"amount_minor", "currency"}, {"charge", "payment_intent", "reason", "metadata"})
        if len(SOURCES.keys() & body.keys()) != 1:
            yield "a refund is of a charge or of a payment_intent, one of them"
        for name, prefixes in SOURCES.items():
            if name in body:
                yield from check.id(name, body[name], *prefixes)
        yield from check.amount("amount_minor", body.get("amount_minor"))
        yield from check.money(effect, body.get("amount_minor"))
        if body.get("reason") not in (None, *REASONS):
            yield f"reason is one of {', '.join(REASONS)}"
        yield from check.metadata(body.get("metadata") or {})

    def lines(self, effect: Effect) -> list[str]:
        body, name = effect.body, _source(effect)
        amount = check.money_text(body["amount_minor"], body["currency"])
        why = f", because {body['reason'].replace('_', ' ')}" if body.get("reason") else ""
        return [f"Pay back {amount} of the {name.replace('_', ' ')} {check.shown(body[name], name)}{why}."]

    def target(self, effect: Effect) -> str | None:
        name = _source(effect)
        return None if check.is_receipt(effect.body[name]) else f"{name}s/{effect.body[name]}"

    def look(self, client: Http, effect: Effect) -> Image:
        name = _source(effect)
        found = reads.find(client, f"/v1/{name}s/{effect.body[name]}")
        if found is None:
            return Image(None)
        charge: dict[str, Any] | None = found
        if name == "payment_intent":
            id = found.get("latest_charge")
            charge = reads.find(client, f"/v1/charges/{id}") if isinstance(id, str) else None
        if charge is None or not isinstance(charge.get("currency"), str):
            return image_of(effect.body[name], {"charge": None})
        members = ("id", "amount", "amount_refunded", "disputed", "status")
        fields = {"charge" if member == "id" else member: charge.get(member) for member in members}
        return image_of(effect.body[name], {**fields, "currency": charge["currency"].upper()})

    def params(self, effect: Effect, key: str) -> dict[str, Any]:
        name = _source(effect)
        params = {name: effect.body[name], "amount": effect.body["amount_minor"], "reason": effect.body.get("reason")}
        return {member: value for member, value in params.items() if value is not None}

    def siblings(self, effect: Effect) -> dict[str, Any]:
        name = _source(effect)
        return {name: effect.body[name]}

    def forbids(self, client: Http, effect: Effect, image: Image | None) -> str | None:
        image = image or self.look(client, effect)
        if image.version is None or image.fields.get("charge") is None:
            return "there is no charge to pay back"
        if image.fields["currency"] != effect.body["currency"]:
            return f"the charge is in {image.fields['currency']}, not in {effect.body['currency']}"
        return None

    def complete(self, client: Http, effect: Effect, key: str, made: dict[str, Any], reply: Reply) -> Sent:
        if made.get("status") in NOTHING_PAID:
            sent = self.done(made, reply)
            return Sent(
                "refused", f"the refund {made['id']} was made and is {made['status']}", made["id"], sent.receipt
            )
        return super().complete(client, effect, key, made, reply)

    def stands(self, made: Mapping[str, Any]) -> dict[str, Any]:
        currency = made.get("currency")
        return {
            "amount_minor": made.get("amount"),
            "currency": currency.upper() if isinstance(currency, str) else None,
            "pays": made.get("status") not in NOTHING_PAID,
        }

    def expected(self, effect: Effect) -> dict[str, Any]:
        return {**{name: effect.body[name] for name in ("amount_minor", "currency")}, "pays": True}

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        raise NoInverse(
            "money that was paid back cannot be fetched; while it is pending, it may be cancelled at Stripe by hand"
        )


def _source(effect: Effect) -> str:
    return "charge" if "charge" in effect.body else "payment_intent"


def refund(
    *,
    key: str,
    subject: str,
    amount: Money,
    charge: str | None = None,
    payment_intent: str | None = None,
    reason: str | None = None,
    metadata: dict[str, str] | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:
    """The effect of paying back `amount` of one charge or payment intent."""
    body: dict[str, Any] = {"amount_minor": amount.amount_minor, "currency": amount.currency}
    more = {"charge": charge, "payment_intent": payment_intent, "reason": reason, "metadata": metadata}
    body |= {member: value for member, value in more.items() if value is not None}
    return Effect("stripe", CreateRefund.operation.name, key, subject, amount, body, evidence or {})
