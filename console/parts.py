"""The parts of which processes are made, and what keeps a configuration from starting.

The only place that knows every floor. Imports happen inside, so that the door's process stays as small as the door.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from counterfoil import credentials, failpoints
from counterfoil.settings import Settings, secret, settings

if TYPE_CHECKING:
    from ingest.app import Door

#: A door that nobody can deliver to looks healthy and accepts nothing.
NO_SOURCE: Final = (
    "no source has a secret, so nothing can be delivered: set STRIPE_WEBHOOK_SECRET, HUBSPOT_CLIENT_SECRET or another "
    "provider's, or name a file in COUNTERFOIL_SOURCES"
)


class NotStarted(Exception):
    """The configuration does not allow a start; every problem is listed."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("cannot start:\n" + "\n".join(f"  - {problem}" for problem in problems))


def checked(*parts: Callable[[], Any]) -> list[Any]:
    """What these parts give. Raises: NotStarted with the problems of all of them, people want to see them at once."""
    found: list[Any] = []
    problems: list[str] = []
    for part in parts:
        try:
            found.append(part())
        except Exception as failure:
            problems += getattr(failure, "problems", None) or [str(failure) or type(failure).__name__]
    if problems:
        raise NotStarted(list(dict.fromkeys(problems)))
    return found


def checked_door() -> "Door":
    """The door. Owners are checked here too: without them nobody would hear of a failure. Raises: NotStarted."""
    made: Door = checked(arm, placed, keys, owners, door)[-1]
    return made


def checked_worker(config: Settings) -> Any:
    """The worker. Raises: NotStarted."""
    return checked(arm, placed, keys, owners, policy, lambda: worker(config))[-1]


def checked_all(config: Settings, *, with_console: bool) -> list[Any]:
    """The door, with the console beside it if wanted, and the worker. Raises: NotStarted."""
    return checked(
        arm,
        placed,
        keys,
        owners,
        policy,
        lambda: door(_console() if with_console else None),
        lambda: worker(config),
    )[-2:]


def arm() -> None:
    """Arm the failpoint, for tests."""
    failpoints.arm(settings().failpoint, settings().environment)


def placed() -> None:
    """In production the truth has a place of its own: a server on this machine's disk goes when the machine goes."""
    if settings().is_production and settings().database_url is None:
        why = "production does not run on the embedded Postgres (COUNTERFOIL_ENV=development does)"
        raise NotStarted([f"DATABASE_URL is not set; {why}"])


def keys() -> None:
    """The providers' API keys are keys: a wrong one would fail at the first write, at night."""
    if wrong := credentials.problems(secret):
        raise NotStarted(wrong)


def owners() -> Any:
    """The roster in force."""
    from exceptions_queue import owners

    return owners.roster()


def policy() -> Any:
    """Which writes need people; a file that cannot be followed must not mean that none does."""
    import destinations
    from exceptions_queue import policy

    found = policy.policy()
    # A misspelt name would match nothing, and what it was written for would go out unasked.
    known = destinations.find()
    named = {name for rule in found.rule for name in rule.destination or ()}
    named |= {name for cap in found.cap for name in cap.destination or ()}
    if unknown := sorted(named - known.keys()):
        what = f"names {', '.join(unknown)}, and the destinations are {', '.join(sorted(known))}"
        raise NotStarted([f"the policy {what}"])
    return found


def handlers() -> Any:
    """The workflows of the configured package."""
    from engine import registry

    return registry.find(settings().handlers_package)


def worker(config: Settings) -> Any:
    """A worker over the workflows and all destinations."""
    import destinations
    from engine.pipeline import Pipeline
    from engine.worker import Worker

    return Worker(Pipeline(handlers(), destinations.find(), crashes_max=config.crashes_max), config)


def door(beside: Any = None) -> "Door":
    """The door; in production only one that somebody can deliver to."""
    from ingest.app import door

    made = door(beside=beside)
    if not made.endpoints and settings().is_production:
        raise NotStarted([NO_SOURCE])
    return made


def _console() -> Any:
    from console.app import beside_the_door

    return beside_the_door()
