"""The door: verify, admit in groups, answer. Imports `counterfoil` and nothing above it.

app      what each request is answered        sources     which senders may knock, with which secrets
admit    many requests, one commit            providers/  one pure file per sender
server   the listener                         guard       what HTTP itself must not be used for
"""
