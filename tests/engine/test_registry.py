"""Handlers are found by walking a package that is named, and contradictions stop the start."""

import sys
from pathlib import Path

import pytest

from contracts.stripe import InvoicePaid
from engine.registry import Registry, RegistryBroken, find

HEAD = """
from contracts.hubspot import ObjectCreated, PropertyChanged
from contracts.stripe import InvoicePaid
from engine import Skip, handles
"""

GOOD = '''
@handles(source="stripe", types=["invoice.paid"], contract=InvoicePaid, ordering="latest", time_limit_seconds=2)
def first(event):
    """Do the first thing.

    And more about it.
    """
    return Skip("first")
'''


@pytest.fixture
def a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """An empty package that can be imported by its folder's name."""
    folder = tmp_path / f"handlers_{abs(hash(request.node.nodeid))}"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def _found(package: Path, **files: str) -> Registry:
    for name in [name for name in sys.modules if name.startswith(package.name)]:
        del sys.modules[name]
    for name, text in files.items():
        (package / f"{name}.py").write_text(HEAD + text)
    return find(package.name)


def test_a_handler_is_found_by_its_file_alone(a_package: Path) -> None:
    """Everything the engine needs to know about it is there."""
    registry = _found(a_package, first=GOOD)
    spec = registry.find("stripe", "invoice.paid")
    assert spec is not None
    assert (spec.name, spec.contract, spec.ordering, spec.time_limit_seconds) == ("first", InvoicePaid, "latest", 2)
    assert spec.doc == "Do the first thing."
    assert not spec.takes_context
    assert spec.function(None).reason == "first"  # type: ignore[union-attr]
    assert registry.every() == [spec]
    assert registry.find("stripe", "invoice.created") is None


def test_the_version_changes_with_the_code_and_only_with_it(a_package: Path) -> None:
    """A run remembers which code planned it."""
    versions = [
        spec.version
        for text in (GOOD, GOOD, GOOD + "\n# a word\n")
        if (spec := _found(a_package, first=text).find("stripe", "invoice.paid"))
    ]
    assert versions[0] == versions[1] != versions[2]


def test_two_handlers_for_one_event_stop_the_start(a_package: Path) -> None:
    """Which one would run must not depend on the order of files."""
    with pytest.raises(RegistryBroken, match=r"stripe invoice\.paid is handled by both first and second"):
        _found(a_package, first=GOOD, second=GOOD.replace("def first", "def second"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD.replace("invoice.paid", "invoice.payed"), r"no contract of InvoicePaid covers"),
        (GOOD.replace("contract=InvoicePaid", "contract=ObjectCreated"), r"no contract of ObjectCreated covers"),
        (GOOD.replace('"""', "#").replace("And more", "# And").replace("Do the", "# Do"), "give it a docstring"),
        (GOOD.replace("seconds=2", "seconds=3600"), "at most 60"),
        (GOOD.replace("seconds=2", "seconds=0"), "at most 60"),
        (GOOD.replace('"latest"', '"sometimes"'), "fact, latest or reread"),
    ],
)
def test_a_handler_that_cannot_work_stops_the_start(a_package: Path, text: str, problem: str) -> None:
    """The fault is named at start, not at the first event."""
    with pytest.raises(RegistryBroken, match=problem):
        _found(a_package, first=text)


def test_every_fault_is_named_at_once(a_package: Path) -> None:
    """One start, one list."""
    broken = GOOD.replace("invoice.paid", "invoice.payed").replace("seconds=2", "seconds=0")
    with pytest.raises(RegistryBroken) as stopped:
        _found(a_package, first=broken)
    assert str(stopped.value).count(";") == 1


def test_an_imported_handler_is_not_registered_twice(a_package: Path) -> None:
    """A file that borrows from another does not become a second home of its handler."""
    borrowed = f"from {a_package.name}.first import first\n"
    assert len(_found(a_package, first=GOOD, second=borrowed).every()) == 1


def test_a_package_without_handlers_is_fine(a_package: Path) -> None:
    """Delete every handler and the rest still starts."""
    assert _found(a_package, nothing="").every() == []


def test_handlers_live_in_a_package() -> None:
    """A module would have no files to walk."""
    with pytest.raises(RegistryBroken, match="is a module"):
        find("engine.outcomes")
