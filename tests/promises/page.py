"""Writes docs/promises.md from the table of mechanisms: `python tests/promises/page.py`; a test compares."""

import textwrap
from collections.abc import Iterator

from copies import ROOT
from removal import Mechanism, mechanisms

PAGE = ROOT / "docs" / "promises.md"
WIDTH = 115

#: Title and sentence of each promise, and what holds it that no single change takes away.
PROMISES: dict[str, tuple[str, str]] = {
    "P1": (
        "A 2xx means recorded",
        "The event is committed in Postgres before the answer leaves. What could not be recorded is answered 5xx or "
        "429, so that the provider comes back.",
    ),
    "P2": (
        "One identity, one row, for ever",
        "Identity is the provider's business identity, never a hash of the body. It stands in a table of its own and "
        "outlives the payload.",
    ),
    "P3": (
        "One write key, at most one effect",
        "The key names the business fact. It is unique in the ledger and, independently, in the books.",
    ),
    "P4": (
        "Nothing is lost",
        "Every event is at an end with its reason, or in a live case, or has a time at which it moves by itself. "
        "`counterfoil doctor` proves it with one query.",
    ),
    "P5": (
        "An unknown outcome is neither a failure nor a success",
        "Whatever dies or freezes, an effect and the record of it stand together or not at all. So far every "
        "destination shares our transaction; the lifecycle of writes already holds those that will not.",
    ),
    "P6": (
        "Code decides, a model advises",
        "A model gives one of a few answers or none; code decides by measured thresholds what may be done with it, "
        "and a person says the rest.",
    ),
    "P7": (
        "Read broadly, write narrowly",
        "A plan is a pure function of its event: a handler has nothing in reach to write with, and only what it "
        "returned is written.",
    ),
    "P8": (
        "A person approves exactly what was shown",
        "A yes is bound to the digest of the action as it was rendered and to the record as it stood, is used "
        "once, and runs out; whoever edited cannot approve, and silence never does. The database holds these rules "
        "as well.",
    ),
    "P9": (
        "Every failure has a class, and every class a living owner",
        "The roster is checked before anything starts, and again while it is in force; silence climbs.",
    ),
    "P10": (
        "Replay is always safe",
        "Confirmed effects are found by their keys and not repeated, stale events overwrite nothing, and a dry run "
        "asks nobody.",
    ),
    "P11": (
        "Every change is audited",
        "One entry in the transaction of the change, in a chain of hashes that can be followed without the database.",
    ),
    "P12": (
        "Nothing private leaves",
        "Not in a log line, an error report, a case or an error message.",
    ),
}

HEAD = """\
# Promises

What Counterfoil promises, what keeps each promise, and what notices when that is gone. A test that passes proves
little by itself, so each mechanism below is also taken out: `tests/promises/` makes the one small change in a copy of
the tree, runs the named tests there, and fails unless they fail. The table of those changes is
`tests/promises/mechanisms.toml`; this page is written from it (`python tests/promises/page.py`).

`make test` does so for all mechanisms of the first five promises and every other one of the later, but for those
marked *slow*, which need real processes or a Postgres made anew; `make mutants` does all of them. Beyond these,
`tests/chaos/` kills real processes at every step, stops Redis and restarts Postgres, and asks the same questions of
what is left.

To add a mechanism: a row in that table, with the shortest text that names it and the test that misses it. If nothing
misses it, write that test first.
"""


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _mechanism(one: Mechanism) -> Iterator[str]:
    slow = " *(slow)*" if one.slow else ""
    yield _wrapped(f"- **{one.name.replace('_', ' ').capitalize()}.**{slow} {one.says} In `{one.file}`.", "  ")
    for test in one.fails:
        file, _, function = test.partition("::")
        yield f"  - `{file}`\n    `{function}`"


def render() -> str:
    """The whole page."""
    parts = [HEAD]
    every = mechanisms()
    for promise, (title, sentence) in PROMISES.items():
        held = [one for one in every if promise in one.promises]
        lines = [line for one in held for line in _mechanism(one)]
        parts.append("\n".join([f"## {promise}: {title}\n", _wrapped(sentence), "", *lines]) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(render())
