"""What may be asked: the parameters of every list and the body of every change, as types that validate.

The API's OpenAPI, its checks and the commands come from these.
"""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from console.fields import Asked, Document, MomentIn, MoneyIn, NumberIn, Word, Words
from counterfoil.lifecycle import CaseState, EventState, ReplayState, WriteState

#: Most rows of one page; the interface's number.
LIMIT_MAX = 500
#: A cursor is an id in 22 characters; the last of them carries two bits only.
CURSOR = r"^[A-Za-z0-9_-]{21}[AQgw]$"


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


class EventsAsk(FilteredAsk):
    """Filters of the list of events."""

    source: Word | None = Field(None, description="source, e.g. `stripe`")
    type: Word | None = Field(None, description="type, e.g. `invoice.paid`")
    subject: Word | None = Field(None, description="what the event is about, e.g. `stripe:in_123`")
    status: EventState | None = Field(None, description="state of the event")
    key: Word | None = Field(None, description="the provider's identity of the event")


class RunsAsk(ListAsk):
    """Filters of the list of runs."""

    event: UUID | None = Field(None, description="id of the event")
    handler: Word | None = Field(None, description="name of the handler")
    status: Word | None = Field(None, description="how the run ended")
    failure_class: Word | None = Field(None, alias="class", description="failure class")


class WritesAsk(FilteredAsk):
    """Filters of the list of writes."""

    status: WriteState | None = Field(None, description="state of the write")
    destination: Word | None = Field(None, description="destination, e.g. `books`")
    subject: Word | None = Field(None, description="what the write is about")
    event: UUID | None = Field(None, description="id of the event that caused it")
    key: Word | None = Field(None, description="the write key")


class ApprovalsAsk(ListAsk):
    """Filters of the list of open requests."""

    destination: Word | None = Field(None, description="destination, e.g. `stripe`")
    operation: Word | None = Field(None, description="operation, e.g. `create_draft_invoice`")
    handler: Word | None = Field(None, description="name of the handler that planned it")
    rule: Word | None = Field(None, description="rule of the policy that asks")
    event: UUID | None = Field(None, description="id of the event that caused it")


class CasesAsk(FilteredAsk):
    """Filters of the list of cases."""

    status: CaseState | None = Field(None, description="state of the case")
    failure_class: Word | None = Field(None, alias="class", description="failure class")
    owner: Word | None = Field(None, description="id of the person who owns it now")


class ReplaysAsk(ListAsk):
    """Filters of the list of replays."""

    status: ReplayState | None = Field(None, description="state of the replay")


class ReversalsAsk(ListAsk):
    """Filters of the list of reversals."""

    status: ReplayState | None = Field(None, description="state of the reversal")


#: A place in the audit: the next number of each lane.
TRAIL_CURSOR = r"^[a-z_]{1,40}\.[0-9]{1,18}(-[a-z_]{1,40}\.[0-9]{1,18}){0,20}$"


class AuditAsk(Asked):
    """Filters of the audit."""

    limit: int = Field(50, ge=1, le=LIMIT_MAX, description="rows per page")
    cursor: Annotated[str, Field(pattern=TRAIL_CURSOR)] | None = Field(None, description="`next_cursor` of before")
    thing: Word | None = Field(None, description="what it is about, e.g. `case:0190…`, or the id alone")
    actor: Word | None = Field(None, description="who did it")
    action: Word | None = Field(None, description="what was done, e.g. `case.assigned`, or `case`")
    since: MomentIn | None = Field(None, description="not older than this moment")
    until: MomentIn | None = Field(None, description="older than this moment")


class StatsAsk(Asked):
    """The window of the numbers."""

    since: MomentIn | None = Field(None, description="beginning of the window (24 hours ago)")
    until: MomentIn | None = Field(None, description="end of the window (now)")


class Change(Asked):
    """A change and why."""

    reason: Words = Field(description="why; kept in the audit for ever")


FromStep = Literal["start", "failed_step"]


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


class ReplayAsk(TryOrChange):
    """Run an event again, or show what would happen."""

    from_step: FromStep = Field("start", alias="from", description="where to begin; `failed_step` keeps checkpoints")


class AssignAsk(Change):
    """Give a case to a person."""

    to: Word = Field(description="id of a person in the owners file")


class SnoozeAsk(Change):
    """Let a case sleep."""

    until: MomentIn = Field(description="when it opens again")


class EditAsk(Change):
    """A corrected copy of an event's payload; the original stays."""

    verbatim = ("payload",)

    event_id: UUID | None = Field(None, description="which event; may be left out when the case has exactly one")
    payload: Document = Field(description="the whole corrected payload; kept as it is written, to the last digit")


class AcceptAsk(Change):
    """The newer of two contents of one identity; the first stays as it was received."""

    event_id: UUID | None = Field(None, description="which event; may be left out when the case has exactly one")


class CaseReplayAsk(Change):
    """Run all blocked events of a case again."""

    from_step: FromStep = Field("start", alias="from", description="where to begin")


class ReplayFilter(Asked):
    """Which events to replay; every member narrows, and at least one is needed."""

    failure_class: Word | None = Field(None, alias="class", description="failure class of the open case")
    source: Word | None = Field(None, description="source")
    type: Word | None = Field(None, description="type")
    handler: Word | None = Field(None, description="handler")
    status: EventState | None = Field(None, description="state of the event")
    case: UUID | None = Field(None, description="id of a case")
    subject: Word | None = Field(None, description="subject")
    since: MomentIn | None = Field(None, description="received not before")
    until: MomentIn | None = Field(None, description="received before")
    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = Field(None, description="these events")


class ReplaysPlanAsk(Change):
    """Replay many events: `dry_run` keeps it at the plan, which can be started later."""

    filter: ReplayFilter = Field(json_schema_extra={"minProperties": 1}, description="which events")
    from_step: FromStep = Field("start", alias="from", description="where each run begins")
    dry_run: bool = Field(False, description="plan and show, do not start")


class ReverseAsk(TryOrChange):
    """Take a write back, or show the inverse and what somebody changed since."""


class SettleAsk(Change):
    """What the owner found out about a write in doubt."""

    happened: bool = Field(description="whether it stands at the destination; if not, it is sent again")
    reference: Word | None = Field(None, description="the id that the destination gave it; needed when it happened")


class ReversalFilter(Asked):
    """Which confirmed writes to take back; every member narrows, and one beside `status` is needed."""

    destination: Word | None = Field(None, description="destination, e.g. `hubspot`")
    operation: Word | None = Field(None, description="operation, e.g. `upsert_company`")
    handler: Word | None = Field(None, description="name of the handler that planned it")
    event: UUID | None = Field(None, description="id of the event that caused it")
    subject: Word | None = Field(None, description="what the write is about")
    status: WriteState | None = Field(None, description="`confirmed` when left out; others cannot be taken back")
    since: MomentIn | None = Field(None, description="confirmed not before")
    until: MomentIn | None = Field(None, description="confirmed before")
    ids: Annotated[list[UUID], Field(min_length=1, max_length=1000)] | None = Field(None, description="these writes")


class ReversalsPlanAsk(Change):
    """Take many writes back: `dry_run` keeps it at the plan, which can be started later."""

    filter: ReversalFilter = Field(json_schema_extra={"minProperties": 1}, description="which writes")
    dry_run: bool = Field(False, description="plan and show, do not start")


#: SHA-256 in hex.
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
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


class PauseAsk(Change):
    """What is held, or let go."""

    scope: Literal["source", "handler", "destination", "action"]
    name: Word = Field(description="an action class is named `destination.operation`")


class RolloutAsk(Change):
    """How far a handler is let out."""

    mode: Literal["shadow", "partial", "full", "paused"]
    share: float | None = Field(None, gt=0, lt=1, description="`partial`: of the subjects, always the same ones")
    segment: Annotated[dict[str, Any], Field(min_length=1, max_length=20)] | None = Field(
        None, description="`partial`: members of the event by dotted path, each with its value or a list of such"
    )
    force: bool = Field(False, description="wider without the evidence for it; kept in the audit")


class ClassificationsAsk(ListAsk):
    """Filters of the list of classifications."""

    question: Word | None = Field(None, description="name of the question")
    status: Literal["committed", "asked", "settled"] | None = Field(None, description="`asked`: a person has to say")
    event: UUID | None = Field(None, description="id of the event")
    sampled: bool | None = Field(None, description="drawn by chance to be looked at")


class CorrectAsk(Change):
    """What an item is, said by a person."""

    label: Word | None = Field(description="one of the question's labels; null: none of these")


class ModeAsk(Change):
    """How far a question is let out."""

    mode: Literal["shadow", "ask", "automatic"]


class RollbackAsk(Change):
    """Which training answers again."""

    number: NumberIn | None = Field(None, description="left out: the one before")


class TrialAsk(Change):
    """Which challenger answers beside a question, and how often; nothing acts on it."""

    challenger: Annotated[str, Field(pattern=r"^(training:[0-9]{1,9}|next|hosted)$")] = Field(
        description="`training:N`: another training; `next`: the question's next version; `hosted`: the model alone"
    )
    share: float = Field(0.2, gt=0, le=1, description="of the inputs, always the same ones")


class LabelLine(BaseModel):
    """One line of a file of labels; what an export says beside it is left alone."""

    fields: dict[Word, Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00]*$")]] = Field(min_length=1)
    label: Word | None
    author: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    uniform: bool = Field(False, description="chance alone drew it from this traffic: it certifies thresholds")

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)


class ReviewAsk(Change):
    """Whether a handler's write is right."""

    digest: Digest = Field(description="of the write that was judged")
    agrees: bool
