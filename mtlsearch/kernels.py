"""The products of matrices are the same to the last bit wherever in memory their numbers lie.

Intel's MKL, which torch multiplies with on many machines, promises that when the variable
`MKL_CBWR` of the environment says so before its first product; to have imported torch is no
product. So it is set when the rooms that train are imported, and never by `import mtlsearch`.
Processes that are started later inherit it.
"""

import ctypes
import os
from pathlib import Path

VARIABLE = "MKL_CBWR"
ANYWHERE = "AUTO,STRICT"  # the fastest kernels, in the mode that heeds no alignment

ALL_SETTINGS = -1  # what MKL is asked for: branch and mode together
STRICT_BIT = 0x10000
LIBRARY = Path("lib") / "libtorch_cpu.so"


def fix_products() -> None:
    """Ask MKL for products that do not depend on alignment, unless the user asked for others."""
    os.environ.setdefault(VARIABLE, ANYWHERE)


def came_too_late() -> bool:
    """Tell whether torch multiplied before `fix_products` in this process, so that MKL ignores it.

    False where torch has no MKL, or does not let it be asked.
    """
    import torch

    if os.environ.get(VARIABLE) != ANYWHERE:
        return False
    library = Path(torch.__file__).parent / LIBRARY
    if not library.is_file():
        return False
    asked = getattr(ctypes.CDLL(str(library)), "mkl_serv_cbwr_get", None)
    if asked is None:
        return False
    settings: int = asked(ALL_SETTINGS)
    return not settings & STRICT_BIT
