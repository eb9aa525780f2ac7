"""How events are known by identity: by key, whichever source it is of."""

from sqlalchemy import ColumnElement, and_, text
from sqlmodel import Session, col

from console.queries import page
from counterfoil import tables

#: Distinct sources by jumping through the identity index: one probe per source, however many events there are.
_SOURCES = text("""
    WITH RECURSIVE jump AS (
        (SELECT source FROM events ORDER BY source LIMIT 1)
        UNION ALL
        SELECT (SELECT e.source FROM events e WHERE e.source > jump.source ORDER BY e.source LIMIT 1)
        FROM jump WHERE jump.source IS NOT NULL
    )
    SELECT source FROM jump WHERE source IS NOT NULL
""")


def sources(session: Session) -> list[str]:
    """Every source that ever sent something."""
    return page.once(session, ("sources",), lambda: [row[0] for row in session.connection().execute(_SOURCES)])


def has_key(session: Session, key: str, source: str | None = None) -> ColumnElement[bool]:
    """The identity index begins with the source; without one, every source is asked."""
    known = [source] if source is not None else sources(session)
    return and_(col(tables.Event.source).in_(known), col(tables.Event.key) == key)
