"""Handlers that write everywhere, and one that tries to where it may not; for a day in shadow."""

from destinations import hubspot, stripe

# The stand-ins have no limits; a test need not wait for those of the real ones.
type(hubspot.DESTINATION).rate_per_second = 500.0
type(stripe.DESTINATION).rate_per_second = 500.0
