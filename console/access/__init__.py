"""Who may do what: people, their rights, sessions, tokens, and the ways in. Imports the ground, never a page."""
