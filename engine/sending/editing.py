"""An action that a person edits before it is approved: checked, judged and rendered as if it had been planned so."""

from collections.abc import Mapping
from typing import Any

from contracts.money import CurrencyUnknown, Money
from counterfoil.database import Connection
from destinations.base import Destination, Effect, EffectInvalid
from destinations.remote import Image
from engine.sending.approving import known_targets, proposed, shown, target_of
from exceptions_queue.approvals import ActionRefused, Edited
from exceptions_queue.policy import policy


def edited(
    conn: Connection,
    destinations: Mapping[str, Destination],
    write: Mapping[str, Any],
    body: dict[str, Any],
    amount: Mapping[str, Any] | None,
    edit: Mapping[str, Any],
) -> Edited:
    """The write's row with another body, held against its destination's rules and the policy; `edit` is kept.

    Raises: ActionRefused.
    """
    destination = destinations[write["destination"]]
    evidence = dict(write["action"].get("evidence") or {})
    evidence["edits"] = [*evidence.get("edits", []), dict(edit)]
    effect = _effect(write, body, amount, evidence)
    _check(effect, destination)
    target = target_of(effect, destination)
    if target != write["target"]:
        raise ActionRefused("the edited action is about another record: reject this one, and have that one planned")
    known = known_targets(conn, [target] if target else [])
    decision = policy().decide(proposed(effect, destination, write["handler"], known, "edited"))
    image = Image.from_json(write["pre_image"]) if write["pre_image"] else None
    return Edited(
        body=body,
        evidence=evidence,
        digest=effect.digest,
        amount_minor=effect.amount.amount_minor if effect.amount else None,
        currency=effect.amount.currency if effect.amount else None,
        shown=shown(effect, effect.digest, destination, image, decision),
        rule=decision.rule,
        needed=decision.needed,
        expires_hours=decision.expires_hours,
    )


def _effect(
    write: Mapping[str, Any], body: dict[str, Any], amount: Mapping[str, Any] | None, evidence: dict[str, Any]
) -> Effect:
    if amount is None and write["amount_minor"] is not None:
        amount = {"amount_minor": write["amount_minor"], "currency": write["currency"]}
    try:
        money = Money(amount["amount_minor"], amount["currency"]) if amount else None
    except (CurrencyUnknown, ValueError) as wrong:
        raise ActionRefused(f"the amount is none: {wrong}") from None
    subject = write["subject"] or ""
    return Effect(write["destination"], write["operation"], write["key"], subject, money, body, evidence)


def _check(effect: Effect, destination: Destination) -> None:
    try:
        destination.check(effect)
    except EffectInvalid as invalid:
        raise ActionRefused("the destination would not take the edited action", invalid.problems) from None
    except (TypeError, ValueError, KeyError, AttributeError) as broken:
        # A check reads what handlers build; a person may send any shape.
        raise ActionRefused(
            f"the edited action is not what {effect.operation} takes ({type(broken).__name__})"
        ) from None
