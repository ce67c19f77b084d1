"""Loads from memory: one or eight bytes at any position, without a check. For compiled code only.

Bytes are passed as the address of the first of them (`address_of`), so that a call passes numbers only. Whoever loads
sees to it that there are bytes: eight beyond the last position (see `processors/wire/batch.py`).
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from processors.cocluster.arrays import FloatArray, IntArray
from processors.compiled import inlined


def _byte(_: Any, address: Any, at: Any) -> Any:
    def load(_: Any, builder: Any, __: Any, places: Any) -> Any:
        pointer = builder.inttoptr(builder.add(*places), ir.IntType(8).as_pointer())
        return builder.zext(builder.load(pointer), ir.IntType(64))

    return types.int64(address, at), load


def _word(_: Any, address: Any, at: Any) -> Any:
    def load(_: Any, builder: Any, __: Any, places: Any) -> Any:
        loaded = builder.load(builder.inttoptr(builder.add(*places), ir.IntType(64).as_pointer()))
        loaded.align = 1
        return loaded

    return types.uint64(address, at), load


def _number(_: Any, address: Any, at: Any) -> Any:
    return types.int64(address, at), _word(_, address, at)[1]


def _put(_: Any, address: Any, at: Any, number: Any) -> Any:
    def store(_: Any, builder: Any, __: Any, places: Any) -> Any:
        pointer = builder.inttoptr(builder.add(*places[:2]), ir.IntType(64).as_pointer())
        builder.store(places[2], pointer)
        return places[2]

    return number(address, at, number), store


def _put_real(_: Any, address: Any, at: Any, real: Any) -> Any:
    def store(_: Any, builder: Any, __: Any, places: Any) -> Any:
        pointer = builder.inttoptr(builder.add(*places[:2]), ir.DoubleType().as_pointer())
        builder.store(places[2], pointer)
        return places[2]

    return real(address, at, real), store


def _zeros(_: Any, word: Any) -> Any:
    def count(_: Any, builder: Any, __: Any, words: Any) -> Any:
        return builder.cttz(words[0], ir.IntType(1)(1))

    return types.int64(word), count


byte_at = cast("Callable[[int, int], int]", intrinsic(_byte))
"""The byte at a position."""

word_at = cast("Callable[[int, int], np.uint64]", intrinsic(_word))
"""The eight bytes from a position on, the first of them the lowest."""

number_at = cast("Callable[[int, int], int]", intrinsic(_number))
"""The whole number of eight bytes at a position."""

put = cast("Callable[[int, int, int], int]", intrinsic(_put))
"""Store a whole number of eight bytes at a position, a multiple of eight, and give it back."""

put_real = cast("Callable[[int, int, float], float]", intrinsic(_put_real))
"""Store a double at a position, a multiple of eight, and give it back."""

trailing_zeros = cast("Callable[[np.uint64], int]", intrinsic(_zeros))
"""How many zero bits are below the lowest one bit of a word that is not zero."""


@inlined
def address_of(data: IntArray | FloatArray) -> int:
    """Where these bytes or numbers begin: good as long as the caller holds the array."""
    return int(np.int64(data.ctypes.data))
