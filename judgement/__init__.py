"""The local judge: answers one closed question offline, says how sure it is, and learns from every correction.

Imports numpy, `contracts` and `counterfoil.settings`; knows no database, queue, network or clock. It advises: what an
answer means for a write is decided on the floors above.
"""
