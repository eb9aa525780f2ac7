"""What people do by hand, in the dashboard or at a bank. Events of it name no request.

    {"action": "call", "method", "path", "params"}   any endpoint, as a person in the dashboard
    {"action": "decline", "customer", "on"}          the customer's card says no from now on (or yes again)
    {"action": "renew", "subscription"}              the next period begins and is invoiced
    {"action": "open_dispute", "charge", "amount", "reason"}
    {"action": "close_dispute", "dispute", "status"} `won` or `lost`
    {"action": "payout", "currency"}                 all that was earned goes to the bank
    {"action": "fail_refund", "refund", "reason"}    the bank sends a refund back

Each may say `account` and `livemode`; without them it happens in the platform's own account, in test mode.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.standin.base import CannotDo
from sandbox.stripe import disputes, payouts, refunds, subscriptions
from sandbox.stripe.endpoints import ROUTES
from sandbox.stripe.errors import Refused
from sandbox.stripe.events import Cause
from sandbox.stripe.world import Call, World


def do(world: World, action: Mapping[str, Any]) -> dict[str, Any]:
    """Do it. Raises: CannotDo."""
    hand = _HANDS.get(str(action.get("action")))
    if hand is None:
        raise CannotDo(f"{action.get('action')!r} is none of {', '.join(_HANDS)}")
    world.cause = Cause()
    try:
        return hand(world, action)
    except Refused as refused:
        raise CannotDo(str(refused)) from None
    except KeyError as error:
        raise CannotDo(f"{error} is missing") from None


def _call(world: World, action: Mapping[str, Any]) -> dict[str, Any]:
    found = ROUTES.find(action["method"], action["path"])
    if found is None:
        raise CannotDo(f"there is no {action['method']} {action['path']}")
    endpoint, ids = found
    done: dict[str, Any] = endpoint(Call(world, _as_texts(action.get("params", {})), ids))
    return done


def _as_texts(params: Any) -> Any:
    """JSON as a form would have said it."""
    if isinstance(params, Mapping):
        return {name: _as_texts(value) for name, value in params.items()}
    if isinstance(params, list):
        return {str(number): _as_texts(value) for number, value in enumerate(params)}
    if isinstance(params, bool):
        return "true" if params else "false"
    return "" if params is None else str(params)


def _decline(world: World, action: Mapping[str, Any]) -> dict[str, Any]:
    customer = world.get("customer", action["customer"])
    (world.declining.add if action.get("on", True) else world.declining.discard)(customer["id"])
    return customer


def _renew(world: World, action: Mapping[str, Any]) -> dict[str, Any]:
    return subscriptions.renew(world, world.get("subscription", action["subscription"]))


def _open_dispute(world: World, action: Mapping[str, Any]) -> dict[str, Any]:
    charge = world.get("charge", action["charge"])
    amount = int(action.get("amount") or charge["amount"])
    return disputes.open_dispute(world, charge, amount, action.get("reason") or "fraudulent")


def _close_dispute(world: World, action: Mapping[str, Any]) -> dict[str, Any]:
    if action["status"] not in ("won", "lost"):
        raise CannotDo("a dispute is won or lost")
    return disputes.close_dispute(world, world.get("dispute", action["dispute"]), action["status"])


def _payout(world: World, action: Mapping[str, Any]) -> dict[str, Any]:
    return payouts.pay_out(world, action["currency"], status=action.get("status", "paid"))


def _fail_refund(world: World, action: Mapping[str, Any]) -> dict[str, Any]:
    made = world.get("refund", action["refund"])
    return refunds.fail(world, made, action.get("reason") or "lost_or_stolen_card")


_HANDS: dict[str, Callable[[World, Mapping[str, Any]], dict[str, Any]]] = {
    "call": _call,
    "decline": _decline,
    "renew": _renew,
    "open_dispute": _open_dispute,
    "close_dispute": _close_dispute,
    "payout": _payout,
    "fail_refund": _fail_refund,
}
