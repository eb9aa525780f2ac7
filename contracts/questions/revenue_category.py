"""Which kind of revenue an invoice line is, where neither its metadata nor its price tells it.

The labels are the categories that `contracts.categories` knows: whoever adds one there adds one here.
"""

from contracts.answers import Label, Question, Risk, ThresholdPolicy

QUESTION = Question(
    name="revenue_category",
    labels=(
        Label(
            name="subscription",
            description="A fixed price for a period that goes on by itself: plans, seats, licences, hosting, support.",
            examples=("Team plan, monthly", "Renewal, 12 months"),
        ),
        Label(
            name="usage",
            description="Billed by what was consumed: calls, messages, gigabytes, minutes, transactions, overage.",
            examples=("API calls above the included volume", "4,120 text messages"),
        ),
        Label(
            name="one_off",
            description="A thing bought once and kept: hardware, a perpetual licence, a book, a ticket, a download.",
            examples=("Barcode scanner", "Perpetual licence"),
        ),
        Label(
            name="services",
            description="Work done by people: setup, consulting, training, migration, development by the hour.",
            examples=("Setup fee", "Consultant's fee, per day"),
        ),
        Label(
            name="other",
            description="No revenue of the product: postage, fees, interest, rounding, deposits, costs passed on.",
            examples=("Shipping", "Late payment interest"),
        ),
    ),
    fields=("description", "product", "price_nickname"),
    instructions="Which kind of revenue is this line of an invoice? If it does not say what was sold, none of these.",
    evidence_required=True,
    risk=Risk.MONEY,
    # From 1,000.00 on a line is certified by lines of that size: a thousand right small ones say nothing of it.
    threshold=ThresholdPolicy(bands_minor=(100_000,)),
    # What cannot be named is looked at: it ends on an account where nobody looks again.
    always_ask=("other",),
)
