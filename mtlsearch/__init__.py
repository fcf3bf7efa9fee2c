"""mtlsearch: search what the tasks of a multi-task network should share, and whether they should
share at all.
"""

import logging
import os

__version__ = "0.1.0"

# else the last bits of a product depend on where in memory it lies
os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")

# what is logged goes where the caller wants it, and into the log of a study
logging.getLogger(__name__).addHandler(logging.NullHandler())
