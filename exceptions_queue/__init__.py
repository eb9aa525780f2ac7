"""What failed or waits for a person, who owns it, and the way back to the start.

failures    the catalogue: every class of failure, its advice and its default owner role
owners      who answers for what, read from owners.toml and checked before anything starts
cases       failures that belong together become one case; what people do with it
replay      one event, or many by filter, back to the entrance
notify      tells the owner, keeps the receipt
bursts      refused signatures, when they come in bursts
escalation  wakes what sleeps, passes on what nobody answers

May import `counterfoil` and `contracts`; knows nothing of the engine, the door or the console.
"""
