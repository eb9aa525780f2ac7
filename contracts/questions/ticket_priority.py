"""How soon a support ticket has to be read by somebody who can act."""

from contracts.answers import Label, Question, Risk, ThresholdPolicy

QUESTION = Question(
    name="ticket_priority",
    labels=(
        Label(
            name="urgent",
            description="Harm is being done now: production is down, an intruder is inside, people or money in danger.",
            examples=("Our whole shop is offline, please call at once.", "Someone is exporting our data right now."),
        ),
        Label(
            name="high",
            description="Work is blocked or wrong for several people, or a deadline is near; no way around is known.",
            examples=("The nightly import deletes records.", "Fifteen colleagues cannot log in this morning."),
        ),
        Label(
            name="medium",
            description="One person or one function is affected, and work goes on; an answer is due within days.",
            examples=("The PDF loses its last line.", "Our invoice shows the wrong address."),
        ),
        Label(
            name="low",
            description="A question, an idea or something cosmetic; nothing is held up by it.",
            examples=("How do I change the language?", "A dark theme would be nice."),
        ),
    ),
    fields=("subject", "text"),
    instructions="How soon must this ticket be acted on? Judge the harm that is described, not how loudly it is told.",
    risk=Risk.LOW,
    # A ticket that is read an hour later than it should; nobody is told that it was read.
    threshold=ThresholdPolicy(error_max=0.1, audit_share=0.05),
    # Somebody is woken by it, and every sender would like theirs to be.
    always_ask=("urgent",),
)
