"""Labels of card groups: the most characteristic genres, or names given by editors.

The most frequent genre of a group is often frequent everywhere (pop), so labels are ranked by lift: the frequency of a
genre in the group relative to all cards, with pseudo-counts so that a rare genre needs more than one card.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray, IntArray

PSEUDO_CARDS = 5.0
KEPT_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class CardGroupLabel:
    """The label of a card group, and its basis."""

    name: str  # an editor's, or the most characteristic genres
    characteristic: tuple[str, ...]  # by lift, highest first
    lifts: tuple[float, ...]
    most_frequent: str  # the raw top genre


def label_card_groups(
    card_groups: FloatArray,
    tags: tuple[IntArray, IntArray],
    genres: list[str],
    *,
    renamed: dict[int, str] | None = None,
    words: int = 2,
) -> list[CardGroupLabel]:
    """Label groups from soft groups of cards [n, K] and tags (card, genre): two columns, one row per tag.

    >>> groups = np.repeat(np.eye(2), 10, axis=0)
    >>> pop_everywhere, jazz_in_second = np.arange(20), np.arange(10, 20)
    >>> tags = (np.concatenate((pop_everywhere, jazz_in_second)), np.repeat([0, 1], [20, 10]))
    >>> label = label_card_groups(groups, tags, ["pop", "jazz"], words=1)[1]
    >>> label.name, label.most_frequent
    ('jazz', 'pop')
    """
    card, genre = tags
    weight = np.zeros((card_groups.shape[1], len(genres)))
    for k in range(card_groups.shape[1]):
        weight[k] = np.bincount(genre, card_groups[card, k], minlength=len(genres))
    cards = card_groups.sum(axis=0)[:, None]
    base = np.bincount(genre, minlength=len(genres)) / max(len(card_groups), 1)
    lift = (weight + PSEUDO_CARDS * base) / ((cards + PSEUDO_CARDS) * np.maximum(base, 1e-12))
    labels = []
    ranked = [[genres[i] for i in np.argsort(-row, kind="stable")] for row in lift]
    shared = Counter(tuple(row[:words]) for row in ranked)
    for k in range(card_groups.shape[1]):
        # two groups with equal names get one more word
        told = words + (shared[tuple(ranked[k][:words])] > 1)
        top = np.argsort(-lift[k], kind="stable")[:told]
        characteristic = tuple(genres[i] for i in top)
        labels.append(
            CardGroupLabel(
                name=(renamed or {}).get(k, " & ".join(characteristic)),
                characteristic=characteristic,
                lifts=tuple(float(lift[k, i]) for i in top),
                most_frequent=genres[int(weight[k].argmax())] if genres else "",
            )
        )
    return labels


def carried_names(renamed: dict[int, str], card_overlap: FloatArray) -> dict[int, str]:
    """Move editors' names to the groups of a new generation; rows of the overlap are P(new | old).

    A name moves to the group that got most of the old group's cards; the name of a scattered group is dropped, and of
    two names for one group the one with more cards wins.

    >>> carried_names({0: "Sleep", 1: "Focus"}, np.array([[0.1, 0.9], [0.5, 0.5]]))
    {1: 'Sleep', 0: 'Focus'}
    """
    carried: dict[int, str] = {}
    for old in sorted(renamed, key=lambda old: -float(card_overlap[old].max())):
        new = int(card_overlap[old].argmax())
        if card_overlap[old, new] >= KEPT_SHARE and new not in carried:
            carried[new] = renamed[old]
    return carried
