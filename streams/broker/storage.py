"""Where the broker's bytes live: a folder on disk or, with the same four verbs, memory.

Both are driven through one interface, so a broker without a folder runs the code path of one with a
folder, crash recovery included: what was written here is what a kill leaves behind.
Writes reach the operating system before they are acknowledged; they survive the death of the process, not
a loss of power (nothing is fsynced).
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
        """Bytes that it holds."""

    def append(self, data: bytes | bytearray) -> None:
        """Write at the end, wholly."""

    def read(self, position: int, size: int) -> bytes:
        """Read up to `size` bytes."""

    def truncate(self, size: int) -> None:
        """Cut what is after `size`."""

    def close(self) -> None:
        """Give the descriptor back."""


class Storage(Protocol):
    """Named files in named folders."""

    def open(self, path: str) -> File:
        """Open for reading and appending; create when missing."""

    def list(self, folder: str) -> list[str]:
        """Names of the files in a folder, sorted; empty when there is no such folder."""

    def delete(self, path: str) -> None:
        """Remove a file or a folder with all its files; silent when it is gone already."""

    def replace(self, path: str, data: bytes | bytearray) -> None:
        """Write a whole file in one step: a kill leaves the old one or the new one."""


class MemoryFile:
    """A file of a `MemoryStorage`.

    >>> file = MemoryFile(); file.append(b"abcdef"); file.read(2, 3), file.size
    (b'cde', 6)
    """

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return len(self._data)

    def append(self, data: bytes | bytearray) -> None:
        """Write at the end."""
        self._data += data

    def read(self, position: int, size: int) -> bytes:
        """Read up to `size` bytes."""
        return bytes(memoryview(self._data)[position : position + size])

    def truncate(self, size: int) -> None:
        """Cut what is after `size`."""
        del self._data[size:]

    def close(self) -> None:
        """Give up the file."""
        return


class MemoryStorage:
    """Files in memory: gone with the object, kept over the crash of a broker that uses it."""

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
        """Write a whole file in one step."""
        self._files[path] = MemoryFile()
        self._files[path].append(data)


class DiskFile:
    """A file of a `DirectoryStorage`."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        self._size = os.fstat(self._descriptor).st_size

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return self._size

    def append(self, data: bytes | bytearray) -> None:
        """Write at the end."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            os.ftruncate(self._descriptor, self._size)  # a full disk leaves no half batch behind
            raise
        self._size += len(data)

    def read(self, position: int, size: int) -> bytes:
        """Read up to `size` bytes."""
        return os.pread(self._descriptor, size, position)

    def truncate(self, size: int) -> None:
        """Cut what is after `size`."""
        os.ftruncate(self._descriptor, size)
        self._size = size

    def close(self) -> None:
        """Give up the file; a write from now on fails, for its descriptor may be another file's by then."""
        os.close(self._descriptor)
        self._descriptor = -1


class DataDirInUseError(OSError):
    """Two brokers on one folder would write over each other."""


class DirectoryStorage:
    """Files below one folder on disk."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def lock(self) -> int:
        """Keep every other broker out until the returned descriptor is closed, or this process dies.

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
        """Write a whole file in one step."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f"{target.name}.new")
        fresh.write_bytes(data)
        fresh.replace(target)
