"""The memory of pages in the shadow, until the correction window is over: one state row each."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from heapq import heappop, heappush

import msgspec
import numpy as np
from msgspec import Struct

from processors.arrays import IntArray
from processors.settlement.state.rows import Row

PREFIX = b"w/"
_PAGE, _SET, _SEPARATOR = b"w/p/", b"w/s/", b"\x00"

PageKey = tuple[bytes, bytes]
"""Names of a listener and of an impression, as JSON writes them."""


def name_of_row(key: bytes) -> bytes | None:
    """The listener of a row of a page, None of other rows."""
    return key[len(_PAGE) :].split(_SEPARATOR, 1)[0] if key.startswith(_PAGE) else None


class ShadowPage(Struct, array_like=True):
    """A page and its weights; numbers are little-endian, in columns of its weighed exposures [e]."""

    candidates: bytes  # digest of their names
    shown_ms: int
    place: bytes  # int32 [e], number of the exposure on the page
    row: bytes  # int32 [e]
    slot: bytes  # int32 [e]
    weights: bytes  # int32 [k, e]
    played_ms: bytes  # int64 [e], as told last
    is_told: bool = False
    pooled: bytes = b""  # int32 [k, e]; of a page without them, the weights

    def column(self, name: str) -> IntArray:
        """One of the columns [e]; of the weights, all candidates one after the other."""
        if name == "pooled" and not self.pooled:
            name = "weights"
        kind = "<i8" if name == "played_ms" else "<i4"
        return np.frombuffer(getattr(self, name), dtype=kind).astype(np.int64)


class ShadowPages:
    """Pages by listener and impression; rows are written when a page changes.

    >>> pages = ShadowPages(pages_max=2)
    >>> digest = pages.digest_of(("mean/greedy",))
    >>> pages.put((b"u1", b"i1"), ShadowPage(digest, 5, *[bytes(4)] * 4, bytes(8)))
    >>> again = ShadowPages(pages_max=2); again.restore(pages.changed_rows()); (b"u1", b"i1") in again
    True
    >>> pages.drop_until(5); len(pages), [value for _, value in pages.changed_rows()]
    (0, [None])
    """

    def __init__(self, pages_max: int) -> None:
        self.pages_max = pages_max
        self.sets: dict[bytes, tuple[str, ...]] = {}
        self._pages: dict[bytes, dict[bytes, ShadowPage]] = {}
        self._count = 0
        self._oldest: list[tuple[int, PageKey]] = []
        self._changed: set[PageKey] = set()
        self._new_sets: set[bytes] = set()

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: PageKey) -> bool:
        return self.get(key) is not None

    def knows_user(self, user: bytes) -> bool:
        """Whether any page of this listener is remembered."""
        return user in self._pages

    @property
    def room(self) -> float:
        """Probability with which to admit another page: one up to half of the limit, none at the limit.

        So many pages thin out, and are spread over the whole window; a hard limit would take all at its beginning.
        """
        return min(1.0, 2.0 * (1.0 - self._count / self.pages_max))

    def get(self, key: PageKey) -> ShadowPage | None:
        """A page; None if it is not remembered."""
        user, impression = key
        return self._pages.get(user, {}).get(impression)

    def digest_of(self, candidates: tuple[str, ...]) -> bytes:
        """Digest of these names, which are remembered with it."""
        digest = blake2b("\n".join(candidates).encode(), digest_size=8).digest()
        if digest not in self.sets:
            self.sets[digest] = candidates
            self._new_sets.add(digest)
        return digest

    def put(self, key: PageKey, page: ShadowPage) -> None:
        """Add a page, or note that it has changed."""
        self._add(key, page)
        self._changed.add(key)

    def drop_until(self, shown_ms: int) -> None:
        """Forget the pages that were shown by then."""
        while self._oldest and self._oldest[0][0] <= shown_ms:
            self._drop(heappop(self._oldest)[1])

    def forget(self, user: bytes) -> None:
        """Forget the pages of a listener."""
        for impression in list(self._pages.get(user, ())):
            self._drop((user, impression))

    def changed_rows(self) -> Iterator[Row]:
        """Rows that have changed since the last call; a row without a value is a deletion."""
        for digest in sorted(self._new_sets):
            yield _SET + digest, msgspec.msgpack.encode(self.sets[digest])
        for key in sorted(self._changed):
            page = self.get(key)
            yield _PAGE + _SEPARATOR.join(key), None if page is None else msgspec.msgpack.encode(page)
        self._new_sets.clear()
        self._changed.clear()

    def restore(self, rows: Iterable[Row]) -> None:
        """Restore the pages that wrote these rows."""
        for key, value in rows:
            if value is None:
                continue
            if key.startswith(_SET):
                self.sets[key[len(_SET) :]] = msgspec.msgpack.decode(value, type=tuple[str, ...])
            else:
                user, impression = key[len(_PAGE) :].split(_SEPARATOR, 1)
                self._add((user, impression), msgspec.msgpack.decode(value, type=ShadowPage))

    def _add(self, key: PageKey, page: ShadowPage) -> None:
        user, impression = key
        own = self._pages.setdefault(user, {})
        if impression not in own:
            self._count += 1
            heappush(self._oldest, (page.shown_ms, key))
        own[impression] = page

    def _drop(self, key: PageKey) -> None:
        user, impression = key
        own = self._pages.get(user, {})
        if own.pop(impression, None) is None:
            return
        self._count -= 1
        self._changed.add(key)
        if not own:
            del self._pages[user]
