"""Which senders exist: a source is one sending account with its secrets and the mode and accounts expected of it.

A provider whose secret variable is set is a source of the same name. Further ones stand in a TOML file
(`COUNTERFOIL_SOURCES`):

    [[source]]
    name = "stripe-eu"
    provider = "stripe"
    secret_env = "STRIPE_EU_WEBHOOK_SECRET"
    mode = "live"                 # live, test or any
    accounts = ["acct_1"]         # leave out: any

A source without a secret does not start.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from counterfoil import credentials
from counterfoil.settings import Settings, secret
from ingest.providers import find
from ingest.providers.base import Provider, Received

Mode = Literal["live", "test", "any"]

#: What a source may be called: it is a part of a path, of metric labels and of environment names.
NAME = re.compile(r"[a-z][a-z0-9_-]{0,40}")
#: Members of a `[[source]]` table.
MEMBERS = {"name", "provider", "secret_env", "mode", "accounts"}

Environment = Callable[[str], str | None]


class SourcesUnusable(Exception):
    """The sources are configured in a way that cannot work; every problem is named, no secret is."""

    def __init__(self, problems: list[str]) -> None:
        """Take all problems at once: nobody likes to meet them one by one."""
        self.problems = problems
        super().__init__("The door's sources are not usable:\n  - " + "\n  - ".join(problems))


@dataclass(frozen=True, slots=True)
class Source:
    """One sending account. Its secrets are kept out of `repr`."""

    name: str
    provider: Provider
    secrets: tuple[str, ...] = field(repr=False)
    mode: Mode = "any"
    accounts: frozenset[str] = frozenset()

    def objection(self, event: Received) -> tuple[str, str] | None:
        """Say why an event does not belong at this door (rule, detail), None if it does.

        An event without mode or account says nothing that could be held against it.
        """
        if self.mode != "any" and event.livemode is not None and event.livemode != (self.mode == "live"):
            return (
                "mode",
                f"a {'live' if event.livemode else 'test'} event; this source expects {self.mode} events",
            )
        if self.accounts and event.account is not None and event.account not in self.accounts:
            return "account", f"account {event.account} is not among those expected of this source"
        return None


def find_sources(config: Settings, env: Environment = secret) -> dict[str, Source]:
    """Every source that has a secret, by name.

    Raises: SourcesUnusable with every problem at once.
    """
    providers = find()
    problems: list[str] = []
    entries = [
        {"name": name, "provider": name, "secret_env": provider.secret_env}
        for name, provider in providers.items()
        if env(provider.secret_env)
    ]
    entries += _declared(config.sources_file, problems)
    sources: dict[str, Source] = {}
    for entry in entries:
        found = list(_faults(entry, providers, sources))
        problems += found
        if found:
            continue
        source = _source(entry, providers[entry["provider"]], config, env, problems)
        sources[source.name] = source
    if problems:
        raise SourcesUnusable(problems)
    return sources


def _declared(path: Path | None, problems: list[str]) -> list[dict[str, Any]]:
    """The `[[source]]` tables of the file."""
    if path is None:
        return []
    try:
        parsed = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        problems.append(f"COUNTERFOIL_SOURCES: {path} cannot be read: {fault}")
        return []
    tables = parsed.pop("source", [])
    if parsed or not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        problems.append(f"COUNTERFOIL_SOURCES: {path} may hold [[source]] tables only")
        return []
    return tables


def _faults(entry: dict[str, Any], providers: Mapping[str, Provider], known: Mapping[str, Source]) -> Iterator[str]:
    """What is wrong with the form of one entry."""
    name = entry.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        yield f"a source is named {name!r}; names are lower-case letters, digits, '-' and '_'"
        return
    if name in known:
        yield f"source {name}: declared twice (a provider whose secret variable is set is declared already)"
    if unknown := sorted(entry.keys() - MEMBERS):
        yield f"source {name}: unknown member {', '.join(unknown)}; known are {', '.join(sorted(MEMBERS))}"
    if entry.get("provider") not in providers:
        yield f"source {name}: no provider {entry.get('provider')!r}; there are {', '.join(sorted(providers))}"
    if not isinstance(entry.get("secret_env"), str):
        yield f"source {name}: secret_env must name the environment variable that holds its secret"
    if entry.get("mode", "any") not in ("live", "test", "any"):
        yield f"source {name}: mode is {entry['mode']!r}; it is live, test or any"
    accounts = entry.get("accounts", [])
    if not isinstance(accounts, list) or not all(isinstance(account, str) for account in accounts):
        yield f"source {name}: accounts must be a list of texts"


def _source(
    entry: dict[str, Any], provider: Provider, config: Settings, env: Environment, problems: list[str]
) -> Source:
    """Build one source from an entry of sound form, adding what its environment lacks to `problems`."""
    name, variable = entry["name"], entry["secret_env"]
    secrets = tuple(part.strip() for part in (env(variable) or "").split(",") if part.strip())
    if not secrets:
        problems.append(f"source {name}: {variable} is not set; a source without a secret does not start")
    problems += [f"source {name}: {variable} {fault}" for value in secrets if (fault := provider.check_secret(value))]
    if config.is_production and config.public_url is None and provider.signs_url:
        problems.append(f"source {name}: its signatures cover the URL; set COUNTERFOIL_PUBLIC_URL")
    prefix = name.upper().replace("-", "_")
    problems += credentials.problems_of(provider.name, prefix, env)
    mode = entry.get("mode") or _mode(provider.name, prefix, env, problems)
    accounts = entry.get("accounts") or _accounts(prefix, env)
    return Source(name, provider, secrets, mode, frozenset(accounts))


def _mode(provider: str, prefix: str, env: Environment, problems: list[str]) -> Mode:
    """`<SOURCE>_MODE`, or what the API key of the same account gives away, or any."""
    configured = env(f"{prefix}_MODE")
    if configured in ("live", "test", "any"):
        return configured  # type: ignore[return-value]
    if configured is not None:
        problems.append(f"{prefix}_MODE is {configured!r}; it is live, test or any")
    key = credentials.keys_of(provider, prefix, env).get(f"{prefix}_API_KEY")
    return key.mode if isinstance(key, credentials.Key) and key.mode else "any"


def _accounts(prefix: str, env: Environment) -> list[str]:
    """The accounts (Stripe), or portals (HubSpot), that the environment names."""
    for name in ("ACCOUNT_IDS", "PORTAL_IDS", "PORTAL_ID"):
        if configured := env(f"{prefix}_{name}"):
            return [part.strip() for part in configured.split(",") if part.strip()]
    return []
