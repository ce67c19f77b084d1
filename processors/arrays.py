"""Types of numpy columns, and of the numbers by which compiled code refers to memory."""

from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]
# in compiled loops an int32 is widened by hand, so that one version is compiled
Index = int | np.signedinteger[Any]

if TYPE_CHECKING:

    class Address(int):
        """Address of a byte in memory; adding a number of bytes gives another, their difference is a number."""

        def __add__(self, other: Index, /) -> "Address": ...
        @overload  # type: ignore[override]
        def __sub__(self, other: "Address", /) -> int: ...  # type: ignore[overload-overlap]
        @overload
        def __sub__(self, other: Index, /) -> "Address": ...
        def __sub__(self, other: Index, /) -> int: ...

    class Offset(int):
        """Position in a text or a record, in bytes from its start."""

        def __add__(self, other: Index, /) -> "Offset": ...
        @overload  # type: ignore[override]
        def __sub__(self, other: "Offset", /) -> int: ...  # type: ignore[overload-overlap]
        @overload
        def __sub__(self, other: Index, /) -> "Offset": ...
        def __sub__(self, other: Index, /) -> int: ...

    class Place(int):
        """Index of a record in an array of records; -1 for none."""

        def __add__(self, other: Index, /) -> "Place": ...
        @overload  # type: ignore[override]
        def __sub__(self, other: "Place", /) -> int: ...  # type: ignore[overload-overlap]
        @overload
        def __sub__(self, other: Index, /) -> "Place": ...
        def __sub__(self, other: Index, /) -> int: ...

else:
    # distinct for mypy only: at run time, and in compiled code, each is a 64-bit integer
    Address = Offset = Place = np.int64
