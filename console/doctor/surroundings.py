"""What a start would stumble over: settings, database, clock, broker, sources, keys, failpoints."""

from collections.abc import Mapping

from pydantic import SecretStr

from console import parts
from console.doctor.finding import Finding, Verdict
from counterfoil import clock, credentials, database, failpoints
from counterfoil.settings import Settings, secret, settings

#: Leases use the database's clock; signature ages use ours, and senders allow five minutes.
SKEW_SECONDS_MAX = 30.0


def configuration() -> Finding:
    config = settings()
    items = [f"{_variable(name)} {_said(value)}" for name, value in config if value is not None]
    wrong = _unset_in_production(config)
    return Finding(
        name="configuration",
        verdict="wrong" if wrong else "ok",
        detail=f"COUNTERFOIL_ENV is {config.environment}" + (f"; {len(wrong)} settings are missing" if wrong else ""),
        items=wrong or sorted(items),
    )


def _unset_in_production(config: Settings) -> list[str]:
    if not config.is_production:
        return []
    return [
        f"{_variable(name)} is not set; {why}"
        for name, why in (("database_url", "production does not run on the embedded Postgres"),)
        if getattr(config, name) is None
    ]


def _variable(name: str) -> str:
    alias = Settings.model_fields[name].validation_alias
    return str(getattr(alias, "choices", [name])[0])


def _said(value: object) -> str:
    """Values that are no secrets; of a secret only that it is there."""
    return "is set" if isinstance(value, SecretStr) else f"= {value}"


def postgres() -> Finding:
    from sqlalchemy import exc

    try:
        found = _server()
    except exc.SQLAlchemyError as away:
        return Finding(name="postgres", verdict="wrong", detail=f"cannot be reached ({type(away).__name__})")
    off = [name for name in ("fsync", "synchronous_commit", "full_page_writes") if found[name] == "off"]
    return Finding(
        name="postgres",
        verdict="wrong" if off else "ok",
        detail=f"version {found['version']}" + (f"; {', '.join(off)} off: a 2xx would not be a promise" if off else ""),
    )


def _server() -> Mapping[str, object]:
    from console.queries import promises

    return promises.server()


def schema() -> Finding:
    if database.schema_is_current():
        return Finding(name="schema", verdict="ok", detail="current")
    return Finding(name="schema", verdict="wrong", detail="not of this version: run `counterfoil migrate`")


def clocks() -> Finding:
    before = clock.unix_seconds()
    there = float(str(_server()["clock"]))
    after = clock.unix_seconds()
    skew = there - (before + after) / 2
    apart = abs(skew) - (after - before) / 2
    detail = f"the database's clock is {abs(skew):.2f} s {'ahead' if skew > 0 else 'behind'}"
    return Finding(name="clock", verdict="wrong" if apart > SKEW_SECONDS_MAX else "ok", detail=detail)


def broker() -> Finding:
    config = settings()
    target = config.broker_url or config.redis_url
    if target is None:
        return Finding(name="broker", verdict="ok", detail="in-process (neither BROKER_URL nor REDIS_URL is set)")
    address = target.get_secret_value()
    if not address.startswith(("redis://", "rediss://", "unix://")):
        return Finding(name="broker", verdict="unknown", detail="not Redis; only its use is checked, by the sweeper")
    import redis

    started = clock.ticks_seconds()
    try:
        with redis.Redis.from_url(address, socket_connect_timeout=2, socket_timeout=2) as client:
            client.ping()
    except redis.RedisError as failure:
        detail = f"Redis cannot be reached ({type(failure).__name__}); work is found by the sweeper meanwhile"
        return Finding(name="broker", verdict="wrong", detail=detail)
    return Finding(
        name="broker", verdict="ok", detail=f"Redis answers in {(clock.ticks_seconds() - started) * 1000:.1f} ms"
    )


def sources() -> Finding:
    from ingest.sources import find_sources

    found = find_sources(settings())
    items = [f"{source.name} ({len(source.secrets)} secrets, mode {source.mode})" for source in found.values()]
    if not found:
        verdict: Verdict = "wrong" if settings().is_production else "ok"
        return Finding(name="sources", verdict=verdict, detail=parts.NO_SOURCE)
    return Finding(name="sources", verdict="ok", detail=f"{len(found)} can deliver", items=items)


def keys() -> Finding:
    """What the providers' keys present themselves as; of the keys themselves nothing."""
    wrong = credentials.problems(secret)
    found = {
        name: key
        for provider in credentials.FORMS
        for name, key in credentials.keys_of(provider, provider.upper(), secret).items()
    }
    items = [f"{name} is {key.said}" for name, key in found.items() if isinstance(key, credentials.Key)]
    detail = "; ".join(items) or "none: nothing is read or written at a provider"
    if wrong:
        return Finding(name="API keys", verdict="wrong", detail="nothing starts like this", items=wrong)
    return Finding(name="API keys", verdict="ok", detail=detail)


def armed() -> Finding:
    chosen = settings().failpoint
    failpoints.arm(chosen, settings().environment)
    failpoints.arm(None, settings().environment)
    items = [f"{name}: {meaning}" for name, meaning in failpoints.NAMES.items()]
    return Finding(name="failpoints", verdict="ok", detail=f"armed: {chosen}" if chosen else "none armed", items=items)
