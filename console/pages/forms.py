"""What a form or an address says, as the models that the API takes; blanks were not said."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from console import problems
from console.api.route import Asking, Reply
from console.asks import Change
from console.pages.page import Go, Visit

Model = TypeVar("Model", bound=BaseModel)
#: Where a page may send somebody back to: a path of ours, never another host.
_PATH_MAX = 500
_WRONG = "something is missing or cannot be read"


def said(model: type[Model], fields: Mapping[str, Any], **more: Any) -> Model:
    """The members of `fields` that the model knows, and `more`. Raises: NotAsked, field by field."""
    names = {field.alias or name for name, field in model.model_fields.items()}
    given = {name: value for name, value in fields.items() if name in names and value not in ("", None)} | more
    return problems.checked(_WRONG, lambda: model.model_validate_strings(given, strict=False))


def checked(model: type[Model], fields: Mapping[str, Any]) -> Model:
    """As `said`, where a member is more than text. Raises: NotAsked, field by field."""
    return problems.checked(_WRONG, lambda: model.model_validate(dict(fields), strict=False))


def back(fields: Mapping[str, str], otherwise: str) -> str:
    """The page that a form asks to go to afterwards, when it is one of ours."""
    path = fields.get("back", "")
    ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if ours and len(path) <= _PATH_MAX else otherwise


def member(reply: Reply, name: str) -> Any:
    """A member of what the API's function answered; of a form that was sent twice that is text."""
    return json.loads(reply)[name] if isinstance(reply, str) else getattr(reply, name)


def sends(
    call: Callable[[Asking], Reply], on: str, said_then: str, ask: type[Change] = Change
) -> Callable[[Visit], Go]:
    """The function of a form that hands one change to the API's function and comes back to the page `on`."""

    def page(visit: Visit) -> Go:
        call(visit.asking(body=said(ask, visit.form)))
        return Go(back(visit.form, on.format_map(visit.path)), said_then)

    return page
