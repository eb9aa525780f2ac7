"""What must be true of an owners file beyond its shape, each as one small rule that speaks in words.

To add a rule: a function from (roster, now) to sentences that begin with the key at fault, listed in `RULES`.
A rule must bear names that lead nowhere: another rule reports those.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from exceptions_queue import channels, failures
from exceptions_queue.durations import shown
from exceptions_queue.roster import Role, Roster, Step

Rule = Callable[[Roster, datetime], Iterator[str]]


def problems(roster: Roster, now: datetime) -> list[str]:
    """Everything that is wrong, in the order of the rules."""
    return [problem for rule in RULES for problem in rule(roster, now)]


def names_lead_somewhere(roster: Roster, _: datetime) -> Iterator[str]:
    """Every person and role that is named exists, and no name means two things."""
    for both in sorted(set(roster.people) & set(roster.roles)):
        yield f"people.{both}: is also the name of a role; an escalation to {both!r} would be ambiguous"
    for name, role in roster.roles.items():
        for key, person in (("owner", role.owner), *((f"deputies[{i}]", d) for i, d in enumerate(role.deputies))):
            if person not in roster.people:
                yield f"roles.{name}.{key}: there is no person {person!r}"
    for place, steps in roster.ladders().items():
        for position, step in enumerate(steps):
            if step.to not in roster.people and step.to not in roster.roles:
                yield f"{place}.escalation[{position}].to: there is no person or role {step.to!r}"
    for code, rule in roster.classes.items():
        if code not in failures.CATALOGUE:
            yield f"classes.{code}: there is no such failure class"
        if rule.role is not None and rule.role not in roster.roles:
            yield f"classes.{code}.role: there is no role {rule.role!r}"
    for position, override in enumerate(roster.overrides):
        if override.failure_class is not None and override.failure_class not in failures.CATALOGUE:
            yield f"overrides[{position}].class: there is no failure class {override.failure_class!r}"
        if override.role not in roster.roles:
            yield f"overrides[{position}].role: there is no role {override.role!r}"


def every_class_has_a_role(roster: Roster, _: datetime) -> Iterator[str]:
    """Each failure class of the catalogue ends at a role of this file."""
    homeless: dict[str, list[str]] = {}
    for code, failure in sorted(failures.CATALOGUE.items()):
        rule = roster.classes.get(code)
        if (rule is None or rule.role is None) and failure.role not in roster.roles:
            homeless.setdefault(failure.role, []).append(code)
    for role, codes in homeless.items():
        yield f"roles.{role}: is missing, and it answers for {', '.join(codes)} (or say who does, under classes)"
    if failures.ROLE_OF_THE_UNKNOWN not in {*roster.roles, *homeless}:
        yield f"roles.{failures.ROLE_OF_THE_UNKNOWN}: is missing; it answers for whatever nobody else does"


def deputies_are_others(roster: Roster, _: datetime) -> Iterator[str]:
    """Nobody stands in for themselves."""
    for name, role in roster.roles.items():
        if len(set(role.line)) < len(role.line):
            yield f"roles.{name}.deputies: names somebody twice, or the owner"


def somebody_is_present(roster: Roster, now: datetime) -> Iterator[str]:
    """At every moment from now on each role has an owner or a deputy who is not away."""
    for name, role in roster.roles.items():
        line = [roster.people[person] for person in role.line if person in roster.people]
        if not line:
            continue
        # Presence only ends where an absence begins: those moments, and now, decide for all others.
        begins = [absence.begins(person.zone) for person in line for absence in person.away]
        for at in sorted({now, *(moment for moment in begins if moment > now)}):
            if not any(person.is_present(at) for person in line):
                yield (
                    f"roles.{name}: on {at.date()} neither the owner nor a deputy is present "
                    f"({', '.join(role.line)} away); name somebody who is"
                )
                break


def ladders_climb(roster: Roster, _: datetime) -> Iterator[str]:
    """Each escalation step comes later than the one before and reaches somebody else, whatever is at stake."""
    for place, steps in roster.ladders().items():
        for name in _climbed_in(roster, place):
            yield from _climbs(roster, place, steps, name)
        if steps and all(step.from_minor is not None for step in steps):
            yield f"{place}.escalation: every step has from_minor; say who is told of a case with less at stake, too"


def _climbed_in(roster: Roster, place: str) -> list[str]:
    """The roles in which a ladder is climbed: its own, or all that the cases of its class can be in."""
    table, _, name = place.partition(".")
    if table == "roles":
        return [name]
    known, rule = failures.find(name), roster.classes[name]
    own = rule.role or (known.role if known is not None else None)
    others = [one.role for one in roster.overrides if one.failure_class in (None, name)]
    return [role for role in dict.fromkeys((own, *others)) if role is not None and role in roster.roles]


def _climbs(roster: Roster, place: str, steps: Sequence[Step], name: str) -> Iterator[str]:
    """What is wrong with the steps where the owner of this role was told first."""
    role = roster.roles[name]
    before, said = role.respond_within, "respond_within"
    for position, step in enumerate(steps):
        key = f"{place}.escalation[{position}]"
        if step.from_minor is None:
            if step.after <= before:
                yield f"{key}.after: is {shown(step.after)}, not later than {said} ({shown(before)})"
            before, said = step.after, f"escalation[{position}]"
        elif any(one.from_minor is None and one.to == step.to and one.after <= step.after for one in steps):
            yield f"{key}.from_minor: changes nothing, {step.to!r} is told of every case by then"
        if step.to == name:
            yield f"{key}.to: the role escalates to itself"
        elif _reaches_only(roster, step.to) == role.owner:
            yield f"{key}.to: is the owner, who has not answered already"


def _reaches_only(roster: Roster, to: str) -> str | None:
    target = roster.roles.get(to)
    return target.owner if target is not None else to


def ladders_do_not_turn_in_circles(roster: Roster, _: datetime) -> Iterator[str]:
    """Following escalations from role to role never comes back."""
    for name in sorted(roster.roles):
        way = _way_back(roster, name, name, ())
        # A circle is reported once, from its first name in the alphabet.
        if way is not None and len(way) > 1 and min(way) == name:
            yield f"roles.{name}.escalation: turns in a circle: {' -> '.join((*way, name))}"


def _way_back(roster: Roster, at: str, to: str, way: tuple[str, ...]) -> tuple[str, ...] | None:
    role: Role | None = roster.roles.get(at)
    if role is None or at in way:
        return None
    way = (*way, at)
    for step in role.escalation:
        if step.to == to:
            return way
        found = _way_back(roster, step.to, to, way)
        if found is not None:
            return found
    return None


def channels_can_be_used(roster: Roster, _: datetime) -> Iterator[str]:
    """Every way to reach somebody is one we could use now; whether it arrives only a message can tell."""
    places = [
        (f"people.{name}.channels[{position}]", reference)
        for name, person in roster.people.items()
        for position, reference in enumerate(person.channels)
    ]
    for key, reference in (("fallback", roster.fallback), *places):
        try:
            channels.resolve(reference)
        except channels.ChannelUnusable as unusable:
            yield f"{key}: {unusable}"


def absences_make_sense(roster: Roster, _: datetime) -> Iterator[str]:
    """Nobody is away for longer than a year: that person has left and owns nothing."""
    for name, person in roster.people.items():
        for position, absence in enumerate(person.away):
            if absence.until - absence.since > timedelta(days=366):
                yield f"people.{name}.away[{position}]: lasts more than a year; give the roles to somebody else"


RULES: tuple[Rule, ...] = (
    names_lead_somewhere,
    every_class_has_a_role,
    deputies_are_others,
    somebody_is_present,
    ladders_climb,
    ladders_do_not_turn_in_circles,
    channels_can_be_used,
    absences_make_sense,
)
