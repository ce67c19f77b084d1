"""Exposures that have settled, in columns: from there to outcomes by card, and to sums of engagement."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, repeat
from operator import itemgetter
from typing import Any

import numpy as np

from processors.cocluster.arrays import IntArray
from processors.settlement.due import SettledImpression
from schemas.fields import Weights
from schemas.outcomes import LoggedPage, OutcomesSettled

OUTCOMES_MAX = 50
"""So many of one card go into one record: with the longest names that there can be it is one that a broker takes."""


class ExposureColumns:
    """All exposures of some settled impressions; `item[i]` says to which of them exposure i belongs.

    >>> from processors.settlement.listener import OpenImpression
    >>> from tests.builders import impression
    >>> shown = OpenImpression.of(impression(cards=("c1", "c2")))
    >>> columns = ExposureColumns([SettledImpression("u1", shown, 9, (0, 40), (0, 1), ())])
    >>> columns.card_id, columns.played_ms, columns.item.tolist()
    (['c1', 'c2'], [0, 40], [0, 0])
    """

    def __init__(self, items: Sequence[SettledImpression]) -> None:
        self.items = items
        shown = [item.impression for item in items]
        self.item: IntArray = np.repeat(np.arange(len(items)), [len(page.cards) for page in shown])
        self.card_id = list(chain.from_iterable(page.cards for page in shown))
        self.played_ms = list(chain.from_iterable(item.played_ms for item in items))
        self._by_exposure: dict[str, list[Any]] = {
            "row": list(chain.from_iterable(page.rows for page in shown)),
            "slot": list(chain.from_iterable(page.slots for page in shown)),
            "shelf_id": list(chain.from_iterable(page.shelves for page in shown)),
            "played_ms": self.played_ms,
            "stream_count": list(chain.from_iterable(item.streams for item in items)),
            "propensity": list(chain.from_iterable(page.propensities for page in shown)),
        }

    def is_discovery(self) -> Iterator[bool]:
        """Of each exposure, whether the listener had not streamed the card lately when it was shown."""
        for item in self.items:
            shown_ms = item.impression.shown_ms
            known = {play.card_id for play in item.plays if play.event_ms <= shown_ms}
            yield from (card not in known for card in item.impression.cards)

    def outcomes(self, user_weights: Sequence[Weights], generation: int) -> Iterator[OutcomesSettled]:
        """The outcomes of each card, with the soft groups of the impressions' listeners."""
        logged: dict[LoggedPage, int] = {}
        by_item: dict[str, list[Any]] = {
            "impression_id": [item.impression.impression_id for item in self.items],
            "user_id": [item.user_id for item in self.items],
            "shown_ms": [item.impression.shown_ms for item in self.items],
            "settled_ms": [item.settled_ms for item in self.items],
            "user_weights": list(user_weights),
        }
        pages = [logged.setdefault(item.impression.logged, len(logged)) for item in self.items]
        named = list(logged)
        whose_all = self.item.tolist()
        for card_id, places in self._places():
            at = _picker(places)
            whose = _picker(at(whose_all))
            page, found = _renumbered(whose(pages), named)
            yield OutcomesSettled(
                card_id=card_id,
                generation=generation,
                page=page,
                logged=found,
                **{name: at(column) for name, column in self._by_exposure.items()},
                **{name: whose(column) for name, column in by_item.items()},
            )

    def _places(self) -> Iterator[tuple[str, list[int]]]:
        """Each card with its exposures, cards in the order of their first one; a great many come in parts."""
        places: dict[str, list[int]] = defaultdict(list)
        for place, card_id in enumerate(self.card_id):
            places[card_id].append(place)
        for card_id, found in places.items():
            for first in range(0, len(found), OUTCOMES_MAX):
                yield card_id, found[first : first + OUTCOMES_MAX]


def _picker(places: Sequence[int]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """What takes the entries at these places from a column, at the speed of C.

    >>> _picker([2])("abc"), _picker([2, 0])("abc")
    (('c',), ('c', 'a'))
    """
    if len(places) == 1:
        only = places[0]
        return lambda column: (column[only],)
    return itemgetter(*places)


def _renumbered(pages: tuple[int, ...], named: Sequence[LoggedPage]) -> tuple[tuple[int, ...], tuple[LoggedPage, ...]]:
    """Numbers of logged pages that count only those in use.

    >>> _renumbered((7, 7), [LoggedPage()] * 8)[0]
    (0, 0)
    """
    used = sorted(set(pages))
    if len(used) == 1:
        return tuple(repeat(0, len(pages))), (named[used[0]],)
    number = {page: index for index, page in enumerate(used)}
    return tuple(map(number.__getitem__, pages)), tuple(named[page] for page in used)
