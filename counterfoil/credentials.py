"""What an API key tells about itself by how it is written: what it is, for which mode, and that it is none of ours.

A wrong one would be noticed at the first write only, hours after the start; and the mode of the key decides which
events a source takes. A key is never repeated, not even in part.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, Literal, NamedTuple

Environment = Callable[[str], str | None]


class Key(NamedTuple):
    """A key as it presents itself."""

    kind: str
    mode: Literal["live", "test"] | None = None  #: None: it does not tell

    @property
    def said(self) -> str:
        """For people."""
        return f"{self.kind}, {self.mode} mode" if self.mode else self.kind


class Form(NamedTuple):
    """One way to write a key, and what that means; `wrong` says why it cannot be used here."""

    pattern: re.Pattern[str]
    kind: str
    mode: Literal["live", "test"] | None = None
    wrong: str = ""


def _form(pattern: str, kind: str, mode: Literal["live", "test"] | None = None, wrong: str = "") -> Form:
    return Form(re.compile(pattern, re.ASCII), kind, mode, wrong)


_SIGNS = "it signs webhooks and opens no API; it belongs into STRIPE_WEBHOOK_SECRET"
#: https://docs.stripe.com/keys
_STRIPE: Final = (
    _form(r"sk_live_\w+", "a secret key", "live"),
    _form(r"sk_test_\w+", "a secret key", "test"),
    _form(r"rk_live_\w+", "a restricted key", "live"),
    _form(r"rk_test_\w+", "a restricted key", "test"),
    _form(r"pk_.*", "a publishable key", wrong="it can neither read nor write; take a restricted key (rk_…)"),
    _form(r"whsec_.*", "a signing secret", wrong=_SIGNS),
    _form(r"[sr]k_org_.*", "an organisation's key", wrong="it names no account; take a key of the account itself"),
)
#: https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview
_HUBSPOT: Final = (
    _form(r"pat-[\w-]+", "a private app's token"),
    _form(
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "an API key of the old kind, or a client secret",
        wrong="it opens no API; take a private app's token (pat-…)",
    ),
)
#: What a variable that ends like this may hold, by provider.
FORMS: Final[Mapping[str, tuple[str, tuple[Form, ...]]]] = {
    "stripe": ("API_KEY", _STRIPE),
    "hubspot": ("ACCESS_TOKEN", _HUBSPOT),
}


def read(provider: str, value: str) -> Key | str:
    """The key, or in words why it is none that can be used."""
    for form in FORMS[provider][1]:
        if form.pattern.fullmatch(value):
            return f"is {form.kind}: {form.wrong}" if form.wrong else Key(form.kind, form.mode)
    return f"has a form that is not known; expected is {' or '.join(dict.fromkeys(_expected(provider)))}"


def _expected(provider: str) -> list[str]:
    return [form.kind for form in FORMS[provider][1] if not form.wrong]


def keys_of(provider: str, prefix: str, env: Environment) -> dict[str, Key | str]:
    """The keys that are set for one account, by variable: for writing, and for reading only."""
    if provider not in FORMS:
        return {}
    suffix = FORMS[provider][0]
    values = {name: env(name) for name in (f"{prefix}_{suffix}", f"{prefix}_READ_{suffix}")}
    return {name: read(provider, value) for name, value in values.items() if value}


def problems_of(provider: str, prefix: str, env: Environment) -> list[str]:
    """What is wrong with the keys of one account: of no use here, or of another mode than the rest."""
    keys = keys_of(provider, prefix, env)
    wrong = [f"{name} {key}" for name, key in keys.items() if isinstance(key, str)]
    modes: dict[str, str] = {name: key.mode for name, key in keys.items() if isinstance(key, Key) and key.mode}
    expected = env(f"{prefix}_MODE")
    if modes and expected in ("live", "test"):
        modes[f"{prefix}_MODE"] = expected
    if len(set(modes.values())) > 1:
        wrong.append("test and live are mixed: " + ", ".join(f"{name} says {mode}" for name, mode in modes.items()))
    return wrong


def problems(env: Environment) -> list[str]:
    """What is wrong with the keys of the accounts that have no name of their own."""
    return [problem for provider in FORMS for problem in problems_of(provider, provider.upper(), env)]
