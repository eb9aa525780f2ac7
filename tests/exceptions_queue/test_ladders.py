"""Ladders by class, age and money: who is told sooner of what is dear, and nobody ever of nothing."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from one_database import database_url, shared

from counterfoil import database, keys
from exceptions_queue import cases, escalation, handing_over, owners

__all__ = ["database_url", "shared"]

Connection = database.Connection
PACKAGED = owners.PACKAGED.read_text()
ROLE = '[roles.revops]\nowner = "rhea"\ndeputies = ["tomas"]\nrespond_within = "4h"\n'
PLAIN = 'escalation = [{ after = "1d", to = "dana" }]'
BY_MONEY = PACKAGED.replace(
    ROLE + PLAIN,
    ROLE + 'escalation = [{ after = "1d", to = "dana" }, { from_minor = 1_000_000, after = "30m", to = "pia" }]',
)


def a_case(conn: Connection, *amounts: tuple[int, str], failure_class: str = "contract_violation") -> UUID:
    """One case, with an event for each amount; called again, the same case grows."""
    incidents = [
        cases.Incident(keys.new_id(), failure_class, source="stripe", amount_minor=minor, currency=currency)
        for minor, currency in amounts or [(100, "eur")]
    ]
    case_id = cases.open_many(conn, incidents)[incidents[0].event_id or keys.new_id()]
    conn.commit()
    return case_id


def let_pass(conn: Connection, **time: float) -> None:
    """So much time goes by for every case."""
    conn.execute(
        "UPDATE cases SET due_at = due_at - %(t)s, ladder_from = ladder_from - %(t)s", {"t": timedelta(**time)}
    )


def climb(conn: Connection, **time: float) -> list[str]:
    """Who is told when so much time has gone by, by name."""
    let_pass(conn, **time)
    before = told(conn)
    escalation.run_once(conn)
    return sorted(person for kind, person in told(conn)[len(before) :] if kind == "escalated")


def told(conn: Connection) -> list[tuple[str, str]]:
    """Who was told what."""
    rows = conn.execute("SELECT kind, recipient FROM notifications ORDER BY created_at, id").fetchall()
    return [(row["kind"], row["recipient"]) for row in rows]


def test_what_is_dear_climbs_sooner_and_everything_else_as_before(
    conn: Connection, use_owners: Callable[..., Path]
) -> None:
    """Ten thousand in one currency bring somebody after half an hour; ten in each of many do not."""
    use_owners(BY_MONEY)
    a_case(conn, (1_000_000, "eur"))
    assert climb(conn, minutes=29) == []
    assert climb(conn, minutes=1) == ["pia"]
    assert climb(conn, hours=3) == []
    assert climb(conn, minutes=30) == ["tomas"], "the deputy at four hours from the opening, as for every case"
    assert climb(conn, hours=20) == ["dana"]
    assert climb(conn, hours=24) == ["dana"], "and the top again"

    conn.execute("UPDATE cases SET status = 'dismissed', due_at = NULL")
    a_case(conn, (999_999, "eur"), (999_999, "usd"))
    assert climb(conn, minutes=31) == []
    assert climb(conn, hours=4) == ["tomas"]
    assert climb(conn, hours=20) == ["dana"]


def test_a_case_that_becomes_dear_does_not_wait_for_its_old_hour(
    conn: Connection, use_owners: Callable[..., Path]
) -> None:
    """Three hours old and small, then large: told in the next pass; the deputy still at four hours."""
    use_owners(BY_MONEY)
    case_id = a_case(conn)
    assert climb(conn, hours=3) == []
    assert a_case(conn, (2_000_000, "eur")) == case_id
    assert climb(conn) == ["pia"]
    assert a_case(conn, (2_000_000, "eur")) == case_id
    assert climb(conn) == [], "more of it is nothing new"
    assert climb(conn, hours=1) == ["tomas"]


def test_money_that_went_through_meanwhile_brings_nobody(conn: Connection, use_owners: Callable[..., Path]) -> None:
    """What is at stake now counts, not what ever was; the next hour of the ladder stays."""
    use_owners(BY_MONEY)
    a_case(conn, (2_000_000, "eur"), (100, "eur"))
    conn.execute("UPDATE case_events SET cleared_at = now() WHERE amount_minor > 1000")
    assert climb(conn, minutes=30) == []
    assert climb(conn, hours=3) == []
    assert climb(conn, minutes=30) == ["tomas"]


def test_a_case_that_opens_again_begins_at_the_foot_of_its_own_ladder(
    conn: Connection, use_owners: Callable[..., Path]
) -> None:
    """Woken with much at stake: half an hour again, then everybody again."""
    use_owners(BY_MONEY)
    a_case(conn, (1_000_000, "eur"))
    assert climb(conn, hours=5) == ["pia", "tomas"], "a sweeper that slept catches up with both"
    conn.execute("UPDATE cases SET status = 'snoozed', snoozed_until = now(), due_at = NULL")
    assert climb(conn) == []
    assert climb(conn, minutes=30) == ["pia"]
    row = conn.execute("SELECT escalation_level, escalated_to, rungs_told FROM cases").fetchone()
    assert row == {"escalation_level": 1, "escalated_to": "pia", "rungs_told": [2]}


def test_a_class_may_have_a_ladder_of_its_own(conn: Connection, use_owners: Callable[..., Path]) -> None:
    """In place of its role's steps; the deputy stays, and so do the ladders of other classes."""
    use_owners(PACKAGED + '\n[classes.contract_violation]\nescalation = [{ after = "5h", to = "platform" }]\n')
    a_case(conn)
    assert climb(conn, hours=4) == ["tomas"]
    assert climb(conn, hours=1) == ["pia"]
    conn.execute("UPDATE cases SET status = 'dismissed', due_at = NULL")
    a_case(conn, failure_class="contract_unknown")
    assert climb(conn, hours=4) == ["tomas"]
    assert climb(conn, hours=1) == []
    assert climb(conn, hours=19) == ["dana"]


def test_a_class_of_small_matters_is_left_to_the_digest(conn: Connection, use_owners: Callable[..., Path]) -> None:
    """No message at the opening, and the owner's time begins a day later; growth is told as ever."""
    use_owners(BY_MONEY + '\n[classes.contract_violation]\ntold = "digest"\n')
    a_case(conn, (100, "eur"))
    assert told(conn) == []
    assert climb(conn, hours=27) == []
    a_case(conn, (5_000, "eur"))
    assert told(conn) == [("grew", "rhea")]
    assert climb(conn, hours=1) == ["tomas"], "a day, and four hours"


def test_what_is_dear_is_no_small_matter_of_any_class(conn: Connection, use_owners: Callable[..., Path]) -> None:
    """A rung waits for that much: then the owner hears at once, at the opening or when it grows so far."""
    use_owners(BY_MONEY + '\n[classes.contract_violation]\ntold = "digest"\n')
    a_case(conn, (1_000_000, "eur"))
    assert told(conn) == [("opened", "rhea")]
    assert climb(conn, minutes=30) == ["pia"]

    conn.execute("UPDATE cases SET status = 'dismissed', due_at = NULL; DELETE FROM notifications")
    a_case(conn, (900_000, "eur"))
    assert told(conn) == []
    a_case(conn, (200_000, "eur"))
    assert told(conn) == [("grew", "rhea")]
    assert climb(conn, minutes=30) == ["pia"]


def problems_of(use_owners: Callable[..., Path], text: str) -> list[str]:
    """What the check says about a file, without its name."""
    file = use_owners(text)
    with pytest.raises(owners.OwnersRefused) as refused:
        owners.load(file)
    return [problem.removeprefix(f"{file}: ") for problem in refused.value.problems]


def a_ladder(steps: str) -> str:
    """The packaged file, with a ladder for one class of revops."""
    return PACKAGED + f"\n[classes.contract_violation]\nescalation = [{steps}]\n"


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (
            '{ from_minor = 5, after = "1h", to = "dana" }',
            "classes.contract_violation.escalation: every step has from_minor",
        ),
        (
            '{ after = "1d", to = "dana" }, { from_minor = 5, after = "2d", to = "dana" }',
            "escalation[1].from_minor: changes nothing, 'dana' is told of every case by then",
        ),
        ('{ after = "1d", to = "dana" }, { from_minor = 0, after = "1h", to = "pia" }', "escalation[1].from_minor: "),
        ('{ after = "1d", to = "dana" }, { from_minor = 5, after = "1h", to = "ghost" }', "no person or role 'ghost'"),
        ('{ after = "1d", to = "dana" }, { from_minor = 5, after = "1h", to = "rhea" }', "[1].to: is the owner"),
        ('{ after = "1d", to = "revops" }', "escalation[0].to: the role escalates to itself"),
        ('{ after = "3h", to = "dana" }', "escalation[0].after: is 3h, not later than respond_within (4h)"),
        ("", "classes.contract_violation.escalation: must not be empty"),
    ],
)
def test_a_ladder_that_leads_nowhere_is_refused_in_words(
    use_owners: Callable[..., Path], steps: str, words: str
) -> None:
    """A class's ladder owes what a role's does; and of every case somebody is told, however small."""
    found = problems_of(use_owners, a_ladder(steps))
    assert any(words in problem for problem in found), found


def test_a_classs_ladder_holds_in_every_role_that_may_have_its_cases(use_owners: Callable[..., Path]) -> None:
    """An exception gives some of them to a role whose owner is on the ladder: refused before a case stands there."""
    text = a_ladder('{ after = "2d", to = "fiona" }')
    assert owners.load(use_owners(text))
    moved = text + '[[overrides]]\nsource = "stripe"\nrole = "finance_ops"\n'
    assert problems_of(use_owners, moved) == [
        "classes.contract_violation.escalation[0].to: is the owner, who has not answered already"
    ]


@pytest.mark.parametrize("nothing", ["", 'told = "at once"'])
def test_a_class_that_changes_nothing_is_a_mistake(use_owners: Callable[..., Path], nothing: str) -> None:
    """Somebody meant something by it."""
    (problem,) = problems_of(use_owners, PACKAGED + f"\n[classes.contract_violation]\n{nothing}\n")
    assert "says neither role nor escalation nor told" in problem


def test_a_roster_with_ladders_by_money_is_kept_and_read_again(conn: Connection, use_owners: Any) -> None:
    """What a change moved is found out by the roster before, as it was kept."""
    file = use_owners(BY_MONEY + '\n[classes.contract_unknown]\ntold = "digest"\n')
    handing_over.keep(conn)
    file.write_text(PACKAGED)
    assert handing_over.keep(conn) == {"moved": 0}
    assert handing_over.keep(conn) == {"moved": 0}
    changed = "SELECT detail::jsonb -> 'roles' AS roles FROM audit_entries WHERE action = 'roster.changed'"
    row = conn.execute(changed).fetchall()
    assert row == [{"roles": ["revops"]}]
