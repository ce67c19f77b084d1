"""Caches the machine code of compiled functions in files, by content.

A file is named by the function, the sources of everything it reaches, the types of its arguments and the machine. No
index is needed, so that many processes may write at once, and files can be copied anywhere.
"""

import pickle
import tempfile
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from types import FunctionType
from typing import Any, Literal

from processors.machine_code.by_reference import Reference
from processors.machine_code.closure import closure_digest
from processors.machine_code.machine import made_with, runnable
from processors.machine_code.numba_core import dumps, parts_of, rebuilt, types
from processors.machine_code.places import reading_places, writing_place

Happening = Literal["loaded", "compiling", "compiled"]
Watcher = Callable[[Happening, str], object]

VERSIONS_MAX = 6
"""Maximum number of files per function: versions of the sources, and processors that share the folder."""

_CHECK_SIZE = 16
_watchers: list[Watcher] = []


def watch(watcher: Watcher) -> None:
    """Add an observer of cache events, called in the thread that causes them."""
    _watchers.append(watcher)


def unwatch(watcher: Watcher) -> None:
    """Remove an observer."""
    if watcher in _watchers:
        _watchers.remove(watcher)


def is_kept(function: FunctionType) -> bool:
    """Whether there is usable machine code of the present version of this function, for any arguments."""
    patterns = [f"{_stem(function, machine)}.*.code" for machine in runnable()]
    return any(True for place in reading_places() for pattern in patterns for _ in place.glob(pattern))


class Kept:
    """The cache interface of numba: loads machine code before a compilation, and saves it afterwards."""

    cache_path = ""

    def __init__(self, function: FunctionType) -> None:
        self._function = function
        self._name = f"{function.__module__}.{function.__qualname__}"

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Machine code for these types of arguments, or None."""
        context.refresh()
        names = [self._file_name(signature, machine) for machine in runnable()]
        for name in names:
            for place in reading_places():
                found = _read(place / name)
                if found is not None:
                    _tell("loaded", self._name)
                    return rebuilt(context, found)
        _tell("compiling", self._name)
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Save it if possible."""
        place = writing_place()
        if place is not None and not result.library.has_dynamic_globals:
            machine = runnable()[0]
            _write(place / self._file_name(signature, machine), dumps(parts_of(result)))
            _forget_old(place, f"{self._name}-*.code")
        _tell("compiled", self._name)

    def flush(self) -> None:
        """Do nothing: files are valid for their sources."""

    def _file_name(self, signature: Any, machine: str) -> str:
        arguments = "; ".join(map(described_type, signature if isinstance(signature, tuple) else signature.args))
        digest = blake2b(arguments.encode(), digest_size=8).hexdigest()
        return f"{_stem(self._function, machine)}.{digest}.code"


def described_type(kind: Any) -> str:
    """Description of a type for compiled code, including the order of a named tuple's fields."""
    if isinstance(kind, Reference):
        return f"&{described_type(kind.of)}"
    if isinstance(kind, types.BaseNamedTuple):
        named = kind.instance_class
        inside = ", ".join(f"{field}: {described_type(one)}" for field, one in zip(named._fields, kind, strict=True))
        return f"{named.__module__}.{named.__qualname__}({inside})"
    if isinstance(kind, types.BaseTuple):
        return f"({', '.join(map(described_type, kind))})"
    return str(kind)


def _stem(function: FunctionType, machine: str) -> str:
    made_for = blake2b(f"{made_with()} {machine}".encode(), digest_size=6).hexdigest()
    return f"{function.__module__}.{function.__qualname__}-{closure_digest(function)}.{made_for}"


def _tell(happening: Happening, name: str) -> None:
    for watcher in _watchers:
        watcher(happening, name)


def _read(path: Path) -> Any:
    """Content of a file, or None if it is missing or incomplete."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    check, body = content[:_CHECK_SIZE], content[_CHECK_SIZE:]
    if blake2b(body, digest_size=_CHECK_SIZE).digest() != check:
        return None
    return pickle.loads(body)  # noqa: S301  as trustworthy as the sources: see `places`


def _write(path: Path, body: bytes) -> None:
    """Write a file atomically, if the folder is writable."""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as made:
            made.write(blake2b(body, digest_size=_CHECK_SIZE).digest() + body)
        Path(made.name).chmod(0o644)
        Path(made.name).replace(path)
    except OSError:
        return


def _forget_old(place: Path, pattern: str) -> None:
    try:
        found = sorted(place.glob(pattern), key=lambda path: path.stat().st_mtime)
        for path in found[: -VERSIONS_MAX * 2]:
            path.unlink()
    except OSError:  # another process was faster
        return
