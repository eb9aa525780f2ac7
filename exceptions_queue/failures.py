"""Every class of failure: what it means, what to do, whose desk it lands on.

    Failure
    ├── of the event         ContractViolated  ContractUncovered  IdentityConflict  WrongAccount  ContextMissing
    ├── of the judgement     LowConfidence  ModelOutputInvalid  ModelUnavailable
    ├── of the limits        OutOfBounds  ApprovalNeeded
    ├── of the destination   WriteRefused  WriteInDoubt  WriteNotApplied  DestinationUnavailable
    ├── of the run           HandlerBug  RunStuck
    ├── of the source        CoverageGap  SignatureBurst
    └── of the telling       NotificationFailed

The tree has one level on purpose: a class decides owner, advice and grouping, and nothing asks for its family.
To add one: subclass `Failure` here or beside the handler that raises it; it is in the catalogue once its module is
imported, and `owners.toml` may give it to another role.
"""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from counterfoil.telemetry import redact

#: A class nobody knows (its module is gone) still needs a desk; the people who run the service can find out.
ROLE_OF_THE_UNKNOWN = "platform"

_CODE = re.compile(r"[a-z][a-z0-9_]{2,39}")

CATALOGUE: Final[dict[str, type["Failure"]]] = {}


class Failure(Exception):
    """Something that stops an event and that a person may have to see.

    Whoever extends it names `code`, `title`, `role` and `advice`, and says in the docstring when it happens. The code
    is for ever: it stands in the API, metrics, reports and the owners file.
    """

    code: ClassVar[str]
    title: ClassVar[str]
    #: The default owner's role; `owners.toml` may say otherwise.
    role: ClassVar[str]
    #: What the owner should do, in plain words.
    advice: ClassVar[str]
    #: What happens without anybody.
    by_itself: ClassVar[str] = "Waits for a person."

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        _refuse_incomplete(cls)
        CATALOGUE[cls.code] = cls

    def __init__(
        self,
        detail: str = "",
        *,
        rule: str | None = None,
        destination: str | None = None,
        data: Mapping[str, Any] | None = None,
        amount_minor: int | None = None,
        currency: str | None = None,
    ) -> None:
        self.detail: str = redact(detail) or self.title
        self.rule = rule
        self.destination = destination
        self.data: dict[str, Any] = redact(dict(data or {}))
        self.amount_minor = amount_minor
        self.currency = currency
        super().__init__(self.detail)


def _refuse_incomplete(cls: type[Failure]) -> None:
    """A class without its four words would be a case that helps nobody: refused where it is written."""
    missing = [name for name in ("code", "title", "role", "advice") if not getattr(cls, name, None)]
    if missing or not (cls.__doc__ or "").strip():
        raise TypeError(f"{cls.__name__} must say its {', '.join(missing or ['docstring'])}")
    if not _CODE.fullmatch(cls.code):
        raise TypeError(f"{cls.__name__}: {cls.code!r} is not a code (lower case, digits and underscores)")
    other = CATALOGUE.get(cls.code)
    if other is not None and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__):
        raise TypeError(f"{cls.__name__}: {other.__name__} has the code {cls.code!r} already")


def find(code: str) -> type[Failure] | None:
    """The class of a code, or None when no imported module defines it."""
    return CATALOGUE.get(code)


def of(code: str) -> type[Failure]:
    """The class of a code. Raises: HandlerBug when nobody defined it, so that the mistake has an owner too."""
    found = CATALOGUE.get(code)
    if found is None:
        raise HandlerBug(f"no failure class has the code {code!r}", rule="unknown_failure_class")
    return found


class ContractViolated(Failure):
    """The contract for this source, type and API version does not hold: its shape, or what must be true of it."""

    code = "contract_violation"
    title = "The payload breaks its contract"
    role = "revops"
    advice = (
        "Read the violated rules: each names the field, what was found and what was allowed. Put the record right at "
        "the source, or edit the payload here, then replay."
    )


class ContractUncovered(Failure):
    """A handled type arrives in a shape or API version that no contract covers."""

    code = "contract_unknown"
    title = "No contract covers this shape or API version"
    role = "revops"
    advice = (
        "Compare the payload with the newest sample of its type. Widen the window of a contract or add one, "
        "deploy, then replay the case."
    )


class IdentityConflict(Failure):
    """The same event identity came with different business content."""

    code = "identity_conflict"
    title = "One identity, two different contents"
    role = "platform"
    advice = (
        "Compare both payloads. If the first is right, dismiss this case. If the newer is right, accept it: it becomes "
        "a corrected copy of the first event, which runs again. Ask the provider why it changed."
    )


class WrongAccount(Failure):
    """A test event at a live door, or an account or portal that nobody configured."""

    code = "wrong_account"
    title = "From the wrong mode or account"
    role = "platform"
    advice = (
        "Find out which endpoint at the provider points here. If it is the wrong one, correct it and dismiss the case. "
        "If the events are ours, correct the mode or the accounts of the source and replay the case."
    )


class ContextMissing(Failure):
    """A record that the handler needs does not exist or is ambiguous."""

    code = "context_missing"
    title = "A needed record is missing or ambiguous"
    role = "revops"
    advice = "Create the record or merge the duplicates where they live, then replay."
    by_itself = "Waits and looks again, a bounded number of times; then a person."


class LowConfidence(Failure):
    """The model abstained, or its calibrated confidence is under the threshold."""

    code = "low_confidence"
    title = "The model is not sure"
    role = "revops"
    advice = "Read the evidence and choose the answer yourself; your answer is kept as an example."


class ModelOutputInvalid(Failure):
    """The model's answer is off its schema or not grounded, after the repair attempt too."""

    code = "model_output_invalid"
    title = "The model's answer is unusable"
    role = "platform"
    advice = "Answer in its place to unblock the event, then look at the question: prompt, schema or model changed."


class ModelUnavailable(Failure):
    """The model is down, or its budget of time, tokens or money is spent."""

    code = "model_unavailable"
    title = "The model cannot be asked"
    role = "platform"
    advice = "Check the provider's status and the budget. Raise the budget or wait, then replay the case."
    by_itself = "Falls back to the next tier, else tries again; then a person."


class OutOfBounds(Failure):
    """The plan breaks a cap, a limit or a locked period."""

    code = "out_of_bounds"
    title = "The plan is outside its limits"
    role = "finance_ops"
    advice = "Look at the plan and the limit it breaks. If the plan is right, lift the limit and replay; else dismiss."


class ApprovalNeeded(Failure):
    """Policy asks for a person before this is written."""

    code = "approval_needed"
    title = "A write waits for approval"
    role = "finance_ops"
    advice = "Read what would be written, then approve or reject it. Whoever edited it cannot approve it."
    by_itself = "Expires as not approved."


class WriteRefused(Failure):
    """The destination says no, and asking again cannot cure it."""

    code = "write_refused"
    title = "The destination refused the write"
    role = "finance_ops"
    advice = "Read the destination's answer, put right what it names (record, permission, period), then replay."


class WriteInDoubt(Failure):
    """A write was sent, its outcome is unknown, and asking the destination could not settle it."""

    code = "write_in_doubt"
    title = "Nobody knows whether the write arrived"
    role = "finance_ops"
    advice = "Look for the write's key at the destination. Record what you found; it is never sent again blindly."
    by_itself = "Asks the destination again, a bounded number of times; then a person."


class WriteNotApplied(Failure):
    """The destination said yes, and reading it back says no."""

    code = "write_not_applied"
    title = "Accepted, but not there when read back"
    role = "finance_ops"
    advice = "Open the record at the destination and see which value stands there and who set it; then replay."


class DestinationUnavailable(Failure):
    """The destination is limited, failing or silent beyond the time we keep trying."""

    code = "destination_unavailable"
    title = "The destination cannot be reached"
    role = "platform"
    advice = "Check the destination's status and our credentials. When it is back, replay the case as a whole."
    by_itself = "One case for the outage, not one per event."


class HandlerBug(Failure):
    """A handler ended in an exception that it does not name."""

    code = "handler_bug"
    title = "A handler failed unexpectedly"
    role = "platform"
    advice = "Find the report by the event's id, repair the handler, deploy, dry-run the event, then replay the case."


class RunStuck(Failure):
    """A run exceeded its limits of time, attempts or crashes."""

    code = "run_stuck"
    title = "A run does not come to its end"
    role = "platform"
    advice = (
        "Look at the last step that was recorded and at the memory and time of the workers. Dry-run the event on its "
        "own before it is replayed: it may take a worker down again."
    )


class CoverageGap(Failure):
    """The provider has an event that we never received."""

    code = "coverage_gap"
    title = "The provider has events that never arrived"
    role = "platform"
    advice = "See whether the endpoint was disabled or we were down then; check that the back-fill closed the gap."
    by_itself = "The missing events are fetched and go through the same door."


class SignatureBurst(Failure):
    """Many signatures were refused within a short time."""

    code = "signature_burst"
    title = "Many deliveries with a wrong signature"
    role = "platform"
    advice = (
        "If a secret was rolled at the provider, set both the old and the new one here. If it was not, somebody "
        "is guessing: look at where the requests come from."
    )


class NotificationFailed(Failure):
    """No channel of a person took a message: a deputy or the last resort was told instead, or nobody at all."""

    code = "notification_failed"
    title = "An owner could not be told"
    role = "platform"
    advice = "Test the channels of the person named, mend them in the owners file, and ask whether they know."
    by_itself = "Stays in the queue and escalates like any case; it never reports itself."
