"""The driver's typed door to numba: that of the processors, which know of compiling what is to be known."""

from processors.compiled import compiled

__all__ = ["compiled"]
