"""What failed or waits for a person, who owns it, and the way back to the start.

failures          the catalogue: every class of failure, its advice and its default owner role
owners, roster    who answers for what: the file, checked before anything starts, and its answer at this moment
cases             failures that belong together become one case; what people do with it
bursts, outages   many failures that are one case: refused signatures, a destination that is away
policy, caps      which writes need a person, and how much may be written without
approvals         asking people before a write is made, and what they answer; `reviews`: what they think of it later
fixes             corrections of payloads that two people made a rule
replay            one event, or many by filter, back to the entrance; `jobs`: what people do to that meanwhile
notify, digest    tells the owner, at once or once a day, and keeps the receipt
escalation        wakes what sleeps, passes on what nobody answers
refusals          why a person's request is refused, in words

May import `counterfoil` and `contracts`; knows nothing of the engine, the door or the console.
"""
