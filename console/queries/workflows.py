"""The handlers that this installation runs, as the registry finds them."""

from console import answers
from counterfoil.settings import settings
from engine import registry


def every() -> list[answers.Handler]:
    """One line per handler."""
    return [
        answers.Handler(
            name=spec.name,
            version=spec.version,
            source=spec.source,
            types=sorted(spec.types),
            ordering=spec.ordering,
            description=spec.doc,
        )
        for spec in registry.find(settings().handlers_package).every()
    ]
