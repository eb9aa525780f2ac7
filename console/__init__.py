"""For people: the pages, the API, the commands. The only place that puts processes together.

May import everything below it. Nothing imports the console.
"""
