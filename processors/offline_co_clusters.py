"""Groups that were fitted offline, as the message that a learner publishes: pictures and tables read either alike."""

from collections.abc import Mapping, Sequence

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.block_model import BlockModel
from processors.cocluster.model.labels import label_card_groups
from processors.cocluster.model.signatures import signature_matrix
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, group_prior
from processors.rewards.published_times import as_published, published_times
from processors.rewards.reward_catalogue import COMPARED, reward_named
from processors.rewards.streaming_times import StreamingTimes
from schemas.learning import CoClusters, Matrix

CHUNK = 100_000
"""Interactions whose soft groups are in memory at a time."""


def offline_co_clusters(
    groups: SoftGroups, data: Interactions, cards: Sequence[str], genres: Mapping[str, tuple[str, ...]]
) -> CoClusters:
    """The first generation of a model that knows nothing but these interactions; `genres` of cards give labels."""
    blocks, times = groups.parameters, as_published(_times(groups, data))
    model = BlockModel(
        generation=1,
        version=len(data),
        user_prior=group_prior(groups.user),
        card_prior=group_prior(groups.card),
        mean=blocks.mean,
        variance=blocks.variance,
        count=times.count,
        global_mean=float(data.x.mean()),
        global_variance=max(float(data.x.var()), 1e-6),
    )
    labels, frequent = _labels(groups, cards, genres)
    rewards = {name: reward_named(name) for name in COMPARED}
    return CoClusters(
        generation=model.generation,
        version=model.version,
        event_ms=0,
        user_prior=tuple(model.user_prior.tolist()),
        card_prior=tuple(model.card_prior.tolist()),
        mean=_matrix(model.mean),
        variance=_matrix(model.variance),
        count=_matrix(model.count),
        global_mean=model.global_mean,
        global_variance=model.global_variance,
        labels=labels,
        most_frequent=frequent,
        signatures=_matrix(np.round(signature_matrix(model), 4)),
        thresholds_s={name: _matrix(reward.success(times).threshold_s) for name, reward in rewards.items()},
        times=published_times(times),
    )


def _times(groups: SoftGroups, data: Interactions) -> StreamingTimes:
    found = None
    for start in range(0, len(data), CHUNK):
        some = slice(start, start + CHUNK)
        seconds = np.expm1(data.x[some])
        part = StreamingTimes.of(seconds, groups.user[data.user[some]], groups.card[data.card[some]])
        found = part if found is None else found + part
    assert found is not None
    return found


def _labels(
    groups: SoftGroups, cards: Sequence[str], genres: Mapping[str, tuple[str, ...]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels and most frequent genres of the card groups; empty without genres."""
    rows = [row for row, card in enumerate(cards) if genres.get(card)]
    if not rows:
        return (), ()
    names: dict[str, int] = {}
    tags = [(at, names.setdefault(one, len(names))) for at, row in enumerate(rows) for one in genres[cards[row]]]
    card, genre = np.array(tags, dtype=np.int64).T
    labels = label_card_groups(groups.card[rows], (card, genre), list(names), words=1)
    return tuple(one.name for one in labels), tuple(one.most_frequent for one in labels)


def _matrix(values: FloatArray) -> Matrix:
    return tuple(tuple(row) for row in values.tolist())
