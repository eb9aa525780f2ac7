"""All endpoints that the stand-in has, from the nouns that own them."""

from sandbox.stripe import (
    account,
    billing,
    catalog,
    credit_notes,
    customers,
    disputes,
    invoice_lines,
    invoices,
    items,
    payments,
    payouts,
    refunds,
    subscriptions,
)
from sandbox.stripe.world import Routes

ROUTES = Routes()
for noun in (account, billing, catalog, credit_notes, customers, disputes, invoice_lines, invoices, items, payments,
             payouts, refunds, subscriptions):  # fmt: skip
    ROUTES.extend(noun.ROUTES)
