"""What the self-check looks at where answers are judged: how far questions are let out, what could be asked."""

from console.doctor.finding import Finding
from counterfoil.settings import settings


def questions() -> Finding:
    """How far each question is let out; one that was taken back is no fault, but somebody should know."""
    from console.queries import judgement

    found = judgement.every()
    items = [f"{one.name}: {one.mode}, {one.figures.waiting} wait for a person; {one.mode_reason}" for one in found]
    back = sum(one.mode != "automatic" for one in found)
    return Finding(
        name="questions", verdict="ok", detail=f"{len(found)} questions, {back} of them not let out", items=items
    )


def local() -> Finding:
    """The encoder's weights: the judge works without them, less well, but never with damaged ones."""
    from judgement.local import weights

    encoder = weights.find_encoder()
    if encoder is None:
        detail = "no encoder weights: it judges by letters alone, less well (`counterfoil judge weights` fetches them)"
        return Finding(name="local judge", verdict="ok", detail=detail)
    return Finding(name="local judge", verdict="ok", detail=f"encoder {encoder.name} is in place")


def model() -> Finding:
    """Whether the hosted model could be asked: its library, its key, its price."""
    from judgement.hosted import readiness

    model = settings().model
    if model is None:
        return Finding(name="hosted model", verdict="ok", detail="none (COUNTERFOIL_MODEL is not set)")
    wrong = readiness.missing(model)
    detail = f"{model} cannot be asked; what needs it waits" if wrong else f"{model} can be asked"
    return Finding(name="hosted model", verdict="wrong" if wrong else "ok", detail=detail, items=wrong)
