"""Rankings in words: reasons, sources, and the place that a card has by its score alone."""

from schemas.rankings import RankedShelf, ReasonKind
from streams.pictures import words
from streams.subscribers.ranking_table import Source

_REASONS: dict[ReasonKind, str] = {
    "own_streams": "own streams of it {value:+.3f}",
    "group": "listeners like this one {value:+.3f}",
    "card": "does better than the average card {value:+.3f}",
    "fresh": "a recent release {value:+.3f}",
    "newcomer": "few have seen it: {share} of the score is prior",
    "exploration": "explored: with probability {share} the shelf is not shown in its best order",
}
SOURCES: dict[Source, str] = {
    "own": "the listener's own ranking",
    "group": "no ranking of this listener is known: the newest of the same user group stands in",
    "global": "no ranking of this listener is known: the newest of any listener stands in",
}


def reason_in_words(kind: ReasonKind, value: float) -> str:
    """A reason with its number.

    >>> reason_in_words("group", 0.0123), reason_in_words("newcomer", 0.4)
    ('listeners like this one +0.012', 'few have seen it: 40% of the score is prior')
    """
    return _REASONS[kind].format(value=value, share=words.share(value))


def by_score(shelf: RankedShelf) -> list[int]:
    """Each card's place if the shelf were in the order of the scores, that is, without exploration."""
    order = sorted(range(len(shelf.cards)), key=lambda slot: (-shelf.scores[slot], slot))
    place = {slot: rank + 1 for rank, slot in enumerate(order)}
    return [place[slot] for slot in range(len(order))]
