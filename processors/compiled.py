"""One typed door to numba: which functions are compiled is readable, and mypy still sees their types.

Machine code is kept for later runs in a folder named after the sources of the function's package and of those that all
may call (`SHARED`): numba itself looks only at the file of the outermost function, and would go on with old code when a
function that it calls, in another file, has changed. To compile is the one thing here that touches a disk, and nothing
that is learned depends on it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")

SHARED = (Path(__file__).parent / "wire",)
"""Packages whose functions are inlined into others' everywhere."""

_config: Any = numba.config
_njit: Any = numba.njit  # whose types leave `_nrt` out: whether references are counted


@cache
def sources_digest(package: Path) -> str:
    """Name of the present sources of a package and of the shared ones."""
    digest = blake2b(numba.__version__.encode(), digest_size=8)
    for folder in (package, *SHARED):
        for source in sorted(folder.glob("*.py")):
            digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


@cache
def _folder(package: Path) -> Path | None:
    """Where machine code is kept: where `NUMBA_CACHE_DIR` says, else beside the sources, else with the user; or not."""
    given: str = _config.CACHE_DIR
    beside, with_user = package / "__pycache__", Path("~/.cache/shelfwise").expanduser()
    places = [Path(given)] if given else [beside, with_user]
    for place in places:
        folder = place / f"compiled-{sources_digest(package)}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ".writable").touch()
        except OSError:
            continue
        return folder
    return None


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    before, _config.CACHE_DIR = _config.CACHE_DIR, str(folder)
    try:
        yield
    finally:
        _config.CACHE_DIR = before


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile at the first call, and keep the machine code for later runs.

    No fast-math and no threads: the same inputs give the same bytes. It lets go of the interpreter while it runs: a
    fit that takes seconds keeps no heartbeat from being sent.
    """
    return _kept(function, counts_references=True)


def borrowing(function: Callable[P, R]) -> Callable[P, R]:
    """Compile what only borrows the arrays of its caller: it neither makes arrays nor gives any back.

    References are not counted then. Numba counts them at each use of an array out of a tuple, by atomic additions:
    settlement took twice as long. To make an array is an error when it is compiled; to give one back is found by
    `tests/test_compiled.py`.
    """
    return _kept(function, counts_references=False)


def _kept(function: Callable[P, R], *, counts_references: bool) -> Callable[P, R]:
    folder = _folder(Path(function.__code__.co_filename).parent)
    if folder is None:
        return cast("Callable[P, R]", _njit(nogil=True, _nrt=counts_references)(function))
    with _kept_in(folder):
        return cast("Callable[P, R]", _njit(cache=True, nogil=True, _nrt=counts_references)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile into every caller: what a caller has taken out of a tuple is not taken out again."""
    return cast("Callable[P, R]", numba.njit(inline="always")(function))


def fused(function: Callable[P, R]) -> Callable[P, R]:
    """Compile once, and let the machine code be merged into every caller's: for small functions that call each other.

    Unlike what is `inlined` it may return from many places, and costs callers less time to compile. It only borrows
    arrays, like what is `borrowing`.
    """
    return cast("Callable[P, R]", _njit(nogil=True, forceinline=True, _nrt=False)(function))
