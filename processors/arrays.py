"""Types of numpy columns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]
# in compiled loops an int32 is widened by hand, so that one version is compiled
Index = int | np.signedinteger[Any]
