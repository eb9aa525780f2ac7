"""What a command says when it fails: one clear sentence, never a traceback, never a secret."""

from console import problems
from console.problems import Problem


def problem_of(failure: Exception) -> Problem:
    """Any failure as a problem with a sentence."""
    if isinstance(failure, Problem):
        return failure
    try:
        with problems.told():
            raise failure
    except Problem as problem:
        return problem
    except Exception as other:
        return _other(other)


def _other(failure: Exception) -> Problem:
    from counterfoil.telemetry import redact

    said = str(redact(str(failure))).strip()
    if _explains_itself(failure):
        return problems.NotAcceptable(said)
    return problems.Bug(f"this is our fault ({type(failure).__name__}{': ' + said if said else ''})")


def _explains_itself(failure: Exception) -> bool:
    """Failures whose message was written for the person at the terminal."""
    own = ("console", "counterfoil", "ingest", "engine", "exceptions_queue", "destinations", "contracts")
    return type(failure).__module__.split(".")[0] in own or isinstance(failure, OSError)
