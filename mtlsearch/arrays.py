"""The type of numpy arrays, whose shapes and numbers are said in docstrings."""

from typing import Any, TypeAlias

import numpy as np

Array: TypeAlias = np.ndarray[Any, Any]
