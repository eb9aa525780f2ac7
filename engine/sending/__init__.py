"""Writes on their way to destinations behind a network: looked at, sent once, settled when in doubt, recorded.

tasks      what is done with one write, on the wire and nowhere else
verdicts   what that means for the write: a result for the ledger, a failure for a person
recording  results into the ledger, and the events whose plans they complete
sender     the loop: record what is finished, claim what is due, hand it to threads
"""
