"""The gap statement: what arrives and nobody handles, what is held back, and which classes hang on one person."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from console import answers
from console.queries import controls, judgement, promises, workflows
from counterfoil import database
from counterfoil.database import Connection
from counterfoil.ledger import tally
from counterfoil.settings import settings
from engine import rollout
from engine.controls import Rollout
from exceptions_queue import failures, owners
from exceptions_queue.roster import Roster
from ingest.sources import Source, SourcesUnusable, find_sources

#: What is looked back on.
WINDOW = timedelta(days=7)
#: Types that are named; a sender that invents types does not fill the page.
TYPES_MAX = 50
#: Absences that are told of in advance.
SOON = timedelta(days=14)


def read(now: datetime, spans: Iterable[tuple[datetime, tally.Numbers]] | None = None) -> answers.Coverage:
    """What is not covered, now and in the last week (`spans`: its tallies, where they were read already)."""
    since = _hour(now - WINDOW)
    with database.transaction() as conn:
        unhandled, arrived = _unhandled(tally.read(conn, since, now) if spans is None else spans)
        gaps = [*_types(unhandled), *_sources(arrived), *_handlers(conn), *_missed()]
    gaps += [*_questions(), *_people(owners.roster(), now)]
    return answers.Coverage(since=since, until=now, statement=_statement(gaps), gaps=gaps)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _unhandled(
    spans: Iterable[tuple[datetime, tally.Numbers]],
) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Events that no handler took, by source and type; all events by source."""
    unhandled: dict[tuple[str, str], int] = {}
    arrived: dict[str, int] = {}
    for _, numbers in spans:
        for one in numbers.events:
            arrived[one.source] = arrived.get(one.source, 0) + one.count
            if one.handler is None and one.type is not None and one.status == "ignored":
                name = one.source, one.type
                unhandled[name] = unhandled.get(name, 0) + one.count
    return unhandled, arrived


def _types(unhandled: Mapping[tuple[str, str], int]) -> Iterator[answers.Gap]:
    for (source, kind), count in sorted(unhandled.items(), key=lambda item: -item[1])[:TYPES_MAX]:
        were = "was" if count == 1 else "were"
        yield answers.Gap(
            kind="event_type",
            name=f"{source} {kind}",
            words=f"{source} sends {kind}, and no handler takes it: {count} {were} set aside",
            count=count,
        )


def _sources(arrived: Mapping[str, int]) -> Iterator[answers.Gap]:
    try:
        known: Mapping[str, Source] = find_sources(settings())
    except SourcesUnusable as unusable:
        for problem in unusable.problems:
            yield answers.Gap(kind="source", name="sources", words=problem, count=None)
        return
    for name in sorted(known.keys() - arrived.keys()):
        yield answers.Gap(
            kind="source", name=name, words=f"nothing came from {name} in seven days: is it set up there?", count=0
        )
    handled = {one.source for one in workflows.every()}
    for name in sorted(known.keys() - handled):
        yield answers.Gap(kind="source", name=name, words=f"no handler takes anything of {name}", count=None)


def _handlers(conn: Connection) -> Iterator[answers.Gap]:
    paused = {pause.name for pause in controls.pauses(conn, "handler")}
    set_by_hand = {
        row["handler"]: rollout.said(Rollout(row["mode"], row["share"], row["segment"]))
        for row in conn.execute("SELECT handler, mode, share, segment FROM rollouts WHERE mode <> 'full'")
    }
    for one in workflows.every():
        said = set_by_hand.get(one.name)
        if one.name in paused:
            yield answers.Gap(kind="handler", name=one.name, words=f"{one.name} is paused", count=None)
        if said is not None:
            words = f"{one.name} writes nothing yet (shadow)" if said == "shadow" else f"{one.name} is {said}"
            yield answers.Gap(kind="handler", name=one.name, words=words, count=None)


def _missed() -> Iterator[answers.Gap]:
    """What a provider has and we never received, as far as somebody compared."""
    missed = sum(kind["cases"] for kind in promises.live_kinds() if kind["failure_class"] == "coverage_gap")
    if missed:
        words = f"{missed} open cases say that a provider has events which never arrived here"
        yield answers.Gap(kind="case", name="coverage_gap", words=words, count=missed)


def _questions() -> Iterator[answers.Gap]:
    for one in judgement.every():
        if one.mode != "automatic":
            words = f"people answer {one.name} every time ({one.mode}): {one.mode_reason}"
            yield answers.Gap(kind="question", name=one.name, words=words, count=one.figures.waiting)


def _people(roster: Roster, now: datetime) -> Iterator[answers.Gap]:
    for role, codes in _by_role(roster, now).items():
        line = roster.roles[role].line
        present = [person for person in line if roster.people[person].is_present(now)]
        said = ", ".join(sorted(codes))
        if not present:
            yield answers.Gap(kind="owner", name=role, words=f"nobody of {role} is there now, for {said}", count=None)
        elif len(present) == 1:
            words = f"{said} hang on {roster.people[present[0]].name} alone: nobody else of {role} is there"
            yield answers.Gap(kind="deputy", name=role, words=words, count=None)
    for key, person in roster.people.items():
        for absence in person.away:
            if now.date() <= absence.until and absence.since <= (now + SOON).date():
                words = f"{person.name} is away from {absence.since} to {absence.until}"
                yield answers.Gap(kind="absence", name=key, words=words, count=None)


def _by_role(roster: Roster, now: datetime) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for code in failures.CATALOGUE:
        found.setdefault(roster.resolve(code, at=now).role, []).append(code)
    return found


_SAID = (
    ("event_type", "type of event is handled by nobody", "types of event are handled by nobody"),
    ("source", "source is silent or unused", "sources are silent or unused"),
    ("handler", "handler is not out fully", "handlers are not out fully"),
    ("question", "question asks people every time", "questions ask people every time"),
    ("owner", "role has nobody there", "roles have nobody there"),
    ("deputy", "role hangs on one person", "roles hang on one person"),
    ("case", "comparison with a provider found gaps", "comparisons with providers found gaps"),
)


def _statement(gaps: Iterable[answers.Gap]) -> str:
    counts: dict[Any, int] = {}
    for gap in gaps:
        counts[gap.kind] = counts.get(gap.kind, 0) + 1
    parts = [f"{counts[kind]} {one if counts[kind] == 1 else many}" for kind, one, many in _SAID if kind in counts]
    if not parts:
        return "Every type that arrived is handled, every handler is out fully, every class has an owner and a deputy."
    owned = "" if "owner" in counts else "; every class of failure has an owner"
    return f"{', '.join(parts)}{owned}."
