"""Storage of a process that is killed at a chosen write."""

from collections.abc import Callable

from streams.broker.storage import Storage


class KilledError(Exception):
    """The process is gone."""


class _MortalFile:
    def __init__(self, storage: "MortalStorage", path: str) -> None:
        self._storage, self._file = storage, storage.inner.open(path)

    @property
    def size(self) -> int:
        return self._file.size

    def append(self, data: bytes | bytearray) -> None:
        self._storage.spend(lambda: self._file.append(data[: len(data) // 2]))
        self._file.append(data)

    def read(self, position: int, size: int) -> bytes:
        return self._file.read(position, size)

    def truncate(self, size: int) -> None:
        self._file.truncate(size)

    def close(self) -> None:
        self._file.close()


class MortalStorage:
    """Storage of a process that dies in the middle of its n-th write, half of which arrives."""

    def __init__(self, inner: Storage, writes: int) -> None:
        self.inner, self.writes_left = inner, writes

    def spend(self, last_act: Callable[[], None]) -> None:
        if self.writes_left == 0:
            last_act()
            self.writes_left = -1
        if self.writes_left < 0:
            raise KilledError
        self.writes_left -= 1

    def open(self, path: str) -> _MortalFile:
        return _MortalFile(self, path)

    def list(self, folder: str) -> list[str]:
        return self.inner.list(folder)

    def delete(self, path: str) -> None:
        self.spend(lambda: None)
        self.inner.delete(path)

    def replace(self, path: str, data: bytes | bytearray) -> None:
        self.spend(lambda: None)
        self.inner.replace(path, data)
