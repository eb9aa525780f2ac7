"""Who answers for what at this moment, who would be told next, and what each person holds."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlmodel import Session

from console import answers
from console.queries import audit, receipts, today
from counterfoil import database
from counterfoil.lifecycle import CASE_LIVE
from exceptions_queue import durations, failures, owners
from exceptions_queue.roster import Absence, Roster, Rung

#: Changes of the roster that are shown.
CHANGES_MAX = 20
#: Absences that are shown in advance.
SOON = timedelta(days=60)


class Told(NamedTuple):
    """Who is told when, counted from the opening of a case."""

    after: str
    person: str
    name: str
    #: Only with so much at stake in one currency, in its minor units; 0: always.
    from_minor: int = 0


class RoleNow(NamedTuple):
    """One role as it stands now."""

    role: str
    owner: str
    #: The line of those who answer, in order, and who of them is there.
    line: list[tuple[str, str, bool]]
    ladder: list[Told]
    classes: list[tuple[str, str]]
    respond_within: str
    resolve_within: str

    @property
    def is_thin(self) -> bool:
        """Whether one person alone is there."""
        return sum(present for _, _, present in self.line) < 2


class PersonNow(NamedTuple):
    """One person as they stand now."""

    person: str
    name: str
    is_present: bool
    absence: Absence | None
    roles: list[str]
    desk: today.Pile | None
    #: Whether somebody's escalation leads to them.
    is_rung: bool
    #: Open cases that were given to them by hand: they cannot leave the roster with those.
    given: int
    #: How they are reached, and what became of it the last time.
    channels: list[answers.Receipt]


class ClassNow(NamedTuple):
    """One class that is told in another way than its role's others."""

    code: str
    by_digest: bool
    ladder: list[Told]


class Now(NamedTuple):
    """The whole roster at this moment."""

    roles: list[RoleNow]
    people: list[PersonNow]
    #: Classes with a ladder of their own, or without a message of their own.
    classes: list[ClassNow]
    unowned: list[str]
    overrides: list[str]
    changes: list[answers.Audit]
    file: str


_GIVEN = "SELECT owner, count(*) AS cases FROM cases WHERE status = ANY(%s) AND owner IS NOT NULL GROUP BY owner"


def read(now: datetime) -> Now:
    """Everybody, every role, every class."""
    roster = owners.roster()
    with database.transaction() as conn:
        desks = {desk.key: desk for desk in today.stands_open(conn).desks}
        rows = conn.execute(_GIVEN, ([state.value for state in CASE_LIVE],)).fetchall()
        given = {row["owner"]: row["cases"] for row in rows}
        reached = receipts.last(conn, roster)
    with Session(database.engine()) as session:
        changes = audit.newest(session, "roster", most=CHANGES_MAX)
    return Now(
        [_role(roster, name, now) for name in roster.roles],
        [_person(roster, key, now, desks.get(key), given.get(key, 0), reached[key]) for key in roster.people],
        [
            _class(roster, code, now)
            for code, rule in roster.classes.items()
            if rule.escalation or rule.told == "digest"
        ],
        _unowned(roster, now),
        [_override(roster, number) for number in range(len(roster.overrides))],
        changes,
        owners.name_of_file(),
    )


def _role(roster: Roster, name: str, now: datetime) -> RoleNow:
    role = roster.roles[name]
    codes = [code for code in sorted(failures.CATALOGUE) if roster.resolve(code, at=now).role == name]
    present = [person for person in role.line if roster.people[person].is_present(now)]
    owner = (present or list(role.line))[0]
    ladder = [Told("at once", owner, roster.people[owner].name), *_told(roster, roster.ladder_of(name, at=now))]
    return RoleNow(
        name,
        owner,
        [(person, roster.people[person].name, roster.people[person].is_present(now)) for person in role.line],
        ladder,
        [(code, failures.CATALOGUE[code].title) for code in codes],
        durations.shown(role.respond_within),
        durations.shown(role.resolve_within),
    )


def _told(roster: Roster, rungs: Sequence[Rung]) -> list[Told]:
    return [
        Told(f"after {durations.shown(rung.after)}", rung.person, roster.people[rung.person].name, rung.from_minor)
        for rung in rungs
    ]


def _class(roster: Roster, code: str, now: datetime) -> ClassNow:
    found = roster.resolve(code, at=now)
    return ClassNow(code, found.by_digest, _told(roster, found.escalation))


def _person(
    roster: Roster, key: str, now: datetime, desk: today.Pile | None, given: int, reached: list[answers.Receipt]
) -> PersonNow:
    person = roster.people[key]
    last = (now + SOON).date()
    absences = sorted(person.away, key=lambda absence: absence.since)
    absence = next((one for one in absences if one.until >= now.date() and one.since <= last), None)
    roles = [
        f"{name} ({'owner' if role.owner == key else 'deputy'})"
        for name, role in roster.roles.items()
        if key in role.line
    ]
    is_rung = any(step.to == key for steps in roster.ladders().values() for step in steps)
    return PersonNow(key, person.name, person.is_present(now), absence, roles, desk, is_rung, given, reached)


def _unowned(roster: Roster, now: datetime) -> list[str]:
    """Classes whose owner is not there; a file that makes this possible is refused."""
    absent = []
    for code in sorted(failures.CATALOGUE):
        owner = roster.resolve(code, at=now).owner
        if owner not in roster.people or not roster.people[owner].is_present(now):
            absent.append(code)
    return absent


def _override(roster: Roster, number: int) -> str:
    one = roster.overrides[number]
    named = [("class", one.failure_class), ("source", one.source), ("handler", one.handler)]
    where = " and ".join(f"{name} {value}" for name, value in named if value is not None)
    return f"{where}: {one.role}"
