"""Which team reads a support ticket first."""

from contracts.answers import Label, Question, Risk, ThresholdPolicy

QUESTION = Question(
    name="ticket_route",
    labels=(
        Label(
            name="support",
            description="The first line: questions about use, logins, invitations, roles, settings, small faults.",
            examples=("How do I archive a project?", "My reset mail does not arrive."),
        ),
        Label(
            name="engineering",
            description="Those who mend the service: outages, errors, wrong results, lost data, broken interfaces.",
            examples=("All API calls fail since the deployment.", "Totals in the report are wrong since the update."),
        ),
        Label(
            name="finance",
            description="Invoices, charges, refunds, payments, tax, bank details, reminders.",
            examples=("Please refund the second charge.", "Our purchase order number is missing on the bill."),
        ),
        Label(
            name="success",
            description="Whoever looks after the account: plans, renewals, cancelling, trainings, product wishes.",
            examples=("Please send a quote for our renewal.", "It would help if tasks could be cloned."),
        ),
        Label(
            name="security",
            description="Compromised accounts, leaked keys, weaknesses, fraud, data protection, audits.",
            examples=("Someone logged in as me.", "We need your latest penetration test report."),
        ),
    ),
    fields=("subject", "text"),
    instructions="Which team should read this support ticket first?",
    risk=Risk.LOW,
    # Whoever gets the wrong ticket hands it on.
    threshold=ThresholdPolicy(error_max=0.1, audit_share=0.05),
)
