"""The senders of webhooks, one pure file each: how they sign, what an event of theirs is, what identifies it.

May import the standard library, msgspec and cryptography; nothing of this project outside this folder.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from ingest.providers.base import Provider


@cache
def find() -> dict[str, Provider]:
    """Find every provider: each file of this folder that exposes PROVIDER."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    providers = [module.PROVIDER for module in modules if hasattr(module, "PROVIDER")]
    return {provider.name: provider for provider in providers}
