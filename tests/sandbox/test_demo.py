"""`make demo` as a newcomer sees it: played once, in a process of its own, on a port that nobody else has."""

import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: A busy machine takes a minute for it.
PLAY_SECONDS = 240


@pytest.fixture(scope="module")
def told() -> str:
    """Everything that it said, each stretch of blanks as one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Not in pytest's folder, which every session shuts to other users; under root Postgres is one.
    with tempfile.TemporaryDirectory(prefix="counterfoil-demo-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        env |= {"PYTHONPATH": str(ROOT), "DEMO_PORT": str(port), "DEMO_EXIT": "1"}
        played = subprocess.run(
            [sys.executable, "-m", "sandbox.demo"],
            cwd=folder, env=env, capture_output=True, text=True, timeout=PLAY_SECONDS,
        )  # fmt: skip
    assert played.returncode == 0, played.stdout[-3000:] + played.stderr[-3000:]
    return " ".join(played.stdout.split())


pytestmark = pytest.mark.timeout(PLAY_SECONDS + 60)


def test_the_demo_ends_with_every_promise_checked(told: str) -> None:
    """The last word is the doctor's."""
    assert told.endswith("Everything that was checked is true.")


def test_a_person_is_asked_before_a_customer_is_billed(told: str) -> None:
    """Who, about how much, by which rule, exactly what, and how it would be undone."""
    assert "fiona is asked about 8160.00 EUR (rule bills_a_customer); until then nothing is sent:" in told
    assert "20 × Team plan, one year: 6960.00 EUR." in told
    assert re.search(r"undone by: .+? fiona says yes to exactly this \(digest [0-9a-f]{12}…\)", told)


def test_a_lost_answer_settles_itself(told: str) -> None:
    """In doubt, asked, confirmed: one attempt, one customer, one draft."""
    assert "in doubt: sent, and no answer came: POST /v1/customers" in told
    assert "asked, not sent again; confirmed: it stands at Stripe under its key" in told
    assert "attempts: 1; at Stripe stand 1 customer Acorn (example) and 1 draft for it" in told


def test_an_older_state_does_not_overwrite_a_newer_one(told: str) -> None:
    """The event of before comes last and is superseded; HubSpot shows 25 seats at 29.00."""
    assert "newer: customer.subscription.updated, done" in told
    assert "older: customer.subscription.created, superseded" in told
    assert "HubSpot shows 725.00 EUR a month for Bluebell." in told


def test_what_was_written_is_taken_back_but_for_what_somebody_changed(told: str) -> None:
    """One reversed, one kept with the reason; both as HubSpot shows them."""
    assert "reversed 1 · kept 1 · could not 0 kept: plan is no longer as it was written" in told
    assert "HubSpot shows for Acorn: plan none, as before; for Bluebell: Team plan, special terms." in told


def test_a_ticket_is_sorted_by_what_people_said_of_the_same_words(told: str) -> None:
    """One answered by itself, one that waits for a person, and one like it that does not: each as HubSpot shows it."""
    repeat = r"“{}”: {}, [\d.]+ sure; committed: a person answered this very input as {} answered it"
    assert re.search(repeat.format("second charge", "finance", "ines"), told)
    assert "at HubSpot: finance “The blue one”" in told
    assert re.search(r"“The blue one”: .+?; asked: no threshold yet: .+? on rhea's desk, nothing written;", told)
    assert "“The blue one” at HubSpot: success." in told
    assert re.search(repeat.format("the blue one!", "success", "rhea"), told)


def test_the_day_replayed_writes_nothing_anywhere(told: str) -> None:
    """As many writes after as before, and nobody outside was asked to change anything."""
    numbers = re.search(
        r"(\d+) events replayed: (\d+) writes before, (\d+) after; Stripe and HubSpot were asked to change something"
        r" (\d+) times",
        told,
    )
    assert numbers is not None, told[-2000:]
    replayed, before, after, asked = map(int, numbers.groups())
    assert (replayed > 30, before, asked) == (True, after, 0)
