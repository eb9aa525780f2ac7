"""What holds for every operation of every destination behind a network, whatever happens on the way there."""

import itertools
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from effects import Example, examples, places
from sides import WAITS, Lying, Side, settle, side_of

from destinations import find
from destinations import http as wire
from destinations.base import Effect, EffectInvalid
from destinations.references import receipt_of
from destinations.remote import Attempt, NoInverse, Remote
from sandbox.standin.clock import MovableClock
from sandbox.standin.faults import KINDS, Fault

REMOTE = {name: destination for name, destination in find().items() if isinstance(destination, Remote)}
OPERATIONS = [(name, operation) for name, each in sorted(REMOTE.items()) for operation in each.operations]
EVERY = [pytest.param(name, operation, id=f"{name}-{operation}") for name, operation in OPERATIONS]
#: Schedules per operation; the engine's own tests play ten thousand.
SEEDS = range(30)
#: Kinds of faults that a seed deals: all that a network and a busy provider do.
DEALT = tuple(sorted(KINDS.keys() - {"status_kept"}))
#: Answers of a provider that did nothing.
STATUSES = (400, 401, 402, 403, 404, 409, 424, 429, 500, 502, 503, 504)

every_operation = pytest.mark.parametrize(("name", "operation"), EVERY)


@contextmanager
def tried(name: str, operation: str, *, read_only: bool = False) -> Iterator[tuple[Side, Effect, Example]]:
    """A fresh side, and the example's effect on it; at the end no sentence said what it must not."""
    example = examples()[name, operation]
    with side_of(REMOTE[name], places()[name], read_only=read_only) as side:
        yield side, example.effect(side), example
        said = "\n".join(side.details)
        for private in (*side.place.secrets, *example.private):
            assert private not in said


def _sizes(side: Side) -> Any:
    """How many of everything there are."""
    return {noun: len(rows) for noun, rows in side.plain().items()}


def _requests_of(name: str, operation: str) -> int:
    """How many requests one undisturbed attempt makes."""
    with tried(name, operation) as (side, effect, _):
        image = side.look(effect)
        before = len(side.exchange.journal)
        assert side.send(effect, image).meaning == "done"
        return len(side.exchange.journal) - before


def _undisturbed(name: str, operation: str) -> Any:
    with tried(name, operation) as (side, effect, _):
        assert side.send(effect, side.look(effect)).meaning == "done"
        return _sizes(side)


def test_every_operation_has_an_example() -> None:
    """An operation that nobody tries is one that nobody may use."""
    assert examples().keys() == set(OPERATIONS)
    assert places().keys() == REMOTE.keys()


@every_operation
def test_it_says_how_it_is_safe(name: str, operation: str) -> None:
    """How, in which words, for how long, and whether it can be taken back."""
    promised = REMOTE[name].operations[operation]
    assert promised.name == operation
    assert re.fullmatch(r"[A-Z][a-z][^.]+", promised.title)
    assert promised.safety in {"native_key", "natural_key", "probe"}
    assert (promised.safety == "native_key") == (promised.key_lifetime_seconds is not None)


@every_operation
def test_a_good_effect_is_accepted_and_spoilt_ones_are_not(name: str, operation: str) -> None:
    """Every needed member missing, an unknown one, what the example names, a key with an address: refused in words."""
    with tried(name, operation) as (side, effect, example):
        check = side.destination.check
        check(effect)
        needed = 0
        for member in effect.body:
            try:
                check(replace(effect, body={each: effect.body[each] for each in effect.body if each != member}))
            except EffectInvalid:
                needed += 1
        assert needed
        bodies = [{**effect.body, **spoilt} for spoilt in ({"nobody_knows_this": 1}, *example.spoilt)]
        for spoilt in (
            *(replace(effect, body=body) for body in bodies),
            replace(effect, key="to:ada@customer.example"),
        ):
            with pytest.raises(EffectInvalid) as invalid:
                check(spoilt)
            assert all(invalid.value.problems)
        if effect.amount is not None:
            with pytest.raises(EffectInvalid):
                check(replace(effect, amount=replace(effect.amount, amount_minor=effect.amount.amount_minor + 1)))
        assert side.wrote() == [] or side.exchange.journal == []


@every_operation
def test_it_is_told_in_sentences(name: str, operation: str) -> None:
    """What it will do, one line per change, as a person would say it; what does not exist yet is named too."""
    with tried(name, operation) as (side, effect, example):
        lines = side.destination.render(effect)
        if example.takes_receipt:
            later = replace(effect, body={**effect.body, example.takes_receipt: receipt_of("another:key")})
            side.destination.check(later)
            told = side.destination.render(later)
            assert "created before" in "\n".join(told)
            assert side.destination.target(later) is None
            lines = [*lines, *told]
        assert lines
        for line in lines:
            assert line.isprintable()
            assert line.endswith(".")
            assert not re.search(r"[{}$]|None|_minor", line)


@every_operation
def test_twice_under_one_key_is_once(name: str, operation: str) -> None:
    """The second attempt says that it stands already, or does the same again to no effect; nothing is to be mended."""
    with tried(name, operation) as (side, effect, example):
        image = side.look(effect)
        assert example.count(side, effect) == 0
        first = side.send(effect, image)
        assert (first.meaning, example.count(side, effect)) == ("done", 1)
        assert side.read_back(effect, first) == []
        stood = side.plain()
        second = side.send(effect, image)
        assert second.meaning in ("done", "already")
        assert second.reference == first.reference
        assert (example.count(side, effect), side.plain()) == (1, stood)


@every_operation
def test_a_plan_made_again_goes_out_under_its_own_key(name: str, operation: str) -> None:
    """After a refusal a new plan has a new key: what was written is read back, found and taken back by that one."""
    with tried(name, operation) as (side, effect, _):
        image, again = side.look(effect), f"{effect.key}~1"
        sent = side.destination.send(side.client, effect, again, image)
        assert sent.meaning == "done"
        assert side.read_back(effect, sent) == []
        side.clock.advance(WAITS["soon"])
        finding = side.destination.probe(side.client, effect, Attempt(again, side.now(), side.now(), side.now(), image))
        assert (finding.outcome, finding.reference) == ("happened", sent.reference)
        if side.destination.operations[operation].undone_by is not None:
            inverses = [side.destination.inverse(effect, receipt, image) for receipt in (sent.receipt, finding.receipt)]
            assert inverses[0] == inverses[1]
            stands = side.destination.look(side.reader, inverses[0])
            assert side.destination.changed_since(effect, finding.receipt, stands) == []


@every_operation
@pytest.mark.parametrize("waited", WAITS)
def test_any_fault_at_any_request_ends_in_one_effect(name: str, operation: str, waited: str) -> None:
    """Whatever befalls any request of it, and whenever one looks: what is found is true, and what follows is once."""
    sizes = _undisturbed(name, operation)
    late = examples()[name, operation].late_seconds
    kinds = [*KINDS, *places()[name].make(MovableClock(), random.Random(0)).own_faults]
    for kind, skip in itertools.product(kinds, range(_requests_of(name, operation))):
        fault = Fault(kind, skip=skip, seconds=late or 0.0) if kind == "late" else Fault(kind, skip=skip)
        with tried(name, operation) as (side, effect, example):
            image = side.look(effect)
            side.exchange.faults.add(fault)
            course = settle(side, effect, image, itertools.repeat(WAITS[waited]), lambda: example.count(side, effect))
            side.clock.advance(300)
            wrong = (kind, skip, course)
            assert example.count(side, effect) == 1, wrong
            assert _sizes(side) == sizes, wrong
            assert {entry.key for entry in side.exchange.journal} <= _keys(effect), wrong


@every_operation
def test_what_was_refused_did_not_happen(name: str, operation: str) -> None:
    """An error without effect at any request, whatever its number: once in the end, or refused and nothing left."""
    sizes = _undisturbed(name, operation)
    for status, skip in itertools.product(STATUSES, range(_requests_of(name, operation))):
        with tried(name, operation) as (side, effect, example):
            image, before = side.look(effect), side.plain()
            side.exchange.faults.add(Fault("status", skip=skip, status=status))
            course = settle(side, effect, image, itertools.repeat(WAITS["soon"]), lambda: example.count(side, effect))
            assert course.sent is not None
            if course.sent.meaning == "refused":
                assert 400 <= status < 500, (status, skip)
                assert side.plain() == before, (status, skip)
            else:
                assert (example.count(side, effect), _sizes(side)) == (1, sizes), (status, skip)


@every_operation
def test_any_schedule_of_faults_ends_in_one_effect(name: str, operation: str) -> None:
    """A third of all requests fail, probes and looks included, and the waits are anything; the seed repeats it."""
    sizes = _undisturbed(name, operation)
    for seed in SEEDS:
        chance = random.Random(f"{name} {operation} {seed}")
        with tried(name, operation) as (side, effect, example):
            image = side.look(effect)
            side.exchange.faults.seed(0.33, DEALT)
            waits = _any_wait(chance)
            course = settle(side, effect, image, waits, lambda: example.count(side, effect))
            side.exchange.faults.clear()
            side.clock.advance(300)
            if course.sent is not None and course.sent.meaning == "refused":
                raise AssertionError(f"seed {seed}: {course.sent}")
            assert (example.count(side, effect), _sizes(side)) == (1, sizes), f"seed {seed}"


@every_operation
def test_a_lie_is_found_out(name: str, operation: str) -> None:
    """It was answered as done and nothing was done: reading back says so."""
    with tried(name, operation) as (side, effect, example):
        image = side.look(effect)
        with side_of(side.destination, side.place) as twin:
            example.effect(twin)
            lying = Lying(side.exchange, twin.exchange, side.place.is_read)
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(wire.IN_PROCESS, side.place.base, lying)
                for setting, value in side.place.settings.items():
                    patch.setenv(setting, value)
                sent = side.send(effect, image, side.destination.connect(write=True))
        assert sent.meaning in ("done", "unknown", "retry")
        assert example.count(side, effect) == 0
        if sent.meaning == "done":
            assert side.read_back(effect, sent)


@every_operation
def test_it_is_taken_back_or_says_why_not(name: str, operation: str) -> None:
    """After the inverse everything stands as before; what has none says so before anybody asks."""
    with tried(name, operation) as (side, effect, example):
        image, before = side.look(effect), side.plain()
        sent = side.send(effect, image)
        if side.destination.operations[operation].undone_by is None:
            with pytest.raises(NoInverse, match=r"\w"):
                side.destination.inverse(effect, sent.receipt, image)
            return
        inverse = side.destination.inverse(effect, sent.receipt, image)
        side.destination.check(inverse)
        assert side.destination.render(inverse)
        stands = side.destination.look(side.reader, inverse)
        assert side.destination.changed_since(effect, sent.receipt, stands) == []
        taken_back = side.send(inverse, stands)
        assert taken_back.meaning == "done", taken_back
        assert side.read_back(inverse, taken_back) == []
        assert side.plain() == before
        assert example.count(side, effect) == 0


@every_operation
def test_an_edit_by_hand_is_noticed(name: str, operation: str) -> None:
    """Before taking it back one is told what somebody changed since; taking it back would undo that too."""
    with tried(name, operation) as (side, effect, example):
        image = side.look(effect)
        sent = side.send(effect, image)
        if side.destination.operations[operation].undone_by is None:
            return
        assert example.edit_after is not None, "say how somebody changes it by hand"
        inverse = side.destination.inverse(effect, sent.receipt, image)
        example.edit_after(side, effect, str(sent.reference))
        changed = side.destination.changed_since(effect, sent.receipt, side.destination.look(side.reader, inverse))
        assert changed
        side.details += changed


@every_operation
def test_a_look_tells_one_state_from_another(name: str, operation: str) -> None:
    """The version is the same as long as nothing changes, and another one when somebody changes the record."""
    with tried(name, operation) as (side, effect, example):
        if not side.destination.operations[operation].looks:
            assert side.destination.target(effect) is None or side.destination.look(side.reader, effect)
            return
        assert example.edit_before is not None, "say how somebody changes the record by hand"
        first, second = (side.destination.look(side.reader, effect) for _ in range(2))
        assert first == second
        assert first.version
        example.edit_before(side, effect)
        assert side.destination.look(side.reader, effect).version != first.version


@every_operation
def test_whoever_only_reads_cannot_write(name: str, operation: str) -> None:
    """Twice: a guard below HTTP lets no write of the reading client through, and the credential may not either."""
    with tried(name, operation) as (side, effect, example):
        image = side.look(effect)
        sent = side.send(effect, image, side.reader)
        assert sent.meaning == "refused"
        journal = [(entry.method, entry.path) for entry in side.exchange.journal]
        assert all(side.place.is_read(*each) for each in journal)
    with tried(name, operation, read_only=True) as (side, effect, example):
        sent = side.send(effect, side.look(effect))
        assert (sent.meaning, sent.down) == ("retry", True)
        assert any(setting in sent.detail for setting in side.place.settings)
        assert example.count(side, effect) == 0


@pytest.mark.parametrize("name", sorted(REMOTE))
def test_without_a_credential_it_says_which(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not configured is no riddle."""
    for setting in places()[name].settings:
        monkeypatch.delenv(setting, raising=False)
    for write in (True, False):
        with pytest.raises(wire.NotConfigured) as missing:
            REMOTE[name].connect(write=write)
        assert any(setting in str(missing.value) for setting in places()[name].settings)


@pytest.mark.parametrize("name", sorted(REMOTE))
def test_a_ping_is_a_read_that_tells_whether_it_answers(name: str) -> None:
    """Half open, the breaker tries a read; nothing is raised."""
    with side_of(REMOTE[name], places()[name]) as side:
        assert side.destination.ping(side.reader)
        side.exchange.faults.down()
        assert not side.destination.ping(side.reader)
        side.exchange.faults.down(False)
        for kind in ("hang_before", "garbled", "status", "truncated"):
            side.exchange.faults.add(Fault(kind))
            assert not side.destination.ping(side.reader), kind
        assert side.destination.ping(side.reader)


def _any_wait(chance: random.Random) -> Iterator[float]:
    while True:
        yield chance.choice(list(WAITS.values()))


def _keys(effect: Effect) -> set[str | None]:
    """Every key that may go out for it: its own, and those made of it."""
    return {None, effect.key, f"{effect.key}/lines"}
