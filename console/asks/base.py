"""What all that is asked has in common: lists by pages, changes with their reason."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from console.fields import Asked, MomentIn, Word, Words

#: Most rows of one page; the interface's number.
LIMIT_MAX = 500
#: A cursor is an id in 22 characters; the last of them carries two bits only.
CURSOR = r"^[A-Za-z0-9_-]{21}[AQgw]$"

FromStep = Literal["start", "failed_step"]
#: SHA-256 in hex.
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ListAsk(Asked):
    """What every list understands."""

    limit: int = Field(50, ge=1, le=LIMIT_MAX, description="rows per page")
    cursor: Annotated[str, Field(pattern=CURSOR)] | None = Field(None, description="`next_cursor` of the page before")
    since: MomentIn | None = Field(None, description="not older than this moment")
    until: MomentIn | None = Field(None, description="older than this moment")
    q: Word | None = Field(None, description="an id or key exactly, else text inside the row's key fields")


class FilteredAsk(ListAsk):
    """What the lists understand that know the filters of docs/search.md."""

    q: Word | None = Field(
        None,
        description="filters such as `status:exception amount>1000 customer:cus_1 since:yesterday`; else an id or key"
        " exactly, else text inside the key fields of the newest 10,000 rows",
    )


class Change(Asked):
    """A change and why."""

    reason: Words = Field(description="why; kept in the audit for ever")


class TryOrChange(Asked):
    """A change and why, or only what it would do."""

    dry_run: bool = Field(False, description="only show what it would do; nothing is sent or written")
    reason: Words | None = Field(None, description="why; kept in the audit for ever; a dry run needs none")

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["reason"], "properties": {"reason": {"type": "string"}}},
                {"required": ["dry_run"], "properties": {"dry_run": {"const": True}}},
            ]
        }
    )

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if not self.dry_run and self.reason is None:
            raise ValueError("a change needs a reason")
        return self
