"""Many people, one request, one instant: it is answered once, and what it is about goes out once."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from asking import Office

import destinations
from counterfoil import database
from engine.sending.editing import edited
from exceptions_queue import approvals
from exceptions_queue.refusals import ReasonMissing, Refused

EIGHT = [f"person{number}" for number in range(8)]


def at_once(acts: Sequence[Callable[[database.Connection], Any]]) -> list[Any]:
    """Let each act begin at one instant, in a transaction of its own; what each came to, refusals by their class."""
    found: list[Any] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def one(number: int) -> None:
        with database.connect() as conn:
            start.wait(20)
            try:
                with conn.transaction():
                    found[number] = acts[number](conn)
            except Refused as refused:
                found[number] = type(refused).__name__
            except Exception as broken:
                found[number] = broken

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def a_yes(request: dict[str, Any], who: str) -> Callable[[database.Connection], bool]:
    """Somebody's yes to what a request shows."""
    return lambda conn: approvals.approve(conn, request["write_id"], digest=request["digest"], who=who, reason="agreed")


def test_eight_people_approve_at_once_and_it_is_sent_once(office: Office) -> None:
    """One yes counts; the other seven find that nobody is asked any more."""
    office.deal(1, 4200)
    found = at_once([a_yes(office.asked(), who) for who in EIGHT])
    assert Counter(found) == {True: 1, "NotAwaiting": 7}
    assert len(office.rows("SELECT 1 AS one FROM approval_votes")) == 1
    office.work()
    assert office.posts().count("/v1/invoices") == 1
    assert office.states() == {"stripe:deal:1:invoice": "confirmed"}


def test_one_person_eight_times_is_one_of_two(office: Office) -> None:
    """However the name is typed, and in however many windows at once."""
    office.deal(1, 1_000_000)
    request = office.asked()
    names = ["Zoë Li", "zoë li", "ZOË LI", " Zoë  Li ", "Zoe\u0308 Li", "Ｚoë Li", "Zoë\u00a0Li", "Zoë Li"]
    found = at_once([a_yes(request, name) for name in names])
    assert Counter(found) == {False: 1, "VotedAlready": 7}
    office.work()
    assert office.posts() == []


@pytest.mark.parametrize("name", ["Zoë\u200b Li", "Zoë\u202e Li", "Zo\u00adë Li"])
def test_a_name_holds_nothing_that_cannot_be_seen(office: Office, name: str) -> None:
    """It would be a second person of the same name."""
    office.deal(1, 1_000_000)
    with pytest.raises(ReasonMissing):
        office.approve(office.asked(), name)


def test_two_of_eight_are_enough_and_no_third_is_counted(office: Office) -> None:
    """Above the second amount: one yes is counted, the second decides, all others come late."""
    office.deal(1, 1_000_000)
    found = at_once([a_yes(office.asked(), who) for who in EIGHT])
    assert Counter(found) == {False: 1, True: 1, "NotAwaiting": 6}
    office.work()
    assert office.posts().count("/v1/invoices") == 1


def test_yes_no_edit_and_silence_at_once_end_one_way(office: Office) -> None:
    """Whatever comes first decides; what is sent, if anything, is what somebody else than its editor approved."""
    for number in range(6):
        office.deal(number, 4200)
        request = office.asked(f"stripe:deal:{number}:invoice")
        body = {**request["shown"]["body"], "items": [{"description": "Seats", "amount_minor": 3900}]}

        def show(write: dict[str, Any], change: dict[str, Any], body: dict[str, Any] = body) -> approvals.Edited:
            amount = {"amount_minor": 3900, "currency": "EUR"}
            return edited(office.conn, destinations.find(), write, body, amount, change)

        def change(conn: database.Connection, request: Any = request, body: Any = body, show: Any = show) -> str:
            approvals.edit(conn, request["write_id"], body=body, show=show, who="ed", reason="a discount")
            return "edited"

        def refuse(conn: database.Connection, request: Any = request) -> str:
            approvals.reject(conn, request["write_id"], who="norma", reason="not this one")
            return "rejected"

        found = at_once([a_yes(request, "ines"), refuse, change, a_yes(request, "paul"), approvals.expire])
        assert [one for one in found if isinstance(one, Exception)] == []
        office.work()
        outcome = office.states()[f"stripe:deal:{number}:invoice"]
        yes = found.count(True)
        match found[1], found[2], yes:
            case "NotAwaiting", "NotAwaiting", 1:
                assert outcome == "confirmed"
            case "rejected", "NotAwaiting" | "edited", 0:
                assert outcome == "rejected"
            case _:
                pytest.fail(f"{found}: {outcome}")
    assert office.posts().count("/v1/invoices") == list(office.states().values()).count("confirmed")


def test_two_batches_over_the_same_requests_do_not_block_each_other(office: Office) -> None:
    """In opposite order, at one instant: every request is approved once, by one of them."""
    for number in range(6):
        office.deal(number, 4200 + number)
    shown = [(one["write_id"], one["digest"]) for one in office.rows("SELECT write_id, digest FROM approvals")]

    def all_of(items: list[Any], who: str) -> Callable[[database.Connection], Counter[str]]:
        return lambda conn: Counter(
            one.outcome for one in approvals.approve_many(conn, items, who=who, reason="all alike")
        )

    found = at_once([all_of(shown, "ines"), all_of(shown[::-1], "paul")])
    assert sum(found, Counter()) == {"approved": 6, "refused": 6}
    office.work()
    assert office.posts().count("/v1/invoices") == 6
