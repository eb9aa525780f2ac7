"""The documentation agrees with the code: nothing is missing from it, and it names nothing that does not exist."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from counterfoil import failpoints, lifecycle, telemetry
from counterfoil.settings import Settings
from exceptions_queue.failures import CATALOGUE
from ingest.providers import find as find_providers

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
MACHINES: Mapping[str, tuple[Any, Mapping[Any, Any]]] = {
    "Event": (lifecycle.EventState, lifecycle.EVENT_MOVES),
    "Write": (lifecycle.WriteState, lifecycle.WRITE_MOVES),
    "Case": (lifecycle.CaseState, lifecycle.CASE_MOVES),
    "Replay": (lifecycle.ReplayState, lifecycle.REPLAY_MOVES),
    "Fix": (lifecycle.FixState, lifecycle.FIX_MOVES),
}


def _page(name: str) -> str:
    return (ROOT / name).read_text()


def _rows(text: str) -> dict[str, str]:
    """The rows of all tables by what stands in backticks in their first cell."""
    return {match[1]: match[0] for match in re.finditer(r"^\| `([^`]+)`.*$", text, re.MULTILINE)}


def _section(text: str, title: str) -> str:
    """What stands under a heading."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def _anchors(path: Path) -> set[str]:
    """The anchors that a page offers, made of its headings."""
    headings = re.findall(r"(?m)^#+ (.+)$", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _setting_names() -> set[str]:
    return {str(field.validation_alias.choices[0]) for field in Settings.model_fields.values()}  # type: ignore[union-attr]


def _commands() -> dict[str, set[str]]:
    """Every command of `counterfoil` with its options, by its words: `cases ack`."""
    import typer

    from console.cli import app

    def walk(group: Any, words: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
        options = {option for parameter in group.params for option in parameter.opts + parameter.secondary_opts}
        commands = getattr(group, "commands", {})
        if words and commands:  # its first command is meant when none is named
            options |= {option for parameter in next(iter(commands.values())).params for option in parameter.opts}
        yield " ".join(words), options | {"--help"}
        for name, command in commands.items():
            yield from walk(command, (*words, name))

    return dict(walk(typer.main.get_command(app), ()))


def test_every_setting_is_explained_with_its_default() -> None:
    """The table of operations.md and the settings are the same list; .env.example knows them all."""
    rows = _rows(_section(_page("docs/operations.md"), "Settings").split("### Sources")[0])
    assert set(rows) == _setting_names()
    for field in Settings.model_fields.values():
        if isinstance(field.default, int | str) and not isinstance(field.default, bool):
            name = str(field.validation_alias.choices[0])  # type: ignore[union-attr]
            assert f"`{str(field.default).removesuffix('.0')}`" in rows[name], name
    example = set(re.findall(r"(?m)^#?([A-Z_]+)=", _page(".env.example")))
    assert _setting_names() - {"COUNTERFOIL_FAILPOINT"} <= example


def test_every_provider_is_listed_with_its_secret() -> None:
    """Whoever wants to connect a sender finds the name of its variable."""
    rows = _rows(_page("docs/operations.md"))
    for name, provider in find_providers().items():
        assert f"`{provider.secret_env}`" in rows[name], name


@pytest.mark.parametrize("title", MACHINES)
def test_every_diagram_is_the_lifecycle(title: str) -> None:
    """Edge by edge, and each state has its meaning. Break it: allow one more move in lifecycle.py."""
    states, moves = MACHINES[title]
    text = _section(_page("docs/lifecycle.md"), title)
    drawn = set(re.findall(r"^ +(\w+) --> (\w+)", text, re.MULTILINE))
    assert drawn == {(str(state), str(target)) for state, targets in moves.items() for target in targets}
    assert set(_rows(text)) == {str(state) for state in states}


def test_every_failure_class_on_the_page_exists() -> None:
    """A class that is gone leaves no advice behind; that each class has its section, the conformance suite holds."""
    assert re.findall(r"(?m)^## `(\w+)`$", _page("docs/failures.md")) == list(CATALOGUE)


def test_every_failpoint_is_named_in_its_order() -> None:
    """Tests and people mean the same place."""
    section = _section(_page("docs/lifecycle.md"), "Places at which tests end a process")
    assert list(_rows(section)) == list(failpoints.NAMES)


def test_every_command_has_its_row() -> None:
    """A command that no page names is found by nobody."""
    known = _commands()
    groups = {words.rsplit(" ", 1)[0] for words in known if " " in words}
    leaves = {f"counterfoil {words}" for words in known if words and words not in groups}
    assert set(_rows(_section(_page("docs/operations.md"), "Commands"))) == leaves


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_that_is_shown_exists(path: Path) -> None:
    """What stands in a page after `counterfoil` or `make` can be typed, options included."""
    known = _commands()
    code = re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", path.read_text(), re.DOTALL)
    lines = [line for block, inline in code for line in (block or inline).splitlines()]
    for line in lines:
        for call in re.findall(r"(?:^|[\s\"(])counterfoil ([a-z][^#\n`\"]*)", line):
            words = call.split()
            name = next((n for n in (" ".join(words[:2]), words[0]) if n in known), None)
            assert name is not None, f"counterfoil {call}"
            options = {word.split("=")[0] for word in words if word.startswith("--")}
            assert options <= known[name], f"counterfoil {call}"
        for target in re.findall(r"^make ([a-z]+)", line):
            assert re.search(rf"(?m)^{target}:", _page("Makefile")), line


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    """Files and headings that a page links to are there."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        page = (path.parent / name).resolve() if name else path
        assert page.exists(), target
        assert not anchor or anchor in _anchors(page), target


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_file_that_is_named_exists(path: Path) -> None:
    """A path in backticks that begins with a folder of ours is there (an example says so with <>)."""
    text = path.read_text()
    created = set(re.findall(r"(?m)^```\w+ file=(\S+)$", text))
    folders = {each.name for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")}
    for named in re.findall(r"`([\w.]+/[\w./]*)`", text):
        if named.split("/")[0] in folders and named not in created:
            assert (ROOT / named).exists(), named


def test_every_metric_that_is_named_exists() -> None:
    """An alert on a series that is never there stays silent for ever."""
    metrics = {name for name in vars(telemetry.metrics) if not name.startswith("_")}
    series = {getattr(telemetry.metrics, name)._name for name in metrics}
    named = set(re.findall(r"`(counterfoil_\w+)`", _page("docs/operations.md")))
    assert len(named) > 5
    assert named <= series


def test_the_readme_begins_with_the_two_commands() -> None:
    """What a newcomer is told to type is there, and continuous integration types the same."""
    commands = re.search(r"## Two commands.*?```sh\n(.*?)```", _page("README.md"), re.DOTALL)
    assert commands is not None
    assert [line.split("  ")[0] for line in commands[1].splitlines()] == ["make demo", "make test"]
    assert re.search(r"(?m)^exec make test\b", _page(".ci/run"))
    for target in ("demo", "test", "serve", "bench", "check"):
        assert re.search(rf"(?m)^{target}:", _page("Makefile"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_set_to_one_width(path: Path) -> None:
    """Lines that can be broken are; differences then show what changed."""
    text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
    long = [line for line in text.splitlines() if len(line) > 120 and not line.startswith("|")]
    assert long == []
