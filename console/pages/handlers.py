"""Handlers: how far each is let out and what speaks for more, what holds it, what it did, which code it was."""

import re
from typing import Any

from console import answers, asks, controlling, masking, problems
from console.access import reveals
from console.api import control
from console.pages import controls as holding
from console.pages import forms, plots
from console.pages.page import Go, Page, Shown, Visit
from console.queries import controls, limits, workflows
from counterfoil import database
from counterfoil.settings import settings
from engine.rollout import AGREEMENT_MIN, SAMPLE_MIN
from exceptions_queue.policy import Rule, policy

#: `plan.tier = pro, team`: a member of the event, and the values that it may have.
_SEGMENT_LINE = re.compile(r"\s*([^=\s][^=]*?)\s*=\s*(.+?)\s*")
_WHOLE = re.compile(r"-?\d{1,15}")


def show_all(visit: Visit) -> Shown:
    """Every handler, and what holds and limits them."""
    found = workflows.every()
    with database.transaction() as conn:
        data: dict[str, Any] = {
            "modes": limits.settings_of(conn, [one.name for one in found]),
            "pauses": controls.pauses(conn),
            "caps": limits.caps(conn),
            "lately": limits.lately(conn, visit.now),
        }
    destinations = controls.every_destination()
    held = {(pause.scope, pause.name) for pause in data["pauses"]}
    return Shown(
        "handlers/all.html",
        "Handlers",
        {
            **data,
            "handlers": found,
            "destinations": destinations,
            "actions": sorted(name for name in controlling.known("action") if ("action", name) not in held),
            "held": held,
            "rules": policy().rule,
            "least_minor": _least_minor,
            "bar": plots.bar,
        },
    )


def _least_minor(rule: Rule) -> int | None:
    """From which amount on a rule asks; the one that is a setting is read there."""
    return settings().approval_minor if isinstance(rule.amount_from_minor, str) else rule.amount_from_minor


def show_one(visit: Visit) -> Shown:
    """One handler. Raises: NotFound."""
    name = controlling.a_handler(visit.named)
    spec = next(one for one in workflows.every() if one.name == name)
    rollout = controls.of_handler(name)
    with database.transaction() as conn:
        caps, versions = limits.caps(conn, name), limits.versions(conn, name, visit.now)
        lately = limits.lately(conn, visit.now).get(name, limits.Lately())
    return Shown(
        "handlers/one.html",
        f"Handler {name}",
        {
            "handler": spec,
            "rollout": rollout,
            "shadow": _shadow(visit, spec) if _has_shadow(rollout) else None,
            "caps": caps,
            "versions": versions,
            "lately": lately,
            "bar": plots.bar,
            "sample_min": SAMPLE_MIN,
            "agreement_min": AGREEMENT_MIN,
            "segment": segment_text(rollout.segment),
        },
    )


def _shadow(visit: Visit, spec: answers.Handler) -> answers.Shadow:
    """What it would have written; whose names and addresses stand in it is for those who may see them."""
    found = controls.shadow(spec.name)
    if not visit.person.may("reveal", spec.source, spec.name):
        return answers.Shadow.model_validate(masking.answered(found), from_attributes=True)
    if found.examples:
        reveals.record(visit.person.name, f"handlers:{spec.name}", "to see what it would have written")
    return found


def _has_shadow(rollout: answers.Rollout) -> bool:
    """Whether it ever was in shadow: only then it can have planned without writing."""
    return any(change.mode in ("shadow", "partial") for change in rollout.history)


def let_out(visit: Visit) -> Go:
    """Set how far it is let out."""
    more: dict[str, Any] = {}
    where = visit.form.get("segment", "").strip()
    is_partial = visit.form.get("mode") == "partial"
    if is_partial and visit.form.get("percent") and not where:
        more["share"] = _share(visit.form["percent"])
    ask = forms.said(asks.RolloutAsk, _without_segment(visit.form), **more)
    if is_partial and where:
        ask = ask.model_copy(update={"segment": segment(where)})
    control.let_out(visit.asking(body=ask))
    return Go(f"/handlers/{visit.named}", f"{visit.named} is set to {ask.mode}.")


def _without_segment(fields: Any) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name != "segment"}


def _share(percent: str) -> str:
    """A share as the API takes it. Raises: NotAsked."""
    try:
        return str(float(percent.replace(",", ".")) / 100)
    except ValueError:
        fault = problems.Fault(field="percent", detail="write a number between 0 and 100")
        raise problems.NotAsked("the share cannot be read", [fault]) from None


def segment(text: str) -> dict[str, Any]:
    """Lines such as `plan.tier = pro, team` as the API takes them. Raises: NotAsked."""
    found: dict[str, Any] = {}
    for line in filter(str.strip, text.splitlines()):
        read = _SEGMENT_LINE.fullmatch(line)
        if read is None:
            fault = problems.Fault(field="segment", detail=f"write `member = value`, not {line.strip()!r}")
            raise problems.NotAsked("the segment cannot be read", [fault])
        values = [_value(one.strip()) for one in read[2].split(",") if one.strip()]
        found[read[1]] = values if len(values) > 1 else values[0]
    return found


def _value(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return int(text) if _WHOLE.fullmatch(text) else text.strip('"')


def segment_text(found: dict[str, Any] | None) -> str:
    """The other way round."""
    lines = []
    for path, value in (found or {}).items():
        values = value if isinstance(value, list) else [value]
        lines.append(f"{path} = {', '.join(_said(one) for one in values)}")
    return "\n".join(lines)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) and _WHOLE.fullmatch(value) else str(value)


def review(visit: Visit) -> Go:
    """Whether a write that it planned is right: the evidence of its rollout."""
    ask = forms.said(asks.ReviewAsk, visit.form)
    control.review(visit.asking(body=ask))
    return Go(forms.back(visit.form, "/handlers"), "Thank you. It counts towards the next step.")


PAGES = (
    Page("GET", "/handlers", show_all),
    Page("GET", "/handlers/{name}", show_one),
    Page("POST", "/handlers/{name}/rollout", let_out, "control", on="/handlers/{name}"),
    *holding.pages("/handlers/{name}", "handler", "/handlers/{name}"),
    *holding.pages("/destinations/{name}", "destination", "/handlers"),
    *holding.pages("/actions", "action", "/handlers"),
    Page("POST", "/writes/{id}/review", review, "judge", on="/handlers"),
)
