"""mtlsearch: search what the tasks of a multi-task network should share, and whether they should share at all."""

__version__ = "0.1.0"
