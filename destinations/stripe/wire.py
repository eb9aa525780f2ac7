"""The wire to Stripe: credentials, the pinned API version, forms, and one POST or DELETE with its key."""

from collections.abc import Iterator, Mapping
from typing import Any

from counterfoil import settings
from destinations import http
from destinations.http import Http
from destinations.stripe import answers
from destinations.stripe.answers import READ_SETTING, WRITE_SETTING, Reply

BASE_SETTING = "STRIPE_API_BASE"
BASE = "https://api.stripe.com"
#: Answers keep this shape whatever the account's default becomes.
API_VERSION = "2026-10-28.endive"


def connect(*, write: bool) -> Http:
    """A client for writing, or one that only reads: with its own credential where there is one.

    Raises: NotConfigured.
    """
    credential = None if write else settings.secret(READ_SETTING)
    credential = credential or settings.secret(WRITE_SETTING)
    if credential is None:
        raise http.NotConfigured(f"{WRITE_SETTING} is not set" + ("" if write else f", and {READ_SETTING} neither"))
    headers = {"Authorization": f"Bearer {credential}", "Stripe-Version": API_VERSION}
    return Http(settings.secret(BASE_SETTING) or BASE, headers, write=write)


def setting(client: Http) -> str:
    """The setting whose credential this client uses."""
    return WRITE_SETTING if client.write else READ_SETTING


def post(client: Http, path: str, params: Mapping[str, Any], key: str) -> Reply:
    """One POST under its key; whatever happens is a reply, nothing is raised."""
    try:
        answer = client.call("POST", path, form=form(params), headers={"Idempotency-Key": key})
    except http.Failed as failed:
        return answers.unanswered(failed)
    return answers.read(answer, setting(client))


def delete(client: Http, path: str) -> Reply:
    """One DELETE; Stripe's v1 takes no key there, and deleting twice deletes once."""
    try:
        answer = client.call("DELETE", path)
    except http.Failed as failed:
        return answers.unanswered(failed)
    return answers.read(answer, setting(client))


def form(params: Mapping[str, Any]) -> dict[str, str]:
    """Nested values as Stripe's forms name them: `lines[0][amount]`. One value, always the same bytes."""
    return dict(_flat("", params))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for member, inner in value.items():
            yield from _flat(f"{name}[{member}]" if name else str(member), inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _flat(f"{name}[{number}]", inner)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif isinstance(value, str | int):
        yield name, str(value)
    elif value is not None:
        raise TypeError(f"Bug: {name} is a {type(value).__name__}, which no form of Stripe's takes")
