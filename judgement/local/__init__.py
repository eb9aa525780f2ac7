"""The local tier: answers one closed question offline, says how sure it is, and learns from every correction.

Imports numpy, `contracts` and `counterfoil.settings`; knows no database, queue, network or clock.
"""
