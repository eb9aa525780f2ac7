"""Fixes: rules that fill in what payloads of one kind lack, before their contract judges them.

A fix is data: under these conditions, these places hold this text. It fills in what is missing, or replaces a text that
its conditions name. What it may not touch - identity, references, money, any number - it cannot even name
(`fix_paths.protected`), and the payload as it was received never changes: a copy goes on. Fixes are judged side by side
on what was received, never on each other's work, so their order does not matter; two that would write different things
to one place write neither.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple

from contracts import exact
from contracts.fix_paths import (
    Bound,
    Steps,
    begins,
    elements,
    follow_same_lists,
    is_open,
    lists_of,
    look,
    placed,
    protected,
    put,
    steps_of,
)

#: A rule that needs more is two rules.
CONDITIONS_MAX: Final = 5
SETTINGS_MAX: Final = 5
TYPES_MAX: Final = 10
TEXT_MAX: Final = 200
#: Whole numbers beyond this are no longer the same everywhere that JSON is read.
WHOLE_MAX: Final = 2**53
#: A condition on one of these alone narrows nothing: every event of the type has the same.
NOT_NARROW: Final = frozenset({"object", "type", "livemode", "api_version", "currency"})

#: What a condition compares with; None: missing, or null.
Wanted = str | int | bool | None


class FixInvalid(ValueError):
    """A fix that could do harm, or nothing; with every reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))


@dataclass(frozen=True)
class Fix:
    """One rule. Made by `parse`; `id` names it where it was applied."""

    source: str
    types: frozenset[str]
    when: Mapping[str, Wanted]
    set: Mapping[str, str]
    id: str = ""

    @cached_property
    def steps(self) -> Mapping[str, Steps]:
        """Its paths, step by step."""
        found = {path: steps_of(path) for path in (*self.when, *self.set)}
        return {path: steps for path, steps in found.items() if steps is not None}

    @cached_property
    def lists(self) -> Steps:
        """The way to the innermost list that it follows."""
        return max((lists_of(steps) for steps in self.steps.values()), key=len)

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Words without which it cannot match."""
        return tuple(value for value in self.when.values() if isinstance(value, str))

    def covers(self, source: str, type: str) -> bool:
        """Whether it is about events of this source and type."""
        return source == self.source and type in self.types

    def content(self) -> dict[str, Any]:
        """What it says, as JSON; what its digest is of."""
        return {"source": self.source, "types": sorted(self.types), "when": dict(self.when), "set": dict(self.set)}


class Applied(NamedTuple):
    """What one fix filled in: place by place."""

    fix_id: str
    set: dict[str, str]


class Mended(NamedTuple):
    """A payload after the fixes; the same text when none had anything to do."""

    body: str
    applied: tuple[Applied, ...] = ()
    #: Fixes that contradict each other; none of them was applied.
    disagreeing: tuple[str, ...] = ()


def parse(
    provider: str,
    source: str,
    types: Sequence[str],
    when: Mapping[str, Any],
    set: Mapping[str, Any],
    *,
    id: str = "",
) -> Fix:
    """A fix that can do no harm by its form. Raises: FixInvalid, with every reason."""
    fix = Fix(source, frozenset(types), dict(when), dict(set), id)
    wrong = [*_out_of_size(fix), *_not_paths(fix)]
    if not wrong:
        wrong = [*_wrong_conditions(fix), *_wrong_settings(provider, fix), *_wrong_together(fix)]
    if wrong:
        raise FixInvalid(wrong)
    return fix


def _out_of_size(fix: Fix) -> list[str]:
    return [
        f"{name}: 1 to {most}, not {count}"
        for name, count, most in (
            ("types", len(fix.types), TYPES_MAX),
            ("when", len(fix.when), CONDITIONS_MAX),
            ("set", len(fix.set), SETTINGS_MAX),
        )
        if not 1 <= count <= most
    ]


def _not_paths(fix: Fix) -> list[str]:
    return [
        f"{path[:80]!r} is not written like data.object.lines.data[].price.product"
        for path in (*fix.when, *fix.set)
        if steps_of(path) is None
    ]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= TEXT_MAX and value.isprintable() and bool(value.strip())


def _wrong_conditions(fix: Fix) -> list[str]:
    wrong = [
        f"when {path}: text of 1 to {TEXT_MAX} characters, a whole number, true, false or null (missing)"
        for path, value in fix.when.items()
        if not (value is None or (isinstance(value, int) and abs(value) < WHOLE_MAX) or _is_text(value))
    ]
    if not any(value is not None and path.rsplit(".", 1)[-1] not in NOT_NARROW for path, value in fix.when.items()):
        wrong.append("when: name at least one thing that these events have and others have not, by its value")
    return wrong


def _wrong_settings(provider: str, fix: Fix) -> list[str]:
    wrong = []
    for path, value in fix.set.items():
        if not _is_text(value):
            wrong.append(f"set {path}: text of 1 to {TEXT_MAX} characters; a rule fills in no numbers")
        if why := protected(provider, fix.steps[path]):
            wrong.append(f"set {path}: {why}")
        if path not in fix.when:
            wrong.append(f"set {path}: say under `when` what stands there before: null (missing), or the text")
        elif fix.when[path] == value:
            wrong.append(f"set {path}: it has this value already when the rule applies")
    return wrong


def _wrong_together(fix: Fix) -> list[str]:
    wrong = []
    if not follow_same_lists(list(fix.steps.values())):
        wrong.append("the paths follow different lists; [] has to mean the same element everywhere")
    ordered = sorted(fix.set)
    wrong += [
        f"set {other}: {path} is text already"
        for path in ordered
        for other in ordered
        if path != other and begins(fix.steps[path], fix.steps[other]) and len(path) < len(other)
    ]
    return wrong


def matches(fix: Fix, body: str) -> bool:
    """Whether the fix would fill in something here."""
    return bool(apply(body, (fix,)).applied)


def apply(body: str, fixes: Sequence[Fix]) -> Mended:
    """A copy with what the fixes fill in. What cannot be read stays as it is: its contract says so."""
    # Without an escape every text stands in the document as it is, so most payloads need not be parsed.
    possible = [fix for fix in fixes if "\\" in body or all(text in body for text in fix.texts)]
    if not possible:
        return Mended(body)
    try:
        document = exact.read(body)
        wanted = _wanted(document, possible)
        disagreeing = _disagreeing(wanted)
        applied = _put(document, wanted, disagreeing)
        return Mended(exact.written(document) if applied else body, applied, tuple(sorted(disagreeing)))
    except (ValueError, RecursionError):
        return Mended(body)


Place = tuple[str | int, ...]


def _wanted(document: Any, fixes: Sequence[Fix]) -> dict[Place, dict[str, list[str]]]:
    """Place by place: which text is wanted there, by which fixes; all judged on the document as it was received."""
    found: dict[Place, dict[str, list[str]]] = {}
    for fix in fixes:
        for bound in elements(document, fix.lists):
            if not _holds(document, fix, bound):
                continue
            for path, value in fix.set.items():
                place = placed(fix.steps[path], bound)
                if look(document, place)[0] != value:
                    found.setdefault(place, {}).setdefault(value, []).append(fix.id)
    return found


def _holds(document: Any, fix: Fix, bound: Bound) -> bool:
    """Whether every condition does, for this element, and every place can be written: all of a fix, or nothing."""
    for path, wanted in fix.when.items():
        found, open_ = look(document, placed(fix.steps[path], bound))
        if not open_ or not _is(found, wanted):
            return False
    return all(is_open(document, placed(fix.steps[path], bound)) for path in fix.set)


def _is(found: Any, wanted: Wanted) -> bool:
    if wanted is None or isinstance(wanted, bool):
        return found is wanted
    return type(found) is (str if isinstance(wanted, str) else exact.Number) and found == str(wanted)


def _disagreeing(wanted: Mapping[Place, Mapping[str, list[str]]]) -> set[str]:
    """Fixes that want different texts at one place, or text where another one needs an object."""
    found: set[str] = set()
    for place, texts in wanted.items():
        inside = [other for other in wanted if len(other) > len(place) and other[: len(place)] == place]
        if len(texts) > 1 or inside:
            for there in (place, *inside):
                found |= {fix for fixes in wanted[there].values() for fix in fixes}
    return found


def _put(document: Any, wanted: Mapping[Place, Mapping[str, list[str]]], without: set[str]) -> tuple[Applied, ...]:
    done: dict[str, dict[str, str]] = {}
    for place, texts in wanted.items():
        for text, fixes in texts.items():
            agreed = [fix for fix in fixes if fix not in without]
            if agreed and put(document, place, text):
                for fix in agreed:
                    done.setdefault(fix, {})[".".join(map(str, place))] = text
    return tuple(Applied(fix, places) for fix, places in sorted(done.items()))


def disagreement(one: Fix, other: Fix) -> str | None:
    """Why the two cannot both be in force, in words; None when they can.

    Not when they could write different things to one place, nor when one waits for what the other one writes.
    """
    if one.source != other.source or not one.types & other.types:
        return None
    for path, text in one.set.items():
        for theirs, their_text in other.set.items():
            if begins(one.steps[path], other.steps[theirs]) and (path != theirs or text != their_text):
                if _never_meet(one, other, one.steps[path]):
                    continue
                return f"both write {path}"
    for first, second in ((one, other), (other, one)):
        for path, text in first.set.items():
            if second.when.get(path) == text and not _never_meet(first, second, first.steps[path], but=first.set):
                return f"one waits for what the other one writes to {path}"
    return None


def _never_meet(one: Fix, other: Fix, place: Steps, but: Collection[str] = ()) -> bool:
    """Whether no element can meet the conditions of both: they want different values of one thing that it has.

    What belongs to an element of a list says so only about what is written to that element. `but`: what changes.
    """
    both = (path for path in one.when if path in other.when and path not in but)
    differ = [lists_of(one.steps[path]) for path in both if one.when[path] != other.when[path]]
    reached = lists_of(place)
    return any(reached[: len(lists)] == lists for lists in differ)
