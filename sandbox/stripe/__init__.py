"""A stand-in for the parts of Stripe's API that the product reads and writes, with its rules of idempotency.

One file per noun; `core.py` is the way in. On the sandbox's floor: may import `sandbox.standin` and the product.
"""
