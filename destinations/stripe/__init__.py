"""Stripe as a destination: customers, draft invoices, refunds, credit notes, metadata. Every write carries its key.

The key goes out as the Idempotency-Key and stands in the object's metadata, so that it is found when Stripe has
forgotten the first. What an operation does stands in `<noun>.py`, what Stripe's answers mean in
`answers.py`. To add an operation: a `Kind` there, a row in `KINDS`, a builder below.
"""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec

from destinations.base import Effect, EffectInvalid, Safety
from destinations.echoes import Echoes
from destinations.http import Failed, Http
from destinations.remote import Attempt, Finding, Image, Operation, Sent, not_to_be_sent
from destinations.stripe import check, credit_notes, customers, invoices, metadata, refunds, wire
from destinations.stripe.echoes import StripeEchoes
from destinations.stripe.operation import Kind, is_down
from destinations.stripe.withdrawals import VoidCreditNote, WithdrawInvoice

NAME = "stripe"

KINDS: Mapping[str, Kind] = {
    kind.operation.name: kind
    for kind in (
        customers.CreateCustomer(),
        customers.DeleteCustomer(),
        metadata.UpdateMetadata(),
        invoices.CreateDraftInvoice(),
        WithdrawInvoice(),
        refunds.CreateRefund(),
        credit_notes.CreateCreditNote(),
        VoidCreditNote(),
    )
}


class Stripe:
    """The destination."""

    name = NAME
    safety: Safety = "native_key"
    #: Stripe allows 25 requests a second per endpoint and in all of a sandbox.
    #: https://docs.stripe.com/rate-limits
    rate_per_second = 20.0
    operations: Mapping[str, Operation] = {name: kind.operation for name, kind in KINDS.items()}
    echoes: Echoes = StripeEchoes()

    def check(self, effect: Effect) -> None:
        """Raises: EffectInvalid, with every problem."""
        problems = list(check.key(effect))
        kind = KINDS.get(effect.operation)
        if kind is None:
            problems.append(f"Stripe knows {', '.join(KINDS)}, not {effect.operation}")
        else:
            problems += kind.problems(effect)
        if problems:
            raise EffectInvalid(effect.key, problems)

    def connect(self, *, write: bool) -> Http:
        """Raises: NotConfigured."""
        return wire.connect(write=write)

    def target(self, effect: Effect) -> str | None:
        return KINDS[effect.operation].target(effect)

    def render(self, effect: Effect) -> list[str]:
        return KINDS[effect.operation].lines(effect)

    def look(self, http: Http, effect: Effect) -> Image:
        return KINDS[effect.operation].look(http, effect)

    def send(self, http: Http, effect: Effect, key: str, image: Image | None) -> Sent:
        refused = not_to_be_sent(self, effect)
        return refused or KINDS[effect.operation].send(http, effect, key, image)

    def probe(self, http: Http, effect: Effect, attempt: Attempt) -> Finding:
        try:
            return KINDS[effect.operation].probe(http, effect, attempt)
        except Failed as failed:
            return Finding("unknown", f"looking for it failed: {failed}", down=is_down(failed))

    def read_back(self, http: Http, effect: Effect, sent: Sent) -> list[str]:
        return KINDS[effect.operation].read_back(http, effect, sent)

    def inverse(self, effect: Effect, receipt: Mapping[str, Any], image: Image | None) -> Effect:
        inverse = KINDS[effect.operation].inverse(effect, receipt, image)
        self.check(inverse)
        return inverse

    def changed_since(self, effect: Effect, receipt: Mapping[str, Any], now: Image) -> list[str]:
        """`now` is what `look` shows for the inverse: an object that was made has no other name."""
        return KINDS[effect.operation].changed_since(effect, receipt, now)

    def ping(self, http: Http) -> bool:
        try:
            answer = http.call("GET", "/v1/customers", params={"limit": "1"})
        except Failed:
            return False
        return answer.status == 429 or (answer.status == 200 and answer.member("object") == "list")


DESTINATION = Stripe()


Build = ParamSpec("Build")


def _checked(build: Callable[Build, Effect]) -> Callable[Build, Effect]:
    """A builder whose effect was checked, so that a handler fails where it builds what Stripe would never take."""

    @wraps(build)
    def built(*args: Build.args, **members: Build.kwargs) -> Effect:
        effect = build(*args, **members)
        DESTINATION.check(effect)
        return effect

    return built


create_customer = _checked(customers.create_customer)
update_metadata = _checked(metadata.update_metadata)
create_draft_invoice = _checked(invoices.create_draft_invoice)
refund = _checked(refunds.refund)
create_credit_note = _checked(credit_notes.create_credit_note)
