"""Why a person's request is refused: each with words that say what to do instead.

    Refused
    ├── NotThere       404  CaseNotFound, EventNotFound, EventNotInCase, JobNotFound, WriteNotFound
    ├── NotNow         409  CaseClosed, AlreadyAcknowledged, StillBlocked, EventMoving, EventRunning,
    │                       JobNotPlanned, JobNotRunning, JobNotPaused, JobEnded, NotAwaiting, ShownChanged,
    │                       EditorMayNot, VotedAlready
    └── NotLikeThat    422  ReasonMissing, PersonUnknown, SnoozeRefused, EventUnnamed, EditRefused, AcceptRefused,
                            FilterRefused, ActionRefused, NameUnknown

The numbers are what the API answers; this floor does not know HTTP, so the console picks by these three bases.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from unicodedata import normalize

from contracts import Violation


class Refused(Exception):
    """A person asked for something that is not done; the message says why and what to do."""


class NotThere(Refused):
    """The thing does not exist."""


class NotNow(Refused):
    """The thing exists, and its present state forbids it."""


class NotLikeThat(Refused):
    """The request itself is at fault."""


class CaseNotFound(NotThere):
    """There is no such case."""


class EventNotFound(NotThere):
    """There is no such event."""


class EventNotInCase(NotThere):
    """The case does not block this event."""


class JobNotFound(NotThere):
    """There is no such job."""


class WriteNotFound(NotThere):
    """There is no such write."""


class CaseClosed(NotNow):
    """The case is closed; a new failure opens a new one."""


class AlreadyAcknowledged(NotNow):
    """Somebody has the case already."""


class StillBlocked(NotNow):
    """Events are still blocked by the case: replay them, or dismiss the case."""


class EventMoving(NotNow):
    """The event is queued or running: wait until it rests, then edit."""


class EventRunning(NotNow):
    """A worker holds the event right now: wait until its run ends."""


class JobNotPlanned(NotNow):
    """The job was started or cancelled before."""


class JobNotRunning(NotNow):
    """Only what runs can be paused."""


class JobNotPaused(NotNow):
    """Only what is paused can be resumed."""


class JobEnded(NotNow):
    """The job has ended; there is nothing left to cancel."""


class NotAwaiting(NotNow):
    """The write does not wait for anybody's approval."""


class ShownChanged(NotNow):
    """What would be written is not what was shown; `difference` says where."""

    def __init__(self, message: str, difference: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.difference = [dict(place) for place in difference]


class EditorMayNot(NotNow):
    """Whoever edited an action cannot approve it."""


class VotedAlready(NotNow):
    """One person, one vote."""


class ReasonMissing(NotLikeThat):
    """Who asks and why must be said, in plain text."""


class PersonUnknown(NotLikeThat):
    """The owners file names no such person."""


class SnoozeRefused(NotLikeThat):
    """A case sleeps until a moment ahead of us, and not for ever."""


class EventUnnamed(NotLikeThat):
    """The case blocks several events: name the one that is meant."""


class NameUnknown(NotLikeThat):
    """Nothing is called so; the message lists what there is."""


class FilterRefused(NotLikeThat):
    """The filter selects nothing that can be replayed, or too much."""


class AcceptRefused(NotLikeThat):
    """There is no newer content that could be taken."""


class EditRefused(NotLikeThat):
    """The corrected copy does not hold either; nothing was stored."""

    def __init__(self, message: str, violations: Sequence[Violation] = ()) -> None:
        self.violations = tuple(violations)
        super().__init__(message)


class ActionRefused(NotLikeThat):
    """The edited action would never be accepted by its destination, or is none; `problems` says why."""

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__(message)


#: Room for a sentence or two; longer stories belong in the ticket that the sentence names.
REASON_CHARACTERS_MAX = 2000
#: Names and addresses of people fit; nothing else should stand there.
WHO_CHARACTERS_MAX = 80


def signed(who: str, reason: str) -> tuple[str, str]:
    """Who and why, trimmed; one name is one person, however it was typed. Raises: ReasonMissing."""
    cleaned = " ".join(normalize("NFKC", who).split()), reason.strip()
    for name, text, most in (
        ("who", cleaned[0], WHO_CHARACTERS_MAX),
        ("reason", cleaned[1], REASON_CHARACTERS_MAX),
    ):
        if not text:
            raise ReasonMissing(f"{name} is empty: say who asks and why")
        if len(text) > most:
            raise ReasonMissing(f"{name} has {len(text)} characters; {most} are enough")
        # Postgres stores neither NUL nor half a surrogate pair.
        if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ReasonMissing(f"{name} holds characters that are not text")
    if not cleaned[0].isprintable():
        # What nobody sees would make a second person of the same name.
        raise ReasonMissing("who holds characters that cannot be seen")
    return cleaned
