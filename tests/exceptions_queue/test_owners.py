"""The owners file: every mistake is named, nobody absent owns anything, and a bad edit takes no owner away."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil import clock
from exceptions_queue import durations, owners
from exceptions_queue.failures import CATALOGUE

PACKAGED = owners.PACKAGED.read_text()


def problems_of(use_owners: Callable[..., Path], text: str) -> list[str]:
    """What the check says about this file, without its name."""
    file = use_owners(text)
    with pytest.raises(owners.OwnersRefused) as refused:
        owners.load(file)
    return [problem.removeprefix(f"{file}: ") for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "cannot be read: No such file or directory"),
        ("fallback = \n", "is not TOML: .*line 1"),
        ('fallback = "log://"\n[people.a]\nname = 7', "people.a.name: "),
        (PACKAGED.replace('owner = "rhea"', 'owner = "ghost"'), "roles.revops.owner: there is no person 'ghost'"),
    ],
)
def test_each_problem_names_the_file_and_the_place_in_it(
    use_owners: Callable[..., Path], text: str | None, words: str
) -> None:
    """Whoever has several files to look after knows which, also when it is not there at all."""
    file = use_owners(text or "")
    if text is None:
        file.unlink()
    with pytest.raises(owners.OwnersRefused) as refused:
        owners.load()
    assert all(problem.startswith(f"{file}: ") for problem in refused.value.problems)
    assert re.search(words, refused.value.problems[0])
    assert str(file) in str(refused.value)


def test_the_packaged_file_holds() -> None:
    """A fresh clone starts, and every class has an owner who can be reached."""
    roster = owners.load(owners.PACKAGED)
    for code in CATALOGUE:
        whose = roster.resolve(code, at=clock.now())
        assert whose.owner in roster.people
        assert whose.escalation


TOMORROW = clock.now().date() + timedelta(days=1)
AWAY = f"away = [{{ from = {TOMORROW}, until = {TOMORROW + timedelta(days=9)} }}]"

MISTAKES: dict[str, tuple[str, str, str]] = {
    "an owner who does not exist": (
        'owner = "rhea"',
        'owner = "ghost"',
        "roles.revops.owner: there is no person 'ghost'",
    ),
    "a deputy who does not exist": ('deputies = ["tomas"]', 'deputies = ["ghost"]', "roles.revops.deputies[0]"),
    "an owner who is their own deputy": ('deputies = ["tomas"]', 'deputies = ["rhea"]', "roles.revops.deputies"),
    "an escalation to nobody": ('{ after = "1d", to = "dana" }', '{ after = "1d", to = "ghost" }', "escalation[0].to"),
    "no escalation": (
        'escalation = [{ after = "1d", to = "dana" }]',
        "escalation = []",
        "revops.escalation: must not be",
    ),
    "an escalation to the owner": ('after = "1d", to = "dana"', 'after = "1d", to = "rhea"', "is the owner"),
    "an escalation to itself": ('after = "1d", to = "dana"', 'after = "1d", to = "revops"', "escalates to itself"),
    "an escalation before the owner's time": ('after = "1d"', 'after = "1h"', "not later than respond_within (4h)"),
    "a time that is none": (
        'respond_within = "4h"',
        'respond_within = "soon"',
        "roles.revops.respond_within: is not a",
    ),
    "a time without end": ('respond_within = "4h"', 'respond_within = "900d"', "between 1m and 30d"),
    "a channel of no known kind": (
        'channels = ["log://"]',
        'channels = ["pigeon://loft"]',
        "people.rhea.channels[0]: pigeon",
    ),
    "a channel in an unset variable": ('channels = ["log://"]', 'channels = ["env:NOPE"]', "env:NOPE is not set"),
    "no channel": ('channels = ["log://"]', "channels = []", "people.rhea.channels: must not be empty"),
    "a last resort that is none": ('fallback = "log://"', 'fallback = "pigeon://loft"', "fallback: pigeon"),
    "no e-mail address": ("rhea@example.com", "rhea", "people.rhea.contact: is not an e-mail"),
    "no name": ('name = "Rhea Ops"', 'name = ""', "people.rhea.name: must not be empty"),
    "a typing mistake": ('name = "Rhea Ops"', 'name = "Rhea"\nnmae = "x"', "people.rhea.nmae: is not a member"),
    "an unknown time zone": (
        'name = "Rhea Ops"',
        'name = "R"\ntimezone = "Mars/Base"',
        "people.rhea.timezone: is not a",
    ),
    "an absence that ends before it begins": (
        'name = "Rhea Ops"',
        'name = "R"\naway = [{ from = 2026-02-02, until = 2026-02-01 }]',
        "people.rhea.away[0]: ends on",
    ),
    "an absence of years": (
        'name = "Rhea Ops"',
        'name = "R"\naway = [{ from = 2020-01-01, until = 2022-01-01 }]',
        "lasts more than a year",
    ),
    "a missing role": (
        "[roles.finance_ops]",
        "[roles.other]",
        "roles.finance_ops: is missing, and it answers for approval",
    ),
    "a person called like a role": (
        "[people.dana]",
        "[people.platform]",
        "people.platform: is also the name of a role",
    ),
    "an unknown class": (
        "# [classes.context_missing]",
        '[classes.nonsense]\nrole = "platform"\n#',
        "classes.nonsense: there",
    ),
    "a class for an unknown role": (
        "# [classes.context_missing]",
        '[classes.context_missing]\nrole = "x"\n#',
        "no role 'x'",
    ),
    "an exception for an unknown class": (
        "# [[overrides]]",
        '[[overrides]]\nclass = "nonsense"\nrole = "platform"\n#',
        "overrides[0].class: there is no failure class",
    ),
    "an exception that takes everything": ("# [[overrides]]", '[[overrides]]\nrole = "platform"\n#', "take everything"),
    "no TOML": ("[people.rhea]", "[people.rhea", "is not TOML"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_refused_in_words_that_name_it(use_owners: Callable[..., Path], mistake: str) -> None:
    """P9: a file with this mistake does not start, and the first reader of the message finds the line."""
    there, instead, words = MISTAKES[mistake]
    assert there in PACKAGED
    found = problems_of(use_owners, PACKAGED.replace(there, instead, 1))
    assert any(words in problem for problem in found), found


def test_all_mistakes_are_told_at_once(use_owners: Callable[..., Path]) -> None:
    """Wrong shapes and broken rules together: one round of mending."""
    text = PACKAGED.replace('respond_within = "1h"', 'respond_within = "soon"').replace('"tomas"', '"ghost"')
    text = text.replace("fiona@example.com", "fiona")
    found = problems_of(use_owners, text)
    assert [problem.partition(":")[0] for problem in found] == [
        "people.fiona.contact",
        "roles.platform.respond_within",
        "roles.revops.deputies[0]",
    ]


def test_an_absence_of_owner_and_deputy_together_is_refused(use_owners: Callable[..., Path]) -> None:
    """A role without anybody from tomorrow on does not start today; with one of the two it does."""
    alone = PACKAGED.replace('name = "Rhea Ops"', f'name = "R"\n{AWAY}')
    both = alone.replace('name = "Tomas Revenue"', f'name = "T"\n{AWAY}')
    assert owners.load(use_owners(alone))

    found = problems_of(use_owners, both)
    assert len(found) == 1
    assert found[0].startswith(f"roles.revops: on {TOMORROW} neither the owner nor a deputy is present")


def test_an_absence_that_is_over_breaks_nothing(use_owners: Callable[..., Path]) -> None:
    """Only now and the days ahead count."""
    gone = "away = [{ from = 2020-02-01, until = 2020-02-09 }]"
    text = PACKAGED.replace('name = "Rhea Ops"', f'name = "R"\n{gone}').replace(
        'name = "Tomas Revenue"', f'name = "T"\n{gone}'
    )
    assert owners.load(use_owners(text))


def test_roles_that_escalate_in_a_circle_are_refused_once(use_owners: Callable[..., Path]) -> None:
    """revops to finance_ops to platform and back is one problem, told with its way."""
    text = PACKAGED
    for to, before in (
        ("finance_ops", 'after = "1d", to = "dana"'),
        ("platform", 'after = "1d", to = "dana"'),
        ("revops", 'after = "4h", to = "dana"'),
    ):
        text = text.replace(before, before.replace("dana", to), 1)
    found = problems_of(use_owners, text)
    assert found == [
        "roles.finance_ops.escalation: turns in a circle: finance_ops -> platform -> revops -> finance_ops"
    ]


def test_a_problem_never_shows_an_address(use_owners: Callable[..., Path]) -> None:
    """P12: addresses hold tokens."""
    for address in ("pigeon://sekret-token@host", "sekret-token", "slack://sekret-token"):
        found = problems_of(use_owners, PACKAGED.replace('channels = ["log://"]', f'channels = ["{address}"]', 1))
        assert found
        assert "sekret" not in str(found)


def at(day: str, hour: int = 12) -> datetime:
    """A moment on a day, in UTC."""
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC) + timedelta(hours=hour)


def test_while_the_owner_is_away_the_deputy_owns(use_owners: Callable[..., Path]) -> None:
    """Both ends of an absence are included, and days begin where the person lives."""
    text = PACKAGED.replace(
        'name = "Rhea Ops"',
        'name = "Rhea"\ntimezone = "America/New_York"\naway = [{ from = 2031-08-03, until = 2031-08-14 }]',
    )
    roster = owners.load(use_owners(text))

    def owner(moment: datetime) -> str:
        return roster.resolve("contract_violation", at=moment).owner

    assert owner(at("2031-08-03", 3)) == "rhea", "still the evening of the second in New York"
    assert owner(at("2031-08-03", 5)) == "tomas"
    assert owner(at("2031-08-15", 3)) == "tomas"
    assert owner(at("2031-08-15", 5)) == "rhea"
    assert roster.owner_of("handler_bug", assigned="rhea", at=at("2031-08-10")) == "pia", "nor is it assigned then"
    assert roster.owner_of("handler_bug", assigned="rhea", at=at("2031-08-20")) == "rhea"
    assert roster.owner_of("handler_bug", assigned="left-us", at=at("2031-08-20")) == "pia"


def test_the_first_exception_that_fits_decides(use_owners: Callable[..., Path]) -> None:
    """More members narrow; classes come after exceptions; the default role is last."""
    text = (
        PACKAGED
        + """
[classes.context_missing]
role = "platform"
[[overrides]]
class = "contract_violation"
handler = "invoice_paid"
role = "finance_ops"
[[overrides]]
source = "hubspot"
role = "platform"
"""
    )
    roster = owners.load(use_owners(text))

    def role(code: str, **where: Any) -> str:
        return roster.resolve(code, at=clock.now(), **where).role

    assert role("contract_violation", source="hubspot", handler="invoice_paid") == "finance_ops"
    assert role("contract_violation", source="hubspot") == "platform"
    assert role("contract_violation", source="stripe") == "revops"
    assert role("context_missing") == "platform"
    assert role("a_class_that_was_removed") == "platform"


def test_a_saved_change_counts_at_once_and_a_bad_one_never(use_owners: Callable[..., Path]) -> None:
    """Ownership is live; a mistake keeps the roster before it in force."""
    file = use_owners(PACKAGED)
    assert owners.roster().resolve("contract_violation", at=clock.now()).owner == "rhea"

    file.write_text(PACKAGED.replace('owner = "rhea"', 'owner = "dana"').replace('to = "dana"', 'to = "fiona"', 1))
    assert owners.roster().resolve("contract_violation", at=clock.now()).owner == "dana"

    file.write_text(PACKAGED.replace('owner = "rhea"', 'owner = "nobody"'))
    assert owners.roster().resolve("contract_violation", at=clock.now()).owner == "dana"
    file.unlink()
    assert owners.roster().resolve("contract_violation", at=clock.now()).owner == "dana"


def test_the_first_file_must_hold(use_owners: Callable[..., Path]) -> None:
    """P9: without a roster nothing starts."""
    use_owners("people = 3")
    with pytest.raises(owners.OwnersRefused):
        owners.roster()


@given(st.integers(1, 30 * 1440))
def test_a_length_of_time_reads_back(minutes: int) -> None:
    """What is shown can be written again."""
    length = timedelta(minutes=minutes)
    assert durations.parse(durations.shown(length)) == length


@pytest.mark.parametrize("wrong", ["", "4", "h", "0m", "31d", "4 h", "-1h", "1.5h", "４h", "4h ", 4, None])
def test_what_is_no_length_of_time_is_refused(wrong: Any) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"^is "):
        durations.parse(wrong)
