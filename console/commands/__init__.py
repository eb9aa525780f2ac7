"""The commands, one module per part of `counterfoil --help`. They import what they need when they run, so that help is
there at once.
"""
