"""Nobody leaves the roster with open cases that were given to them by hand: a rule can pass on what it gave, a file
cannot know who should have those."""

from typing import Final

from counterfoil import database
from counterfoil.lifecycle import CASE_LIVE
from exceptions_queue.roster import Roster

_HELD: Final = """
SELECT owner, count(*) AS cases FROM cases
WHERE status = ANY(%s) AND owner IS NOT NULL AND owner <> ALL(%s) GROUP BY owner ORDER BY owner
"""


def problems(roster: Roster) -> list[str]:
    """Who is missing from this roster and holds open cases, in words. Raises: psycopg.Error."""
    with database.connect(autocommit=True) as conn:
        rows = conn.execute(_HELD, ([state.value for state in CASE_LIVE], list(roster.people))).fetchall()
    return [
        f"people.{row['owner']}: is missing, and {row['cases']} open"
        f" {'case was' if row['cases'] == 1 else 'cases were'} given to them;"
        f" give {'it' if row['cases'] == 1 else 'them'} to somebody else first"
        for row in rows
    ]
