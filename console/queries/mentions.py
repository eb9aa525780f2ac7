"""What events name, for lists that show it: the amount each of them is about."""

from collections.abc import Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from console.fields import Money
from console.queries.finding import among
from counterfoil import database
from counterfoil.tables import Mention


def amounts(event_ids: Sequence[UUID]) -> dict[UUID, Money]:
    """The largest amount that each event names; what names none is left out."""
    wanted = (
        select(Mention)
        .where(among(col(Mention.event_id), event_ids), col(Mention.kind) == "amount")
        .order_by(col(Mention.event_id), col(Mention.amount_minor))
    )
    with Session(database.engine()) as session:
        rows = session.exec(wanted).all() if event_ids else []
    return {row.event_id: Money(amount_minor=row.amount_minor, currency=row.value) for row in rows}
