"""The libraries of ready-made callbacks, which are extras of the package."""

import importlib

from mtlsearch.errors import UsageError


def require(module: str, extra: str) -> None:
    """Import a module. Raises UsageError, which names the extra, where it is not installed."""
    try:
        importlib.import_module(module)
    except ImportError as error:
        raise UsageError(
            f"callbacks: {module} cannot be imported ({error}); "
            f"install it with: pip install 'mtlsearch[{extra}]'"
        ) from error
