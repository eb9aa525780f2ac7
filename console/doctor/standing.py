"""How things stand that are no fault by themselves: policy, handlers, destinations, pauses, what is due."""

from console.doctor.finding import Finding
from counterfoil import clock, database

#: Due for longer than this means that nobody works.
BACKLOG_SECONDS_MAX = 300.0


def policies() -> Finding:
    """Which rules ask people; a file that cannot be followed starts nothing."""
    from exceptions_queue import policy

    rules = policy.load().rule
    items = [f"{rule.name}: {rule.people} people" for rule in rules]
    return Finding(
        name="policy", verdict="ok", detail=f"{len(rules)} rules, the first that matches decides", items=items
    )


def handlers() -> Finding:
    from console.queries import workflows

    found = workflows.every()
    items = [f"{one.name} {one.version}: {one.source} {', '.join(one.types)}" for one in found]
    return Finding(name="handlers", verdict="ok", detail=f"{len(found)} installed", items=items)


def destinations() -> Finding:
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


def pauses() -> Finding:
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


def backlog() -> Finding:
    from console.queries import promises

    found = promises.backlog()
    late = found["oldest_seconds"] > BACKLOG_SECONDS_MAX
    detail = f"{found['due']} events are due" + (f", one for {found['oldest_seconds']:.0f} s" if found["due"] else "")
    return Finding(
        name="backlog", verdict="wrong" if late else "ok", detail=detail + ("; is a worker running?" if late else "")
    )
