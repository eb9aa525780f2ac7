"""Everything needed to play a whole company offline: the demo's day, and what it is made of.

Stands above all floors: it uses the product from outside, over HTTP and by its commands.
"""
