"""Who answers for what, the workflows, and the numbers."""

from pydantic import Field

from console.fields import Moment, Money, Shown


class Receipt(Shown):
    """One way to reach somebody, by its label, and what became of the last message."""

    channel: str
    status: str | None = Field(description="`sent`, `not taken`; null: nothing was sent that way yet")
    at: Moment | None
    detail: str | None


class Owner(Shown):
    """Who answers for one failure class, now."""

    failure_class: str = Field(alias="class")
    title: str
    role: str
    owner: str
    name: str
    deputies: list[str]
    escalation: list[dict[str, str]] = Field(
        description="who is told next: `after`, `to`; `from_minor`: only with so much at stake in one currency"
    )
    told: str = Field(description="of a new case: `at once`, or by the `digest` of the day")
    channels: list[Receipt] = Field(description="how the owner is reached, and what became of it the last time")
    respond_within: str
    by_itself: str
    advice: str


class Handler(Shown):
    """One workflow: which events it takes and which code it is."""

    name: str
    version: str
    source: str
    types: list[str]
    ordering: str
    description: str


class Stats(Shown):
    """The numbers of one window, and what stands open now."""

    since: Moment
    until: Moment
    events_received: int
    events_by_status: dict[str, int]
    events_by_source: dict[str, int]
    duplicates: int
    runs_by_status: dict[str, int]
    writes_by_status: dict[str, int]
    written: list[Money] = Field(description="amounts of confirmed writes of the window")
    rejections: dict[str, int]
    events_due: int
    oldest_due_seconds: float | None
    cases_live: dict[str, int]
    at_stake: list[Money]
    notifications_by_status: dict[str, int]
    pauses: int
    writes_waiting: dict[str, int] = Field(description="writes on their way, by destination")
    destinations_away: list[str] = Field(description="those that do not answer")
