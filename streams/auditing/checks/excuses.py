"""Excuses by late events: the join may differ by what the counted late events explain, but not by more."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from streams.auditing.books import Exposure


class Wrong(NamedTuple):
    """An exposure with wrong streams; `lacks` if some are missing."""

    exposure: Exposure
    card_id: str
    lacks: bool
    case: str


def unexcused(wrong: Iterable[Wrong], late_count: int) -> Iterator[str]:
    """Cases that this number of late events cannot explain.

    One late event explains one page: the streams of a late impression found no page, or an older one of the listener
    with the same card. It thus explains every card of its page, and what another page got of those.

    >>> first = Wrong(("u1", "late", 0, 0), "c1", lacks=True, case="first")
    >>> second = Wrong(("u1", "late", 0, 1), "c2", lacks=True, case="second")
    >>> got_it = Wrong(("u1", "older", 0, 0), "c1", lacks=False, case="older")
    >>> other = Wrong(("u2", "page", 0, 0), "c1", lacks=False, case="other")
    >>> list(unexcused([first, got_it, second, other], late_count=1))
    ['other']
    """
    pages: set[tuple[str, str]] = set()
    lacking: set[tuple[str, str]] = set()
    for found in sorted(wrong, key=lambda found: not found.lacks):
        user_id, impression_id, _, _ = found.exposure
        page, card = (user_id, impression_id), (user_id, found.card_id)
        if page not in pages and (found.lacks or card not in lacking):
            if len(pages) >= late_count:
                yield found.case
                continue
            pages.add(page)
        if found.lacks:
            lacking.add(card)
