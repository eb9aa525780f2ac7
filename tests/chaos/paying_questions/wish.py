"""A question whose text may leave the house, as none of those that ship."""

from contracts.answers import Label, Question, Risk

QUESTION = Question(
    name="wish",
    labels=(
        Label(name="refund", description="Wants money back."),
        Label(name="invoice", description="Wants a bill, or another one."),
    ),
    fields=("text",),
    instructions="What does this text want?",
    risk=Risk.LOW,
    may_leave=True,
)
