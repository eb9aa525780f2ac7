"""What somebody who filled in a contact form wants."""

from contracts.answers import Label, Question, Risk

QUESTION = Question(
    name="contact_intent",
    labels=(
        Label(
            name="sales_inquiry",
            description="Wants to buy or evaluate the product: prices, an offer, a demo, a trial, a tender.",
            examples=("What does it cost for 40 users?", "We would like to see a demo next week."),
        ),
        Label(
            name="support",
            description="Is a customer already and needs help with the product, the account or a bill.",
            examples=("I cannot log in to our workspace.", "The report we use every day is empty."),
        ),
        Label(
            name="partnership",
            description="Proposes to work together: resale, referral, integration, joint marketing, an alliance.",
            examples=("Do you have a reseller programme?", "Let us build an integration of our two products."),
        ),
        Label(
            name="job_application",
            description="Applies for a job, an internship or a traineeship, or asks about vacancies.",
            examples=("Please find my CV attached.", "Are you hiring data analysts?"),
        ),
        Label(
            name="press",
            description="A journalist or another medium: an interview, a statement, pictures, press releases.",
            examples=("I would like to interview your founder.", "Do you want to comment on the rumours?"),
        ),
        Label(
            name="unsubscribe",
            description="Does not want to be mailed any more: newsletters, advertising, events.",
            examples=("Take me off your list.", "I no longer want your newsletter."),
        ),
        Label(
            name="spam",
            description="Unasked advertising, fraud or nonsense sent to many: SEO, lists of addresses, prizes, loans.",
            examples=("We bring your website to page one.", "You have won a prize, click here."),
        ),
    ),
    fields=("message",),
    instructions="What does the person who filled in this contact form want from us?",
    evidence_required=True,
    risk=Risk.OUTSIDE,
    # A journalist's question answered by the wrong desk stands in the paper.
    always_ask=("press",),
)
