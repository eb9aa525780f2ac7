"""The roster: people, roles and rules as read from the owners file, and the answer to "whose is this, now?".

Pure: no file, no database, no clock. `owners` reads and checks it; everybody else asks `owners.roster()`.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from exceptions_queue import failures
from exceptions_queue.durations import Duration

#: An acknowledged case that nobody finished within this time counts as unanswered again.
RESOLVE_WITHIN = timedelta(days=3)
#: When the digest of a day is sent, where its person lives.
DIGEST_AT = "09:00"
#: A class that is told by the digest waits for it; the owner has their time from then on.
DIGEST_EVERY = timedelta(days=1)


def _known_zone(name: str) -> str:
    if name != "UTC":
        try:
            ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError('is not a time zone: write it like "Europe/Berlin"') from None
    return name


def _hour_of_day(text: str) -> str:
    hours, colon, minutes = text.partition(":")
    if not (colon and len(text) == 5 and text.isascii() and hours.isdigit() and minutes.isdigit()):
        raise ValueError('is no time of day: write it like "09:00"')
    if int(hours) > 23 or int(minutes) > 59:
        raise ValueError(f'is {text}, which no clock shows: write it like "09:00"')
    return text


class _Table(BaseModel):
    """One table of the file. Unknown members are typing mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Absence(_Table):
    """Days on which somebody else answers; both ends are included."""

    since: date = Field(alias="from")
    until: date

    @model_validator(mode="after")
    def _in_order(self) -> "Absence":
        if self.until < self.since:
            raise ValueError(f"ends on {self.until}, before it begins on {self.since}")
        return self

    def begins(self, zone: tzinfo) -> datetime:
        """The moment from which on the person is away."""
        return datetime.combine(self.since, time.min, zone)


class Person(_Table):
    """Somebody who answers."""

    name: str = Field(min_length=1)
    contact: str = Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
    channels: tuple[str, ...] = Field(min_length=1)
    timezone: Annotated[str, AfterValidator(_known_zone)] = "UTC"
    away: tuple[Absence, ...] = ()
    digest: Annotated[str, AfterValidator(_hour_of_day)] = DIGEST_AT

    @property
    def zone(self) -> tzinfo:
        """Where this person's days begin; UTC needs no table of zones."""
        return UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)

    def day_to_sum_up(self, at: datetime) -> date | None:
        """The day whose digest is due at that moment, where this person lives; None before its hour."""
        here = at.astimezone(self.zone)
        return here.date() if here.time() >= time.fromisoformat(self.digest) else None

    def is_present(self, at: datetime) -> bool:
        """Whether this person answers at that moment."""
        day = at.astimezone(self.zone).date()
        return not any(absence.since <= day <= absence.until for absence in self.away)


class Step(_Table):
    """One step of an escalation."""

    after: Duration
    to: str
    #: Only for a case with this much at stake in any one currency, in its minor units; None: for every case.
    from_minor: int | None = Field(None, ge=1, le=2**62)


class Role(_Table):
    """What one person answers for, with those who stand in."""

    owner: str
    deputies: tuple[str, ...] = ()
    respond_within: Duration
    resolve_within: Duration = RESOLVE_WITHIN
    escalation: tuple[Step, ...] = Field(min_length=1)

    @property
    def line(self) -> tuple[str, ...]:
        """Owner and deputies, in the order in which they answer."""
        return (self.owner, *self.deputies)


class ClassRule(_Table):
    """What holds for one failure class: another role, a ladder of its own, no message of its own."""

    role: str | None = None
    #: In place of the steps of whichever role the case is in.
    escalation: Annotated[tuple[Step, ...], Field(min_length=1)] | None = None
    #: `digest`: its cases are told once a day; whom the ladder leads to is told one by one all the same.
    told: Literal["at once", "digest"] = "at once"

    @model_validator(mode="after")
    def _says_something(self) -> "ClassRule":
        if self.role is None and self.escalation is None and self.told == "at once":
            raise ValueError("says neither role nor escalation nor told, so it changes nothing")
        return self


class Override(_Table):
    """Another role for what fits every member that is named."""

    role: str
    failure_class: str | None = Field(None, alias="class")
    source: str | None = None
    handler: str | None = None

    @model_validator(mode="after")
    def _names_something(self) -> "Override":
        if self.failure_class is None and self.source is None and self.handler is None:
            raise ValueError("names neither class nor source nor handler, so it would take everything")
        return self

    def fits(self, failure_class: str, source: str | None, handler: str | None) -> bool:
        """Whether this exception applies."""
        return (
            self.failure_class in (None, failure_class)
            and self.source in (None, source)
            and self.handler in (None, handler)
        )


class Rung(NamedTuple):
    """Who is told when nobody has acknowledged `after` the opening."""

    after: timedelta
    person: str
    #: Only with this much at stake in one currency.
    from_minor: int = 0
    #: Its place as written; 0 is the deputy.
    position: int = 0


class Resolution(NamedTuple):
    """Whose a case is at one moment; people by id."""

    owner: str
    deputies: tuple[str, ...]  #: present, and told or asked after the owner
    role: str
    escalation: tuple[Rung, ...]  #: soonest first, never empty: the deputy at `respond_within` is always among them
    respond_within: timedelta
    resolve_within: timedelta
    by_digest: bool = False  #: the class is told once a day

    def rungs(self, at_stake_minor: int) -> tuple[Rung, ...]:
        """The rungs of a case with that much at stake in one currency; soonest first, never empty."""
        return tuple(rung for rung in self.escalation if rung.from_minor <= at_stake_minor)

    def is_quiet(self, at_stake_minor: int) -> bool:
        """Whether a new case waits for the digest: its class does, and it is not dear enough for a rung of its own."""
        return self.by_digest and not any(0 < rung.from_minor <= at_stake_minor for rung in self.escalation)

    def head_start(self, at_stake_minor: int) -> timedelta:
        """How long after the opening the ladder begins: whoever is told tomorrow cannot answer today."""
        return DIGEST_EVERY if self.is_quiet(at_stake_minor) else timedelta()


class Roster(_Table):
    """The whole owners file."""

    fallback: str
    people: Mapping[str, Person] = Field(min_length=1)
    roles: Mapping[str, Role] = Field(min_length=1)
    classes: Mapping[str, ClassRule] = {}
    overrides: tuple[Override, ...] = ()

    def resolve(
        self, failure_class: str, *, source: str | None = None, handler: str | None = None, at: datetime
    ) -> Resolution:
        """Whose failure this is at that moment: the role by rule, and in it whoever is present."""
        name = self._role_of(failure_class, source, handler)
        role = self.roles[name]
        present = [person for person in role.line if self.people[person].is_present(at)]
        # The check at start keeps this line from being empty; a name is better than none all the same.
        owner, *deputies = present or role.line
        rule = self.classes.get(failure_class)
        ladder = self.ladder_of(name, at=at, steps=rule.escalation if rule is not None else None)
        by_digest = rule is not None and rule.told == "digest"
        return Resolution(owner, tuple(deputies), name, ladder, role.respond_within, role.resolve_within, by_digest)

    def ladder_of(self, role: str, *, at: datetime, steps: tuple[Step, ...] | None = None) -> tuple[Rung, ...]:
        """Who is told after the owner of a role, at that moment, soonest first: the deputy (or the owner again), and
        the role's steps, or those of a class in their place."""
        one = self.roles[role]
        present = [person for person in one.line if self.people[person].is_present(at)] or list(one.line)
        rungs = [Rung(one.respond_within, present[1] if len(present) > 1 else present[0])]
        for position, step in enumerate(one.escalation if steps is None else steps, 1):
            rungs.append(Rung(step.after, self._answering(step.to, at), step.from_minor or 0, position))
        return tuple(sorted(rungs, key=lambda rung: rung.after))

    def ladders(self) -> dict[str, tuple[Step, ...]]:
        """Every ladder as written, by the place where it stands in the file."""
        own = {f"roles.{name}": role.escalation for name, role in self.roles.items()}
        return own | {f"classes.{code}": one.escalation for code, one in self.classes.items() if one.escalation}

    def owner_of(
        self,
        failure_class: str,
        *,
        source: str | None = None,
        handler: str | None = None,
        assigned: str | None = None,
        at: datetime,
    ) -> str:
        """The owner of a case: whoever it was assigned to while present and on the roster, else by rule."""
        person = self.people.get(assigned) if assigned is not None else None
        if assigned is not None and person is not None and person.is_present(at):
            return assigned
        return self.resolve(failure_class, source=source, handler=handler, at=at).owner

    def _role_of(self, failure_class: str, source: str | None, handler: str | None) -> str:
        for override in self.overrides:
            if override.fits(failure_class, source, handler):
                return override.role
        rule = self.classes.get(failure_class)
        if rule is not None and rule.role is not None:
            return rule.role
        known = failures.find(failure_class)
        role = known.role if known is not None else failures.ROLE_OF_THE_UNKNOWN
        return role if role in self.roles else failures.ROLE_OF_THE_UNKNOWN

    def _answering(self, person_or_role: str, at: datetime) -> str:
        """The person behind an escalation step, or whoever stands in for them in a role of theirs."""
        role = self.roles.get(person_or_role)
        if role is not None:
            return next((one for one in role.line if self.people[one].is_present(at)), role.owner)
        if not self.people[person_or_role].is_present(at):
            for owned in self.roles.values():
                if owned.owner == person_or_role:
                    return next((one for one in owned.line if self.people[one].is_present(at)), owned.owner)
        return person_or_role
