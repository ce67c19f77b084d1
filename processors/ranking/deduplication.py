"""Deduplication: a card that is valid in several shelves stands in one of them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from processors.policies.keyed_draws import name_key


def dealt(valid: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Of each card's shelves the one it is dealt to, so that no shelf runs dry.

    Cards of one shelf are counted first; then, in an order that no name favours, each other card goes to that of its
    shelves which has fewest. A function of the catalogue alone, made before any order is drawn: so the sets of valid
    cards are the same in every draw, and the propensities of the shelves stay exact.

    >>> chosen = dealt({"a": ("jazz",), "b": ("jazz", "new"), "c": ("jazz", "new"), "d": ("jazz", "new")})
    >>> sorted(shelf for (shelf,) in chosen.values())
    ['jazz', 'jazz', 'new', 'new']
    """
    sizes: Counter[str] = Counter()
    chosen: dict[str, tuple[str, ...]] = {card: tuple(shelves) for card, shelves in valid.items()}
    for shelves in valid.values():
        if len(shelves) == 1:
            sizes[shelves[0]] += 1
    several = [card for card, shelves in valid.items() if len(shelves) > 1]
    for card in sorted(several, key=lambda card: (name_key(card), card)):
        shelf = min(valid[card], key=lambda shelf: (sizes[shelf], shelf))
        chosen[card] = (shelf,)
        sizes[shelf] += 1
    return chosen
