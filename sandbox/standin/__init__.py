"""What all stand-ins share: asked and answered without I/O, faults, and the two ways in (HTTP, in-process).

Part of the sandbox's floor: may import the product from above. A stand-in itself is one folder beside this one.
"""
