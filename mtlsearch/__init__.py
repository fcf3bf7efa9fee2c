"""mtlsearch: search what the tasks of a multi-task network should share, and whether they should share at all."""

import os

__version__ = "0.1.0"

os.environ.setdefault(
    "MKL_CBWR", "AUTO,STRICT"
)  # else the last bits of a product depend on where in memory it lies
