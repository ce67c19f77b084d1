"""Folders of the machine-code cache.

| folder                             | read                  | written                                |
|------------------------------------|-----------------------|----------------------------------------|
| shipped with the package           | if present            | by `shelfwise compile` only            |
| `NUMBA_CACHE_DIR`                  | if set                | first                                  |
| `__pycache__` beside the sources   | always                | if `NUMBA_CACHE_DIR` is not writable   |
| the user's cache (`~/.cache`)      | if there is a home    | if the sources' folder is not          |
| a folder of the user's in `/tmp`   | if only they write    | if nothing else is writable            |

Machine code is executed, so it is read only from folders that are writable by the user or by those who can write the
sources; in `/tmp`, where every user can create a folder, owner and rights are checked.
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
    """Use only this folder from now on, to create code for shipping."""
    _only.append(folder)


def reading_places() -> tuple[Path, ...]:
    """Folders to read from, in order."""
    return tuple(_only) or _reading_places()


def writing_place() -> Path | None:
    """The folder to write to, or None if none is writable."""
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


def described_places() -> str:
    """One line that says where machine code is cached, or why not."""
    place = writing_place()
    refused = [str(folder) for folder in _given() if folder != place]
    why = f" (NUMBA_CACHE_DIR takes no files: {refused[0]})" if refused else ""
    return f"{place}{why}" if place else f"nowhere{why}: no folder takes files, so that each start compiles"


def _given() -> list[Path]:
    return [Path(_config.CACHE_DIR)] if _config.CACHE_DIR else []


def _with_user() -> list[Path]:
    try:
        return [Path("~/.cache/shelfwise/machine-code").expanduser()]
    except RuntimeError:  # the user has no home folder
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
    """A temporary folder of this user; the owner of a new file identifies the user."""
    try:
        with tempfile.NamedTemporaryFile() as made:
            owner = Path(made.name).stat().st_uid
            return Path(made.name).parent / f"shelfwise-{owner}"
    except OSError:
        return None


def _is_private(folder: Path) -> bool:
    """Whether only this user can write there."""
    try:
        with tempfile.NamedTemporaryFile() as made:
            found, owner = folder.lstat(), Path(made.name).stat().st_uid
    except OSError:
        return False
    return found.st_uid == owner and found.st_mode & 0o170077 == 0o040000
