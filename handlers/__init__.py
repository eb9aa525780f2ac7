"""The workflows a team writes, one file per thing that happened; nothing else lives here.

A handler takes a contract object and returns an outcome. It may import `engine` (what to return), `contracts` (what
came in) and `destinations` (how effects are built); it never sees a session, a broker, a client, a clock or a setting.
"""
