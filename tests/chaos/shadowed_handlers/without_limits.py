"""No handler: what is sent to the stand-ins is not limited. Imported when this folder is walked for handlers."""

from destinations import hubspot, stripe

# The stand-ins have no limits; a test need not wait for those of the real ones.
type(hubspot.DESTINATION).rate_per_second = 500.0
type(stripe.DESTINATION).rate_per_second = 500.0
