"""What a support ticket is about: one of six kinds that ask for different work."""

from contracts.answers import Label, Question, Risk, ThresholdPolicy

QUESTION = Question(
    name="ticket_category",
    labels=(
        Label(
            name="billing",
            description="About money: an invoice, a charge, a refund, a payment method, tax details, prices, the plan.",
            examples=("We were charged for a seat that we removed.", "Please put our VAT number on the invoice."),
        ),
        Label(
            name="bug",
            description="A function gives a wrong result, shows an error or behaves otherwise than it should.",
            examples=("The export leaves out every row with a comma.", "Clicking on delete opens the wrong record."),
        ),
        Label(
            name="outage",
            description="The service as a whole is down, unreachable or far too slow for everybody at the customer.",
            examples=("Nothing loads for any of us since nine.", "Your API answers every request with 503."),
        ),
        Label(
            name="access",
            description="Login, passwords, second factors, roles, invitations, locked or compromised accounts.",
            examples=("I cannot log in any more.", "Please give our new colleague editing rights."),
        ),
        Label(
            name="how_to",
            description="Nothing is broken: somebody asks how something is done, set up or documented.",
            examples=("How do I export only last month?", "Where is the setting for the time zone?"),
        ),
        Label(
            name="feature_request",
            description="A wish for something that the product does not do today.",
            examples=("It would be great to have a calendar view.", "Please add support for several currencies."),
        ),
    ),
    fields=("subject", "text"),
    instructions="What is this support ticket about? Judge what the writer needs, not the words of the subject alone.",
    risk=Risk.LOW,
    # Whoever reads a ticket of the wrong kind moves it on: one in ten is what a desk sees from people, too.
    threshold=ThresholdPolicy(error_max=0.1, audit_share=0.05),
)
