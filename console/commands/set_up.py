"""Set-up and self-check: migrate, doctor, openapi."""

from typing import Annotated

import typer

from console.commands import shared
from console.commands.shared import Json


def register(app: typer.Typer) -> None:
    """Add these commands."""
    for command in (migrate, doctor, openapi):
        app.command()(command)


def migrate(json: Json = False) -> None:
    """Bring the database to this version.

    Safe to run from several machines at once: the first one works, the others wait. Refused, so that a deployment stops
    here, when the owners file of this version lacks somebody who holds open cases.
    """
    from console import problems
    from counterfoil import database
    from exceptions_queue import leaving, owners

    shared.config()
    before = database.schema_is_current()
    database.migrate()
    if missing := leaving.problems(owners.roster()):
        faults = [problems.Fault(field="owners file", detail=problem) for problem in missing]
        raise problems.Conflict("the owners file takes somebody away who holds open cases", faults)
    if json:
        shared.put_json({"changed": not before, "current": database.schema_is_current()})
    else:
        shared.put("The database was current already." if before else "The database is current now.")


def doctor(
    json: Json = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="list what is set, too")] = False,
) -> None:
    """Check all that must be true.

    Promises, configuration, reachability, clocks; the exit code is 1 if something is wrong.
    """
    from console import doctor as doctors

    findings = doctors.examine()
    wrong = [finding for finding in findings if finding.verdict == "wrong"]
    if json:
        shared.put_json({"healthy": not wrong, "findings": [finding.model_dump() for finding in findings]})
    else:
        for finding in findings:
            shared.put(f"{finding.verdict:8} {finding.name:14} {finding.detail}")
            if finding.verdict != "ok" or verbose:
                for item in finding.items:
                    shared.put(f"{'':23} - {item}")
        shared.put("Something is wrong." if wrong else "Everything that was checked is true.")
    if wrong:
        raise typer.Exit(1)


def openapi(json: Json = False) -> None:
    """Print the API's OpenAPI 3.1 document; it is JSON either way."""
    from console.api import openapi as document

    shared.put_json(document.document())
