"""Whether inputs hold more that was never seen than is usual: counterparties, words, values of a field.

Something new comes every week. So the newest week is held against the two before it, and what is new there against
what was new in the week before, held against the two before that one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from contracts.answers import Question
from counterfoil import clock
from counterfoil.database import Connection
from judgement import drift
from judgement.local import text

WEEK, MEMORY = timedelta(days=7), timedelta(days=14)
#: Nothing is concluded from fewer in a week; more are not read, nor more of what they are held against.
WEEK_MIN, WEEK_MAX, MEMORY_MAX = 100, 500, 2_000

#: Numbers and names of things that hold them are new every time and say nothing.
_WORD = re.compile(r"[^\W\d_]{3,}")

_INPUTS = """
    SELECT fields FROM (
        SELECT DISTINCT ON (input_hash) fields, id FROM decisions
        WHERE question = %s AND created_at >= %s AND created_at < %s AND fields IS NOT NULL ORDER BY input_hash, id
    ) AS distinct_inputs ORDER BY md5(id::text) LIMIT %s
"""
# One counterparty counts once, however much it brings: a new customer with a hundred lines is one that is new.
_COUNTERPARTIES = """
    SELECT count(*) AS seen, count(*) FILTER (WHERE NOT EXISTS (
        SELECT FROM decisions p WHERE p.question = %(question)s AND p.counterparty = week.counterparty
          AND p.created_at >= %(since)s AND p.created_at < %(begin)s)) AS new
    FROM (SELECT DISTINCT counterparty FROM decisions
          WHERE question = %(question)s AND created_at >= %(begin)s AND created_at < %(end)s
            AND counterparty IS NOT NULL) AS week
"""

_Fields = dict[str, str]


class Week(NamedTuple):
    """Of so many, those that were not seen in the weeks before."""

    seen: int
    new: int

    @property
    def share(self) -> float:
        """Of all, what is new."""
        return self.new / self.seen


def look(conn: Connection, question: Question) -> Iterator[str]:
    """What there is more of than usual, in sentences."""
    # A young question does not alarm: the week before has less to be held against, and more in it is new.
    recent, before = clock.now() - WEEK, clock.now() - 2 * WEEK
    yield from _told("counterparties", *(_counterparties(conn, question, begin) for begin in (before, recent)))
    weeks = [_Held.of(conn, question, begin) for begin in (before, recent)]
    # Against equally many: the more one remembers, the less is new.
    least = min(len(each.memory) for each in weeks)
    for what, parts in _kinds(question):
        yield from _told(what, *(each.new(parts, least) for each in weeks))


class _Held(NamedTuple):
    """Inputs of a week, and of the two before it."""

    week: list[_Fields]
    memory: list[_Fields]

    @classmethod
    def of(cls, conn: Connection, question: Question, begin: datetime) -> "_Held":
        def read(since: datetime, until: datetime, limit: int) -> list[_Fields]:
            return [row["fields"] for row in conn.execute(_INPUTS, (question.name, since, until, limit))]

        return cls(read(begin, begin + WEEK, WEEK_MAX), read(begin - MEMORY, begin, MEMORY_MAX))

    def new(self, parts: "_Parts", memory_max: int) -> Week:
        """How many inputs hold a part that none of the remembered ones holds."""
        known = {part for each in self.memory[:memory_max] for part in parts(each)}
        held = [found for each in self.week if (found := set(parts(each)))]
        return Week(len(held), sum(1 for found in held if found - known)) if known else Week(0, 0)


_Parts = Callable[[_Fields], Sequence[str]]


def _kinds(question: Question) -> Iterator[tuple[str, _Parts]]:
    """What is looked for in an input, with its name in a sentence."""
    yield "inputs hold words that", lambda fields: _WORD.findall(text.folded(text.joined(fields, question.fields)))
    for name in question.fields:
        yield f"inputs hold a {name} that", lambda fields, name=name: _value(fields, name)  # type: ignore[misc]


def _value(fields: _Fields, name: str) -> Sequence[str]:
    folded = text.folded(fields.get(name, ""))
    return (folded,) if folded else ()


def _counterparties(conn: Connection, question: Question, begin: datetime) -> Week:
    values = {"question": question.name, "since": begin - MEMORY, "begin": begin, "end": begin + WEEK}
    row = conn.execute(_COUNTERPARTIES, values).fetchone()
    assert row is not None
    return Week(**row)


def _told(what: str, before: Week, recent: Week) -> Iterator[str]:
    """More of it is news; less is none."""
    if min(before.seen, recent.seen) < WEEK_MIN or recent.share <= before.share:
        return
    if drift.share_moved((before.new, before.seen), (recent.new, recent.seen)):
        yield (
            f"{recent.share:.0%} of the {what} were not seen in the two weeks before, {before.share:.0%} a week earlier"
        )
