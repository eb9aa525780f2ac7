"""The self-check: every promise that a query can prove, and everything that a start would stumble over.

Each check stands alone: one that cannot be made says so and the others go on. To add one, write a function that
returns a `Finding` and put it into `CHECKS`.
"""

from collections.abc import Callable, Mapping

import psycopg
from pydantic import SecretStr

from console import checks_of_judgement, checks_of_people, parts
from console.finding import Finding, Verdict
from counterfoil import clock, credentials, database, failpoints
from counterfoil.settings import Settings, secret, settings

#: Leases use the database's clock; signature ages use ours, and senders allow five minutes.
SKEW_SECONDS_MAX = 30.0
#: Entries of each lane that are followed; the whole chain is verified by `counterfoil audit verify`.
SPOT_ENTRIES = 1000
#: Due for longer than this means that nobody works.
BACKLOG_SECONDS_MAX = 300.0


def examine() -> list[Finding]:
    """Make every check."""
    return [_made(name, check) for name, check in CHECKS.items()]


def _made(name: str, check: Callable[[], Finding]) -> Finding:
    from sqlalchemy import exc

    try:
        return check()
    except (psycopg.Error, exc.SQLAlchemyError) as failure:
        return Finding(name=name, verdict="unknown", detail=f"could not be checked ({type(failure).__name__})")
    except Exception as failure:
        problems = list(getattr(failure, "problems", []))
        # A configuration that is refused lists what is wrong with it; anything else is told in its own words.
        detail = "refused; nothing starts like this" if problems else str(failure) or type(failure).__name__
        return Finding(name=name, verdict="wrong", detail=detail, items=problems)


def _configuration() -> Finding:
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


def _postgres() -> Finding:
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


def _schema() -> Finding:
    if database.schema_is_current():
        return Finding(name="schema", verdict="ok", detail="current")
    return Finding(name="schema", verdict="wrong", detail="not of this version: run `counterfoil migrate`")


def _clock() -> Finding:
    before = clock.unix_seconds()
    there = float(str(_server()["clock"]))
    after = clock.unix_seconds()
    skew = there - (before + after) / 2
    apart = abs(skew) - (after - before) / 2
    detail = f"the database's clock is {abs(skew):.2f} s {'ahead' if skew > 0 else 'behind'}"
    return Finding(name="clock", verdict="wrong" if apart > SKEW_SECONDS_MAX else "ok", detail=detail)


def _broker() -> Finding:
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


def _sources() -> Finding:
    from ingest.sources import find_sources

    found = find_sources(settings())
    items = [f"{source.name} ({len(source.secrets)} secrets, mode {source.mode})" for source in found.values()]
    if not found:
        verdict: Verdict = "wrong" if settings().is_production else "ok"
        return Finding(name="sources", verdict=verdict, detail=parts.NO_SOURCE)
    return Finding(name="sources", verdict="ok", detail=f"{len(found)} can deliver", items=items)


def _keys() -> Finding:
    """What the providers' keys present themselves as; of the keys themselves nothing."""
    wrong = credentials.problems(secret)
    keys = {
        name: key
        for provider in credentials.FORMS
        for name, key in credentials.keys_of(provider, provider.upper(), secret).items()
    }
    items = [f"{name} is {key.said}" for name, key in keys.items() if isinstance(key, credentials.Key)]
    detail = "; ".join(items) or "none: nothing is read or written at a provider"
    if wrong:
        return Finding(name="API keys", verdict="wrong", detail="nothing starts like this", items=wrong)
    return Finding(name="API keys", verdict="ok", detail=detail)


def _owners() -> Finding:
    """P9: every class has a living owner, and so has every case that is open now."""
    from console.queries import promises
    from exceptions_queue import failures, leaving, owners

    roster, now = owners.load(), clock.now()
    absent = leaving.problems(roster)
    for kind in promises.live_kinds():
        person = roster.owner_of(
            kind["failure_class"], source=kind["source"], handler=kind["handler"], assigned=kind["owner"], at=now
        )
        if person not in roster.people or not roster.people[person].is_present(now):
            absent.append(f"{kind['cases']} cases of {kind['failure_class']}: {person} is not there")
    detail = f"P9: {len(failures.CATALOGUE)} classes, each with a living owner" if not absent else "P9 is broken"
    return Finding(name="owners", verdict="wrong" if absent else "ok", detail=detail, items=absent)


def _handlers() -> Finding:
    from console.queries import workflows

    found = workflows.every()
    items = [f"{one.name} {one.version}: {one.source} {', '.join(one.types)}" for one in found]
    return Finding(name="handlers", verdict="ok", detail=f"{len(found)} installed", items=items)


def _lost() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.LOST_EVENTS, promises.LOST_WRITES, promises.SILENT_CASES)
    detail = "P4: all is settled, moves by itself, or has an owner" if not count else f"P4 is broken by {count}"
    return Finding(name="nothing lost", verdict="wrong" if count else "ok", detail=detail, items=items)


def _doubles() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.KEY_CONSTRAINTS, promises.DOUBLE_WRITES)
    detail = "P2, P3: every identity and every write key once" if not count else f"P2 or P3 is broken by {count}"
    return Finding(name="no doubles", verdict="wrong" if count else "ok", detail=detail, items=items)


def _approvals() -> Finding:
    """P8: nothing that needs people was sent without them; what waits for them is asked; the database holds it."""
    from console.queries import promises

    count, items = promises.violators(promises.APPROVAL_TRIGGERS, promises.UNAPPROVED_WRITES, promises.UNASKED_WRITES)
    detail = "P8: what needs people has enough of them, or waits" if not count else f"P8 is broken by {count}"
    return Finding(name="approvals", verdict="wrong" if count else "ok", detail=detail, items=items)


def _policy() -> Finding:
    """Which rules ask people; a file that cannot be followed starts nothing."""
    from exceptions_queue import policy

    rules = policy.load().rule
    items = [f"{rule.name}: {rule.people} people" for rule in rules]
    return Finding(
        name="policy", verdict="ok", detail=f"{len(rules)} rules, the first that matches decides", items=items
    )


def _destinations() -> Finding:
    """Which of them answer, as the workers know it; what waits for the others is not lost, but somebody should know."""
    from console.queries import controls

    found = controls.every_destination()
    away = [f"{one.name} does not answer: {one.waiting} writes wait; {one.detail}" for one in found if one.since]
    items = [f"{one.name}: {one.waiting} writes wait, the oldest for {one.oldest_seconds:.0f} s"
             for one in found if one.oldest_seconds is not None]  # fmt: skip
    detail = (
        f"{len(away)} of {len(found)} do not answer" if away else f"{len(found)} destinations, none known to be away"
    )
    return Finding(name="destinations", verdict="wrong" if away else "ok", detail=detail, items=away or items)


def _pauses() -> Finding:
    """What people hold; an old pause is easily forgotten."""
    from console.queries import controls

    with database.transaction() as conn:
        found = controls.pauses(conn)
    items = [
        f"{one.scope} {one.name}, by {one.paused_by} since {clock.rfc3339(one.paused_at)}: {one.reason}"
        f" ({one.events_parked} events wait)"
        for one in found
    ]
    return Finding(name="pauses", verdict="ok", detail=f"{len(found)} in force" if found else "none", items=items)


def _books() -> Finding:
    from console.queries import promises

    count, items = promises.violators(promises.UNBALANCED_ENTRIES, promises.UNBOOKED_WRITES)
    detail = "every entry balances, every confirmed write is booked" if not count else f"{count} entries are wrong"
    return Finding(name="books", verdict="wrong" if count else "ok", detail=detail, items=items)


def _audit() -> Finding:
    from console import chain
    from console.queries import audit

    found = chain.verified(heads=audit.heads(), rows=audit.chain(newest=SPOT_ENTRIES), inside=True)
    if found.altered is not None:
        return Finding(name="audit", verdict="wrong", detail=f"P11: the chain is broken at {found.altered}")
    detail = f"P11: the newest {sum(found.lanes.values())} entries follow from each other"
    return Finding(name="audit", verdict="ok", detail=detail)


def _backlog() -> Finding:
    from console.queries import promises

    found = promises.backlog()
    late = found["oldest_seconds"] > BACKLOG_SECONDS_MAX
    detail = f"{found['due']} events are due" + (f", one for {found['oldest_seconds']:.0f} s" if found["due"] else "")
    return Finding(
        name="backlog", verdict="wrong" if late else "ok", detail=detail + ("; is a worker running?" if late else "")
    )


def _failpoints() -> Finding:
    armed = settings().failpoint
    failpoints.arm(armed, settings().environment)
    failpoints.arm(None, settings().environment)
    items = [f"{name}: {meaning}" for name, meaning in failpoints.NAMES.items()]
    return Finding(name="failpoints", verdict="ok", detail=f"armed: {armed}" if armed else "none armed", items=items)


CHECKS: Mapping[str, Callable[[], Finding]] = {
    "configuration": _configuration,
    "postgres": _postgres,
    "schema": _schema,
    "clock": _clock,
    "broker": _broker,
    "sources": _sources,
    "API keys": _keys,
    "owners": _owners,
    **checks_of_people.CHECKS,
    "policy": _policy,
    "handlers": _handlers,
    "nothing lost": _lost,
    "no doubles": _doubles,
    "approvals": _approvals,
    "destinations": _destinations,
    "pauses": _pauses,
    **checks_of_judgement.CHECKS,
    "books": _books,
    "audit": _audit,
    "backlog": _backlog,
    "failpoints": _failpoints,
}
