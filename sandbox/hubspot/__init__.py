"""A stand-in for the parts of HubSpot's CRM API that Counterfoil writes to and reads, and for its webhooks.

Part of the sandbox's floor, beside the other stand-ins; nothing in here opens a socket except `__main__`.

    python -m sandbox.hubspot --port 0 --webhook-url … --webhook-secret …
"""
