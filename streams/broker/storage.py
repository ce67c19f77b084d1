"""The broker's storage: a folder on disk or, with the same interface, memory.

A broker without a folder thus runs the same code as one with a folder, including crash recovery: a kill leaves
what was written here. Writes reach the operating system before they are acknowledged; they survive the death of the
process, but not a power loss (nothing is fsynced).
"""

import fcntl
import os
import shutil
from pathlib import Path
from typing import Protocol


class File(Protocol):
    """An append-only file."""

    @property
    def size(self) -> int:
        """Its size in bytes."""

    def append(self, data: bytes | bytearray) -> None:
        """Append all of the data."""

    def read(self, position: int, size: int) -> bytes:
        """Read up to `size` bytes."""

    def truncate(self, size: int) -> None:
        """Truncate to `size`."""

    def close(self) -> None:
        """Close it."""


class Storage(Protocol):
    """Named files in named folders."""

    def open(self, path: str) -> File:
        """Open for reading and appending; create when missing."""

    def list(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted; empty when there is no such folder."""

    def delete(self, path: str) -> None:
        """Remove a file or a folder with all its files; does nothing if it does not exist."""

    def replace(self, path: str, data: bytes | bytearray) -> None:
        """Replace a file atomically."""


class MemoryFile:
    """A file of a `MemoryStorage`.

    >>> file = MemoryFile(); file.append(b"abcdef"); file.read(2, 3), file.size
    (b'cde', 6)
    """

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return len(self._data)

    def append(self, data: bytes | bytearray) -> None:
        """Append."""
        self._data += data

    def read(self, position: int, size: int) -> bytes:
        """Read up to `size` bytes."""
        return bytes(memoryview(self._data)[position : position + size])

    def truncate(self, size: int) -> None:
        """Truncate to `size`."""
        del self._data[size:]

    def close(self) -> None:
        """Close the file."""
        return


class MemoryStorage:
    """Files in memory, which survive the crash of a broker that uses them."""

    def __init__(self) -> None:
        self._files: dict[str, MemoryFile] = {}

    def open(self, path: str) -> MemoryFile:
        """Open or create a file."""
        return self._files.setdefault(path, MemoryFile())

    def list(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        prefix = f"{folder}/"
        return sorted(path.removeprefix(prefix) for path in self._files if path.startswith(prefix))

    def delete(self, path: str) -> None:
        """Remove a file or a folder."""
        self._files.pop(path, None)
        for name in self.list(path):
            del self._files[f"{path}/{name}"]

    def replace(self, path: str, data: bytes | bytearray) -> None:
        """Replace a file atomically."""
        self._files[path] = MemoryFile()
        self._files[path].append(data)


class DiskFile:
    """A file of a `DirectoryStorage`."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = os.fstat(self._descriptor).st_size

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self._size

    def append(self, data: bytes | bytearray) -> None:
        """Append."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            os.ftruncate(self._descriptor, self._size)  # a full disk must not leave a partial batch
            raise
        self._size += len(data)

    def read(self, position: int, size: int) -> bytes:
        """Read up to `size` bytes."""
        return os.pread(self._descriptor, size, position)

    def truncate(self, size: int) -> None:
        """Truncate to `size`."""
        os.ftruncate(self._descriptor, size)
        self._size = size

    def close(self) -> None:
        """Close the file; later writes fail, because the descriptor may belong to another file."""
        os.close(self._descriptor)
        self._descriptor = -1


class DataDirInUseError(OSError):
    """Another broker uses the folder."""


class DirectoryStorage:
    """Files below one folder on disk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def lock(self) -> int:
        """Lock the folder until the returned descriptor is closed, or this process dies.

        Raises `DataDirInUseError`.
        """
        descriptor = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            raise DataDirInUseError(f"another broker serves {self._root}; choose another folder") from error
        return descriptor

    def open(self, path: str) -> DiskFile:
        """Open or create a file."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        return DiskFile(target)

    def list(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted."""
        target = self._root / folder
        if not target.is_dir():
            return []
        return sorted(child.name for child in target.iterdir() if not child.name.endswith(".new"))

    def delete(self, path: str) -> None:
        """Remove a file or a folder."""
        target = self._root / path
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def replace(self, path: str, data: bytes | bytearray) -> None:
        """Replace a file atomically."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{target.name}.new")
        fresh.write_bytes(data)
        fresh.replace(target)
