"""The console's pages: server-rendered, plain forms, no script needed; each shows and changes what the API does."""
