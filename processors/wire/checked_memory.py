"""Checks in a checked build that every load and store of compiled code lies in an array.

`NUMBA_BOUNDSCHECK=1` makes a checked build: numba then checks array indices, and `loads` checks each address here. An
address is valid if it lies in an array that has been `held`, and whose memory has not been freed since. Invalid
accesses are counted and redirected to a dummy location; `violations` reports them. An access that leaves its array and
meets another one that is held remains undetected.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

_config: Any = numba.config
IS_CHECKED = bool(_config.BOUNDSCHECK)

_RANGES_MAX = 4_096
_GOOD, _HOLD = "shelfwise_good_address", "shelfwise_hold_range"
_NEXT, _LAST, _COUNT, _ADDRESS, _SIZE, _BEYOND = range(0, 48, 8)


class Violations(NamedTuple):
    """Number of invalid accesses; address and size of the last one, and its distance from the nearest array.

    `beyond` is the number of bytes from the end of the nearest held array before it; -1 if there is none.
    """

    seen: int
    address: int
    size: int
    beyond: int


def violations() -> Violations:
    """Violations since the last call."""
    if not IS_CHECKED:
        return Violations(0, 0, 0, 0)
    notes = _tables().notes
    seen = Violations(*notes[_COUNT // 8 : _BEYOND // 8 + 1].tolist())
    notes[_COUNT // 8] = 0
    return seen


def hold(array: NDArray[Any]) -> int:
    """Address of an array; permits loads and stores in it from now on, including the array of which it is a view."""
    address: int = array.__array_interface__["data"][0]
    if IS_CHECKED:
        while isinstance(array.base, np.ndarray):
            array = array.base
        low, high = byte_bounds(array)
        hold_range(low, high - low if array.size else 0)
    return address


def hold_range(address: int, size: int) -> None:
    """Permit loads and stores in this range."""
    if IS_CHECKED:
        _tables().hold(address, size)


def good(builder: Any, places: Sequence[Any], size: int) -> Any:
    """Emit a check of a load or store of `size` bytes, given as address and position; the result is valid."""
    place = builder.add(*places)
    return _call(builder, _GOOD, place, ir.IntType(64)(size)) if IS_CHECKED else place


def held(builder: Any, address_and_size: Sequence[Any]) -> Any:
    """Emit `hold_range` for compiled code; the result is the same address."""
    return _call(builder, _HOLD, *address_and_size) if IS_CHECKED else address_and_size[0]


def _call(builder: Any, name: str, *arguments: Any) -> Any:
    kind = ir.FunctionType(ir.IntType(64), 2 * [ir.IntType(64)])
    function = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
    return builder.call(function, arguments)


class _Tables:
    """Memory shared by compiled code and Python: ranges, violations, and the dummy location."""

    def __init__(self) -> None:
        self.ranges = np.zeros((_RANGES_MAX, 2), dtype=np.int64)
        self.notes = np.zeros(8, dtype=np.int64)
        self._nowhere = np.zeros(8, dtype=np.int64)
        self.notes[_LAST // 8] = self.ranges.ctypes.data
        addresses = [each.ctypes.data for each in (self.ranges, self.notes, self._nowhere)]
        self._functions = [numba.cfunc("int64(int64, int64)")(make(*addresses)) for make in (_finding, _holding)]
        for name, function in zip((_GOOD, _HOLD), self._functions, strict=True):
            llvm.add_symbol(name, function.address)
        self.hold = self._functions[1].ctypes


@cache
def _tables() -> _Tables:
    return _Tables()


def _finding(ranges: int, notes: int, nowhere: int) -> Any:
    def good_address(address: int, size: int) -> int:
        last = _load(notes + _LAST)
        if _load(last) <= address and address + size <= _load(last + 8):
            return address
        nearest = 0
        for place in range(ranges, ranges + 16 * _RANGES_MAX, 16):
            if _load(place) <= address and address + size <= _load(place + 8):
                _store(notes + _LAST, place)
                return address
            if _load(place + 8) <= address + size:
                nearest = max(nearest, _load(place + 8))
        _store(notes + _COUNT, _load(notes + _COUNT) + 1)
        _store(notes + _ADDRESS, address)
        _store(notes + _SIZE, size)
        _store(notes + _BEYOND, address - nearest if nearest else -1)
        return nowhere

    return good_address


def _holding(ranges: int, notes: int, _: int) -> Any:
    def hold_range(address: int, size: int) -> int:
        last, following = _load(notes + _LAST), ranges + 16 * _load(notes + _NEXT)
        is_last = _load(last) == address and _load(last + 8) == address + size
        if size <= 0 or (is_last and (following - last) % (16 * _RANGES_MAX) < 8 * _RANGES_MAX):
            return address
        for place in range(ranges, ranges + 16 * _RANGES_MAX, 16):
            if _load(place) < address + size and address < _load(place + 8):
                is_same = _load(place) == address and _load(place + 8) == address + size
                if is_same and (following - place) % (16 * _RANGES_MAX) < 8 * _RANGES_MAX:
                    return address
                _store(place, 0)  # the memory has a new owner; or the same, but this entry is soon overwritten
                _store(place + 8, 0)
        _store(following, address)
        _store(following + 8, address + size)
        _store(notes + _NEXT, (_load(notes + _NEXT) + 1) % _RANGES_MAX)
        return address

    return hold_range


def _loading(_: Any, address: Any) -> Any:
    def load(_: Any, builder: Any, __: Any, places: Any) -> Any:
        return builder.load(builder.inttoptr(places[0], ir.IntType(64).as_pointer()))

    return types.int64(address), load


def _storing(_: Any, address: Any, word: Any) -> Any:
    def store(_: Any, builder: Any, __: Any, places: Any) -> Any:
        builder.store(places[1], builder.inttoptr(places[0], ir.IntType(64).as_pointer()))
        return places[1]

    return types.int64(address, word), store


_load: Any = intrinsic(_loading)
_store: Any = intrinsic(_storing)

if IS_CHECKED:  # machine code loaded from the cache refers to these functions by name
    _tables()
