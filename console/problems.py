"""Everything that can be refused, as RFC 9457 problems; the one place where a failure gets its HTTP status.

    Problem
    ├── NotAsked       400  the request cannot be understood
    ├── NotKnown       401  no credential, or a wrong one
    ├── NotAllowed     403  the credential does not carry the right
    │   └── ProofNeeded     …   not without having shown a moment ago who one is
    ├── NotFound       404
    ├── WrongMethod    405
    ├── Conflict       409  the state of the thing forbids it
    ├── TooLarge       413
    ├── WrongType      415
    ├── NotAcceptable  422  understood, and refused by a rule
    │   └── SignInRefused   …   name, password, link or identity provider
    ├── TooMany        429  too many attempts
    ├── Bug            500  our fault
    └── Unavailable    503  a dependency is away; try again

The commands print the same sentences.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from console.fields import Shown

Valid = TypeVar("Valid")


class Fault(Shown):
    """One field at fault."""

    field: str
    detail: str
    rule: str | None = None
    advice: str | None = None


class ProblemDetails(Shown):
    """What went wrong, in words; `errors` names every field at fault (RFC 9457).

    `difference`: of an approval, what was shown beside what would be written now, place by place.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None
    difference: list[dict[str, Any]] | None = None


class Problem(Exception):
    """A refusal that a person can read. Whoever extends it names the status, the type and the title."""

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]

    def __init__(
        self,
        detail: str,
        errors: Sequence[Fault] = (),
        *,
        headers: dict[str, str] | None = None,
        difference: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers or {}
        self.difference = difference

    def shown(self) -> ProblemDetails:
        """The problem as it is answered."""
        return ProblemDetails(
            type=f"urn:counterfoil:problem:{self.slug}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            errors=self.errors or None,
            difference=self.difference,
        )


class NotAsked(Problem):
    status, slug, title = 400, "bad-request", "The request cannot be understood"


class NotKnown(Problem):
    status, slug, title = 401, "unauthenticated", "No valid credential"


class NotAllowed(Problem):
    status, slug, title = 403, "forbidden", "Not allowed"


class ProofNeeded(NotAllowed):
    slug, title = "proof-needed", "Show once more who you are"


class NotFound(Problem):
    status, slug, title = 404, "not-found", "Not found"


class WrongMethod(Problem):
    status, slug, title = 405, "method-not-allowed", "Method not allowed"


class Conflict(Problem):
    status, slug, title = 409, "conflict", "Not in this state"


class TooLarge(Problem):
    status, slug, title = 413, "too-large", "Too large"


class WrongType(Problem):
    status, slug, title = 415, "unsupported-media-type", "Not JSON"


class NotAcceptable(Problem):
    status, slug, title = 422, "unprocessable", "Refused"


class SignInRefused(NotAcceptable):
    slug, title = "sign-in-refused", "Not signed in"


class TooMany(Problem):
    status, slug, title = 429, "too-many", "Too many attempts"


class Bug(Problem):
    status, slug, title = 500, "bug", "Our fault"


class Unavailable(Problem):
    status, slug, title = 503, "unavailable", "Temporarily unavailable"


def faults(failure: ValidationError) -> list[Fault]:
    """What a validation found, field by field, without the values (they may be private)."""
    return [
        Fault(field=".".join(str(part) for part in error["loc"]) or "(all)", detail=_sentence(error["msg"]))
        for error in failure.errors(include_url=False, include_context=False, include_input=False)
    ]


def checked(what: str, validate: Callable[[], Valid]) -> Valid:
    """What `validate` gives; `what` is wrong where it refuses. Raises: NotAsked, field by field."""
    try:
        return validate()
    except ValidationError as failure:
        found = faults(failure)
        named = ", ".join(dict.fromkeys(fault.field for fault in found))
        raise NotAsked(f"{what}: {named}", found) from None


def _sentence(message: str) -> str:
    return message.removeprefix("Value error, ")


@contextmanager
def told() -> Iterator[None]:
    """Turn what the floors below raise into problems; anything unknown stays what it is: our fault."""
    from psycopg import errors
    from psycopg_pool import PoolTimeout
    from sqlalchemy import exc

    from exceptions_queue import refusals

    try:
        yield
    except refusals.NotThere as refused:
        raise NotFound(str(refused)) from None
    except refusals.NotNow as refused:
        raise Conflict(str(refused), difference=getattr(refused, "difference", None)) from None
    except refusals.NotLikeThat as refused:
        raise NotAcceptable(str(refused), _violations(refused)) from None
    except (errors.OperationalError, PoolTimeout, exc.OperationalError, exc.TimeoutError):
        raise _away() from None
    except (errors.DataError, exc.DataError):
        # The models should have caught it; whatever Postgres cannot store is the asker's to mend all the same.
        raise NotAsked("a value cannot be stored or compared: check numbers, times and text") from None


def _violations(refused: Exception) -> list[Fault]:
    """The violated rules behind a refusal, where it has some."""
    return [Fault(field="body", detail=problem) for problem in getattr(refused, "problems", ())] + [
        Fault(
            field=violation.field,
            detail=f"found {violation.value}, allowed {violation.bound}",
            rule=violation.rule,
            advice=violation.advice,
        )
        for violation in getattr(refused, "violations", ())
    ]


def _away() -> Unavailable:
    return Unavailable("the database cannot answer now; try again", headers={"Retry-After": "2"})
