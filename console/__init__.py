"""For people: the API, the commands, the start page. The only place that puts processes together.

May import everything below it. Nothing imports the console.
"""
