"""For people: the pages, the API, the commands. The only place that puts processes together.

pages, api, commands    three ways in; each looks by `queries` and changes by the same functions
asks, answers           what may be asked and what is answered, as types
queries, searching      everything that looks; what people type into the search box
actions and its kin     everything that people change (approving, controlling, fixing, judging, taking_back, trying)
access                  who may do what
doctor                  the self-check

May import everything below it. Nothing imports the console.
"""
