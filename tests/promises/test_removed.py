"""Every mechanism that keeps a promise is missed when it is gone: the tests named in the table fail without it.

What is removed stands in `mechanisms.toml`. `make mutants` also removes what only real processes can miss.
"""

from collections import Counter
from pathlib import Path

import copies
import page
import pytest
from copies import ROOT, Run, Runner
from removal import EARLIER, Mechanism, RemovalLost, mechanisms, without

EVERY = mechanisms()
#: The later promises have a file of their own: the two run side by side.
QUICK = [pytest.param(one, id=one.name) for one in EVERY if not one.slow and one.first <= EARLIER]
#: What the spine must hold by itself, and how many mechanisms at least.
PROMISED = {
    **dict.fromkeys(("P1", "P2", "P3", "P4", "P5", "P9", "P10"), 3),
    "P6": 5,
    "P7": 2,
    "P8": 5,
    "P11": 2,
    "P12": 2,
}


@pytest.mark.parametrize("mechanism", QUICK)
def test_without_it_its_tests_fail(mechanism: Mechanism, run_in_a_copy: Run) -> None:
    """The removal is the table's; a test that still passes guards nothing, and one that cannot begin proves nothing."""
    seen = run_in_a_copy(mechanism.fails, mechanism)
    for named in mechanism.fails:
        assert "failed" in seen.of(named), f"{named} did not miss {mechanism.name}: {seen.of(named)}\n{seen.output}"


@pytest.mark.parametrize("mechanism", [pytest.param(one, id=one.name) for one in EVERY])
def test_what_would_be_removed_is_there(mechanism: Mechanism) -> None:
    """The table is in step with the code, also where `make test` does not try it."""
    assert mechanism.applied((ROOT / mechanism.file).read_text()) != (ROOT / mechanism.file).read_text()
    assert all((ROOT / test.split("::")[0]).exists() for test in mechanism.fails)


def test_every_promise_has_its_mechanisms() -> None:
    """No promise rests on a single line of code."""
    counts = Counter(promise for one in EVERY for promise in one.promises)
    assert {promise: counts[promise] for promise, least in PROMISED.items() if counts[promise] < least} == {}
    assert len({one.name for one in EVERY}) == len(EVERY)


def test_a_text_that_moved_on_is_told() -> None:
    """A removal that removes nothing would prove nothing."""
    lost = Mechanism("lost", ("P1",), "is gone", "counterfoil/keys.py", "no such line", "", ())
    with pytest.raises(RemovalLost, match="0 times"):
        lost.applied((ROOT / lost.file).read_text())


def test_what_was_taken_out_is_there_again_for_the_next_run(tree: Path, runner: Runner) -> None:
    """All runs share one copy. A removal that stayed, or what was compiled of it, would fail tests of the others."""
    always_ask = next(one for one in EVERY if one.name == "spending_and_deleting_always_ask")
    (named,) = always_ask.fails
    for _ in range(2):
        with without(always_ask, tree):
            assert "failed" in runner.run(always_ask.fails).of(named)
        assert set(runner.run(always_ask.fails).of(named)) == {"passed"}


@pytest.mark.parametrize("package", ["counterfoil", "exceptions_queue"])
def test_code_from_elsewhere_is_not_taken_for_the_copy(tree: Path, runner: Runner, package: str) -> None:
    """What the copy lacks would come from the tree itself, from which nothing was removed."""
    aside = (tree / package).rename(tree / "aside")
    try:
        seen = runner.run(("tests/contracts/test_money.py",))
    finally:
        aside.rename(tree / package)
    assert seen.outcomes == {}
    assert "not the copy" in seen.output


def test_a_run_that_hangs_is_cut_off(tree: Path, runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tells nothing, and the next run is heard as ever."""
    monkeypatch.setattr(copies, "PATIENCE_SECONDS", 1)
    monkeypatch.setattr(copies, "PATIENCE_EACH_SECONDS", 0)
    hanging = tree / "tests" / "test_hanging.py"
    hanging.write_text("import time\n\n\ndef test_it():\n    time.sleep(60)\n")
    assert runner.run(("tests/test_hanging.py",)).outcomes == {}
    hanging.unlink()
    monkeypatch.undo()
    assert set(runner.run(("tests/contracts/test_money.py",)).outcomes.values()) == {"passed"}


def test_the_page_says_what_the_table_says() -> None:
    """docs/promises.md is written from the table: run `python tests/promises/page.py` after changing it."""
    assert page.PAGE.read_text() == page.render()
    assert {promise for one in EVERY for promise in one.promises} == set(page.PROMISES)
