"""The API: one table of routes, from which the server, the OpenAPI document and the tests come.

To add a route, add a line to `routes.ROUTES` and the function it names; parameters, bodies and answers are models.
"""
