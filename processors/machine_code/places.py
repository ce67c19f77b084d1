"""Where machine code is kept, and where it may be found: the table of places.

| place                              | read                  | written                                |
|------------------------------------|-----------------------|----------------------------------------|
| shipped with the package           | where there is some   | by `shelfwise compile` only            |
| `NUMBA_CACHE_DIR`                  | where it is given     | first                                  |
| `__pycache__` beside the sources   | always                | where `NUMBA_CACHE_DIR` takes nothing  |
| the user's cache (`~/.cache`)      | where there is a home | where the sources' folder takes none   |
| a folder of the user's in `/tmp`   | where only they write | where nothing else takes any           |

Machine code is run as it is read, so it is read only from where whoever could write it could as well have written the
sources, or is the user; in `/tmp`, where anybody may make a folder of any name, owner and rights are looked at.
"""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numba

PACKAGE = Path(__file__).parent.parent
SHIPPED = PACKAGE / "machine_code" / "shipped"
_config: Any = numba.config
_only: list[Path] = []


def keep_only_in(folder: Path) -> None:
    """Look nowhere else from now on, and keep everything there: to make code that is to be shipped."""
    _only.append(folder)


def reading_places() -> tuple[Path, ...]:
    """Where to look, in this order."""
    return tuple(_only) or _reading_places()


def writing_place() -> Path | None:
    """Where to keep what is compiled, or None where nothing can be written at all."""
    if _only:
        return _only[0] if _takes_files(_only[0]) else None
    return _writing_place()


@cache
def _reading_places() -> tuple[Path, ...]:
    shared = _shared_place()
    fixed = (SHIPPED, *_given(), PACKAGE / "__pycache__" / "machine-code", *_with_user())
    return (*fixed, shared) if shared is not None and _is_private(shared) else fixed


@cache
def _writing_place() -> Path | None:
    for folder in (*_given(), PACKAGE / "__pycache__" / "machine-code", *_with_user()):
        if _takes_files(folder):
            return folder
    shared = _shared_place()
    if shared is None:
        return None
    try:
        shared.mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    return shared if _takes_files(shared) and _is_private(shared) else None


def told_places() -> str:
    """One line: where machine code is kept, or that it is not, and what was wished for but takes no files."""
    place = writing_place()
    refused = [str(folder) for folder in _given() if folder != place]
    why = f" (NUMBA_CACHE_DIR takes no files: {refused[0]})" if refused else ""
    return f"{place}{why}" if place else f"nowhere{why}: no folder takes files, so that each start compiles"


def _given() -> list[Path]:
    return [Path(_config.CACHE_DIR)] if _config.CACHE_DIR else []


def _with_user() -> list[Path]:
    try:
        return [Path("~/.cache/shelfwise/machine-code").expanduser()]
    except RuntimeError:  # no home, and no entry of the user's that tells one
        return []


def _takes_files(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            return True
    except OSError:
        return False


@cache
def _shared_place() -> Path | None:
    """A folder of this user's among the temporary ones; a file made there tells who the user is."""
    try:
        with tempfile.NamedTemporaryFile() as made:
            owner = Path(made.name).stat().st_uid
            return Path(made.name).parent / f"shelfwise-{owner}"
    except OSError:
        return None


def _is_private(folder: Path) -> bool:
    """Whether only this user may write there."""
    try:
        with tempfile.NamedTemporaryFile() as made:
            found, owner = folder.lstat(), Path(made.name).stat().st_uid
    except OSError:
        return False
    return found.st_uid == owner and found.st_mode & 0o170077 == 0o040000
