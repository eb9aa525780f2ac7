"""The owners file: read, checked as a whole, and kept up to date while the process runs.

Apart from `roster`, because answering "whose is this?" must never touch a disk that can fail.
"""

import threading
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from pydantic import BaseModel, ValidationError

from counterfoil import clock
from counterfoil.settings import settings
from counterfoil.telemetry import log
from exceptions_queue import leaving, owners_rules
from exceptions_queue.durations import SHORTEST
from exceptions_queue.roster import ClassRule, Override, Person, Resolution, Role, Roster, Rung

__all__ = ["OwnersRefused", "Person", "Resolution", "Role", "Roster", "Rung", "called", "forget", "load", "roster"]

PACKAGED = Path(__file__).with_name("owners.toml")

_T = TypeVar("_T", bound=BaseModel)


class OwnersRefused(Exception):
    """The owners file breaks the promise that every failure has a living owner.

    `problems` lists all of them, each with the file and the key or line: they are shown among those of other files.
    """

    def __init__(self, file: Path, problems: list[str]) -> None:
        name = file.name if file == PACKAGED else str(file)
        self.problems = [f"{name}: {problem}" for problem in problems]
        super().__init__("; ".join(self.problems))


def load(file: Path | None = None) -> Roster:
    """Read and check an owners file. Raises: OwnersRefused, with every problem in words."""
    file = file or settings().owners_file or PACKAGED
    try:
        tree = tomllib.loads(file.read_text("utf-8"))
    except OSError as failure:
        raise OwnersRefused(file, [f"cannot be read: {failure.strerror}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise OwnersRefused(file, [f"is not TOML: {failure}"]) from None
    problems = list(_shape_problems(tree))
    if problems:
        # The rules are asked too, as far as there is something to ask about: one round of mending, not two.
        raise OwnersRefused(file, [*problems, *owners_rules.problems(_readable(tree), clock.now())])
    found = Roster.model_validate(tree)
    problems = owners_rules.problems(found, clock.now())
    if problems:
        raise OwnersRefused(file, problems)
    return found


def called(key: str) -> str:
    """Somebody by the name that people use; who is not of the roster, by the key alone."""
    person = roster().people.get(key)
    return person.name if person else key


def _shape_problems(tree: dict[str, Any]) -> Iterator[str]:
    try:
        Roster.model_validate(tree)
    except ValidationError as failure:
        for error in failure.errors(include_url=False, include_context=False, include_input=False):
            message = error["msg"].removeprefix("Value error, ")
            yield f"{_key(error['loc'])}: {_WORDS.get(error['type'], message)}"


_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "is not a member of this table: a typing mistake?",
    "string_pattern_mismatch": "is not an e-mail address",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}


def _key(place: tuple[int | str, ...]) -> str:
    """`roles.revops.escalation[0].after`, as the reader would look for it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".") or "(the file)"


def _readable(tree: dict[str, Any]) -> Roster:
    """The parts of a broken file that have the right shape; a broken entry keeps its name, and nothing else."""
    people = _entries(tree, "people", Person, {"name": "?", "contact": "?", "channels": (), "away": ()})
    somebody = next(iter(people), "?")
    empty = {"owner": somebody, "deputies": (), "respond_within": SHORTEST, "escalation": ()}
    overrides = tree.get("overrides", [])
    entries = dict(enumerate(overrides)) if isinstance(overrides, list) else {}
    fallback = tree.get("fallback")
    return Roster.model_construct(
        fallback=fallback if isinstance(fallback, str) else "log://",
        people=people,
        roles=_entries(tree, "roles", Role, empty),
        classes=_entries(tree, "classes", ClassRule, None),
        overrides=tuple(_entries({"overrides": entries}, "overrides", Override, None).values()),
    )


def _entries(tree: dict[str, Any], table: str, model: type[_T], empty: dict[str, Any] | None) -> dict[str, _T]:
    """The entries of one table; those of the wrong shape as `empty`, or not at all."""
    found: dict[str, _T] = {}
    entries = tree.get(table, {})
    for key, entry in entries.items() if isinstance(entries, dict) else ():
        try:
            found[key] = model.model_validate(entry)
        except ValidationError:
            if empty is not None:
                found[key] = model.model_construct(**empty)
    return found


#: A change that only open cases stand against is looked at again: they may have been given away.
AGAIN_SECONDS = 5.0


class _Kept:
    """The roster in force and the state of the file that it came from."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.file: Path | None = None
        self.mark: tuple[int, int] | None = None
        self.roster: Roster | None = None
        #: When a change that was refused for its time is looked at again; None: it was refused for good.
        self.again_at: float | None = None


_kept = _Kept()


def roster() -> Roster:
    """The roster in force: read again when the file changes, unless the change is refused.

    Raises: OwnersRefused, only when there is no roster yet.
    """
    file = settings().owners_file or PACKAGED
    with _kept.lock:
        mark = _mark(file)
        if _kept.roster is not None and _kept.file == file and _kept.mark == mark and not _is_again():
            return _kept.roster
        is_new, _kept.again_at = _kept.mark != mark, None
        try:
            found = load(file)
            if _kept.roster is not None and _kept.file == file:
                _check_leaving(_kept.roster, found, file)
            _kept.roster, _kept.file = found, file
        except OwnersRefused as refused:
            if _kept.roster is None or _kept.file != file:
                raise
            # A bad edit must not take away the owners of what is open; it is said once per edit.
            if is_new:
                log.error("owners.refused", problems=refused.problems)
        _kept.mark = mark
        return _kept.roster


def _is_again() -> bool:
    return _kept.again_at is not None and clock.ticks_seconds() >= _kept.again_at


def _check_leaving(before: Roster, found: Roster, file: Path) -> None:
    """Raises: OwnersRefused, when somebody would leave with open cases, or nobody can say whether they would."""
    if before.people.keys() <= found.people.keys():
        return
    try:
        problems = leaving.problems(found)
    except psycopg.Error as away:
        problems = [f"somebody would leave, and the database cannot be asked what they hold ({type(away).__name__})"]
    if problems:
        _kept.again_at = clock.ticks_seconds() + AGAIN_SECONDS
        raise OwnersRefused(file, problems)


def name_of_file() -> str:
    """What the owners file is called, for people who are to change it."""
    file = settings().owners_file
    return PACKAGED.name if file is None else file.name


def forget() -> None:
    """Drop the roster in force; for tests that switch files."""
    with _kept.lock:
        _kept.roster, _kept.file, _kept.mark, _kept.again_at = None, None, None, None


def _mark(file: Path) -> tuple[int, int] | None:
    """What tells one state of the file from the next."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
