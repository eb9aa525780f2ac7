"""Credit notes at Stripe: an open invoice asks for less, or a paid one gives back."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from contracts.money import AMOUNT_MINOR_MAX, Money
from destinations.base import Effect
from destinations.http import Http
from destinations.remote import Image, NoInverse, Operation
from destinations.stripe import check, reads
from destinations.stripe.making import Making
from destinations.stripe.operation import KEY_SECONDS, image_of, object_of, taking_back
from destinations.stripe.withdrawals import VoidCreditNote, note_fields

REASONS = ("duplicate", "fraudulent", "order_change", "product_unsatisfactory")
#: As many as an invoice of ours has; and texts as short as on it.
LINES_MAX = 100
MEMO_MAX = 500
#: Where the money of a paid invoice goes: our member, Stripe's, and in words.
PARTS = {
    "refund_minor": ("refund_amount", "paid back"),
    "credit_minor": ("credit_amount", "kept as the customer's credit"),
    "out_of_band_minor": ("out_of_band_amount", "paid back outside Stripe"),
}


class CreditLine(TypedDict):
    """One line: of the invoice's, or in words of its own."""

    amount_minor: int
    invoice_line_item: NotRequired[str]
    description: NotRequired[str]


class CreateCreditNote(Making):
    """Gives up money that was owed or paid; so it counts as spending, whichever way it goes."""

    operation = Operation(
        "create_credit_note",
        "native_key",
        "Issue a credit note",
        "voided, as long as its invoice is open; not when it gave money back",
        key_lifetime_seconds=KEY_SECONDS,
        looks=True,
        spends=True,
    )
    noun, prefixes, event_type = "credit_note", ("cn_",), "credit_note.created"

    def problems(self, effect: Effect) -> Iterator[str]:
        body = effect.body
        allowed = {"lines", "memo", "reason", "metadata", *PARTS}
        yield from check.members(body, {"invoice", "amount_minor", "currency"}, allowed)
        yield from check.id("invoice", body.get("invoice"), "in_")
        yield from check.amount("amount_minor", body.get("amount_minor"))
        yield from check.money(effect, body.get("amount_minor"))
        yield from check.text("memo", body.get("memo"), MEMO_MAX, needed=False)
        if body.get("reason") not in (None, *REASONS):
            yield f"reason is one of {', '.join(REASONS)}"
        yield from check.metadata(body.get("metadata") or {})
        yield from _part_faults(body)
        yield from _line_faults(body)

    def lines(self, effect: Effect) -> list[str]:
        body = effect.body
        amount = check.money_text(body["amount_minor"], body["currency"])
        invoice = check.shown(body["invoice"], "invoice")
        parts = [
            f"{check.money_text(body[name], body['currency'])} of it is {words}."
            for name, (_, words) in PARTS.items()
            if body.get(name)
        ]
        return [f"Issue a credit note of {amount} on the invoice {invoice}.", *parts]

    def target(self, effect: Effect) -> str | None:
        found = effect.body["invoice"]
        return None if check.is_receipt(found) else f"invoices/{found}"

    def look(self, client: Http, effect: Effect) -> Image:
        id = effect.body["invoice"]
        found = reads.find(client, f"/v1/invoices/{id}")
        if found is None:
            return Image(None)
        currency = found.get("currency")
        names = ("total", "amount_paid", "amount_remaining", "pre_payment_credit_notes_amount")
        fields = {name: found.get(name) for name in (*names, "post_payment_credit_notes_amount", "status")}
        return image_of(id, {**fields, "currency": currency.upper() if isinstance(currency, str) else None})

    def forbids(self, client: Http, effect: Effect, image: Image | None) -> str | None:
        image = image or self.look(client, effect)
        if image.version is None:
            return "there is no such invoice"
        if image.fields["currency"] != effect.body["currency"]:
            return f"the invoice is in {image.fields['currency']}, not in {effect.body['currency']}"
        return None

    def params(self, effect: Effect, key: str) -> dict[str, Any]:
        body = effect.body
        params = {"invoice": body["invoice"], "memo": body.get("memo"), "reason": body.get("reason")}
        if body.get("lines"):
            params["lines"] = [_line(line) for line in body["lines"]]
        else:
            params["amount"] = body["amount_minor"]
        params |= {theirs: body[ours] for ours, (theirs, _) in PARTS.items() if body.get(ours)}
        # Stripe would mail it to the customer at once; that was not what anybody approved.
        params["email_type"] = "none"
        return {member: value for member, value in params.items() if value is not None}

    def siblings(self, effect: Effect) -> dict[str, Any]:
        return {"invoice": effect.body["invoice"]}

    def stands(self, made: Mapping[str, Any]) -> dict[str, Any]:
        return note_fields(dict(made))

    def expected(self, effect: Effect) -> dict[str, Any]:
        return {"status": "issued", **{name: effect.body[name] for name in ("amount_minor", "currency")}}

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        if any(effect.body.get(name) for name in PARTS):
            raise NoInverse("the credit note gave money back, which nothing fetches again")
        return taking_back(effect, VoidCreditNote.operation.name, {"credit_note": object_of(receipt)})


def _part_faults(body: Mapping[str, Any]) -> Iterator[str]:
    for name in PARTS:
        if name in body:
            yield from check.whole(name, body[name], 0, AMOUNT_MINOR_MAX)
    amounts: list[Any] = [body.get(name) or 0 for name in PARTS]
    if all(type(amount) is int for amount in amounts) and sum(amounts) not in (0, body.get("amount_minor")):
        yield f"{', '.join(PARTS)} come to nothing (open invoice) or to amount_minor (paid invoice)"


def _line_faults(body: Mapping[str, Any]) -> Iterator[str]:
    lines = body.get("lines")
    if lines is None:
        return
    if not isinstance(lines, list) or not 1 <= len(lines) <= LINES_MAX:
        yield f"a credit note has 1 to {LINES_MAX} lines, or none and an amount"
        return
    for number, line in enumerate(lines, 1):
        yield from _faults_of(f"line {number}: ", line)
    amounts: list[Any] = [line.get("amount_minor") for line in lines if isinstance(line, dict)]
    if all(type(amount) is int for amount in amounts) and sum(amounts) != body.get("amount_minor"):
        yield "the lines do not come to amount_minor"


def _faults_of(where: str, line: object) -> Iterator[str]:
    if not isinstance(line, dict):
        yield f"{where}a line is a map"
        return
    yield from check.members(line, {"amount_minor"}, {"invoice_line_item", "description"}, where)
    yield from check.amount(f"{where}amount_minor", line.get("amount_minor"))
    if ("invoice_line_item" in line) == ("description" in line):
        yield f"{where}names an invoice_line_item or has a description, one of them"
    elif "description" in line:
        yield from check.text(f"{where}description", line["description"], MEMO_MAX)
    else:
        yield from check.id(f"{where}invoice_line_item", line["invoice_line_item"], "il_")


def _line(line: Mapping[str, Any]) -> dict[str, Any]:
    if "invoice_line_item" in line:
        id = line["invoice_line_item"]
        return {"type": "invoice_line_item", "invoice_line_item": id, "amount": line["amount_minor"]}
    description = line["description"]
    return {"type": "custom_line_item", "description": description, "quantity": 1, "unit_amount": line["amount_minor"]}


def create_credit_note(
    *,
    key: str,
    subject: str,
    amount: Money,
    invoice: str,
    lines: Sequence[CreditLine] = (),
    memo: str | None = None,
    reason: str | None = None,
    refund_minor: int | None = None,
    credit_minor: int | None = None,
    out_of_band_minor: int | None = None,
    metadata: dict[str, str] | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:
    """The effect of issuing a credit note of `amount` in all."""
    body: dict[str, Any] = {"invoice": invoice, "amount_minor": amount.amount_minor, "currency": amount.currency}
    more = {
        "lines": [dict(line) for line in lines] or None,
        "memo": memo,
        "reason": reason,
        "refund_minor": refund_minor,
        "credit_minor": credit_minor,
        "out_of_band_minor": out_of_band_minor,
        "metadata": metadata,
    }
    body |= {member: value for member, value in more.items() if value is not None}
    return Effect("stripe", CreateCreditNote.operation.name, key, subject, amount, body, evidence or {})
