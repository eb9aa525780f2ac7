"""Who answers for what, now: the roster of the owners file, asked for rows of the database."""

from console import answers
from console.queries import receipts
from counterfoil import clock, database
from exceptions_queue import durations, failures, owners


def owner_of(failure_class: str, source: str | None, handler: str | None, assigned: str | None) -> str:
    """The person who owns a case of this kind at this moment."""
    return owners.roster().owner_of(failure_class, source=source, handler=handler, assigned=assigned, at=clock.now())


def advice_for(failure_class: str) -> str:
    """What to do about a class of failure, in plain words; a class that was removed since has none."""
    known = failures.find(failure_class)
    return known.advice if known else "This class is no longer in the catalogue; look at the detail."


def ways() -> list[tuple[str, answers.Receipt]]:
    """How everybody is reached, and what became of it the last time."""
    found = owners.roster()
    with database.transaction() as conn:
        reached = receipts.last(conn, found)
    return [(person, one) for person in found.people for one in reached[person]]


def every() -> list[answers.Owner]:
    """One line per failure class: who answers for it. Channels and addresses stay in the file."""
    roster, now = owners.roster(), clock.now()
    with database.transaction() as conn:
        reached = receipts.last(conn, roster)
    lines = []
    for code, failure in sorted(failures.CATALOGUE.items()):
        found = roster.resolve(code, at=now)
        lines.append(
            answers.Owner.model_validate(
                {
                    "class": code,
                    "title": failure.title,
                    "role": found.role,
                    "owner": found.owner,
                    "name": roster.people[found.owner].name,
                    "deputies": list(found.deputies),
                    "escalation": [
                        {"after": durations.shown(rung.after), "to": rung.person}
                        | ({"from_minor": str(rung.from_minor)} if rung.from_minor else {})
                        for rung in found.escalation
                    ],
                    "told": "digest" if found.by_digest else "at once",
                    "channels": reached.get(found.owner, []),
                    "respond_within": durations.shown(found.respond_within),
                    "by_itself": failure.by_itself,
                    "advice": failure.advice,
                }
            )
        )
    return lines
