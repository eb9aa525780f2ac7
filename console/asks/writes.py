"""What people say about a write: yes, another action, what became of it, whether it is right."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from console.asks.base import Change, Digest
from console.fields import Asked, MoneyIn, Word

#: As many as a person can look through at once.
BATCH_MAX = 200


class ApproveAsk(Change):
    """A yes to exactly what was shown."""

    digest: Digest = Field(description="of what was shown; `GET /writes/{id}/approval` has it")


class ActionAsk(Change):
    """Another action in place of the planned one; somebody else has to approve it."""

    body: dict[str, Any] = Field(description="the whole corrected action, as `shown.body` has it")
    amount: MoneyIn | None = Field(None, description="what it amounts to now; left out: as before")


class BatchItemAsk(Asked):
    """One request of many, by what was shown."""

    write_id: UUID
    digest: Digest


class BatchAsk(Change):
    """A yes to many; `dry_run` shows how many, how much, and what would be refused."""

    items: Annotated[list[BatchItemAsk], Field(min_length=1, max_length=BATCH_MAX)]
    dry_run: bool = Field(False, description="only show; nobody's answer is counted")


class SettleAsk(Change):
    """What the owner found out about a write in doubt."""

    happened: bool = Field(description="whether it stands at the destination; if not, it is sent again")
    reference: Word | None = Field(None, description="the id that the destination gave it; needed when it happened")


class ReviewAsk(Change):
    """Whether a handler's write is right."""

    digest: Digest = Field(description="of the write that was judged")
    agrees: bool
