"""What one bucket of event time tells of each subject that is watched."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from processors.arrays import FloatArray
from processors.drift.subjects import EVERYTHING, Subject, of_block
from processors.drift.usual import BlockBucket
from schemas.monitoring import DriftQuantity

LATE = ("impressions_late", "impressions_too_late", "streams_late", "streams_too_late")
DEAD_LETTERS = "dead_letters_"
PARTED: tuple[DriftQuantity, ...] = ("streaming-time", "stream-rate", "sure-propensity-share")
"""Quantities whose subjects each have a part of the traffic."""


class VariantCounts(NamedTuple):
    """Counts of one variant in one bucket."""

    exposures: float
    streamed: float
    sure: float


class ClosedBucket(NamedTuple):
    """What happened in one bucket of event time; `risen` is the increase of counters since the bucket before.

    `user_groups` are exposures by user group, `organic_card_groups` organic streams by card group.
    """

    bucket_ms: int
    events: float
    evidence: FloatArray | None  # [5, G, K]
    variants: Mapping[str, VariantCounts]
    user_groups: Mapping[int, float]
    organic_card_groups: Mapping[int, float]
    risen: Mapping[str, int]


def buckets_of(closed: ClosedBucket, *, shares: bool) -> dict[Subject, BlockBucket]:
    """All that is watched, or the streaming time of co-clusters alone."""
    found = {}
    if closed.evidence is not None:
        found.update(block_buckets(closed.bucket_ms, closed.evidence))
    if shares:
        found.update(group_buckets(closed))
        found.update(variant_buckets(closed.bucket_ms, closed.variants))
        found.update(anomaly_buckets(closed.bucket_ms, closed.risen, closed.events))
    return found


def traffic_of(buckets: Mapping[Subject, BlockBucket]) -> dict[Subject, float]:
    """The share of the traffic that each subject makes up; a share of all traffic is about all of it.

    >>> late = Subject("late-share", EVERYTHING)
    >>> parts = {of_block(0, 0): share_bucket(0, 1.0, 3.0), late: share_bucket(0, 1.0, 9.0)}
    >>> list(traffic_of({**parts, of_block(0, 1): share_bucket(0, 1.0, 1.0)}).values())
    [0.75, 1.0, 0.25]
    """
    totals: dict[DriftQuantity, float] = {}
    for subject, bucket in buckets.items():
        totals[subject.quantity] = totals.get(subject.quantity, 0.0) + bucket.streams
    return {
        subject: bucket.streams / totals[subject.quantity] if subject.quantity in PARTED else 1.0
        for subject, bucket in buckets.items()
        if bucket.streams > 0.0
    }


def block_buckets(bucket_ms: int, sums: FloatArray) -> dict[Subject, BlockBucket]:
    """The streaming time of each co-cluster, from evidence [5, G, K].

    >>> sums = np.array([[[2.0, 0.0]], [[1.0, 0.0]], [[9.0, 0.0]], [[0.5, 0.0]], [[2.0, 0.0]]])
    >>> {subject.name: bucket.residual for subject, bucket in block_buckets(7, sums).items()}
    {'0.0': 0.25}
    """
    return {
        of_block(user_group, card_group): BlockBucket(bucket_ms, *sums[:, user_group, card_group].tolist())
        for user_group, card_group in np.argwhere(sums[0] > 0.0).tolist()
    }


def group_buckets(closed: ClosedBucket) -> dict[Subject, BlockBucket]:
    """The share of exposures of each user group, and of organic streams of each card group.

    Listeners move between groups, and the mix of cards changes. Of other streams, rankings choose the cards: their mix
    changes with all that is learned.
    """
    sides: tuple[tuple[DriftQuantity, Mapping[int, float]], ...] = (
        ("user-group-share", closed.user_groups),
        ("card-group-share", closed.organic_card_groups),
    )
    return {
        Subject(quantity, str(group)): share_bucket(closed.bucket_ms, count, sum(counts.values()))
        for quantity, counts in sides
        for group, count in sorted(counts.items())
        if count > 0.0
    }


def variant_buckets(bucket_ms: int, variants: Mapping[str, VariantCounts]) -> dict[Subject, BlockBucket]:
    """By variant: the share of exposures that were streamed, and of those with propensity 1.

    A client that knows no propensities sends ones. (Of one that sends none, every page becomes a dead letter.)
    """
    found = {}
    for name, counts in sorted(variants.items()):
        if counts.exposures > 0.0:
            found[Subject("stream-rate", name)] = share_bucket(bucket_ms, counts.streamed, counts.exposures)
            found[Subject("sure-propensity-share", name)] = share_bucket(bucket_ms, counts.sure, counts.exposures)
    return found


def anomaly_buckets(bucket_ms: int, risen: Mapping[str, int], events: float) -> dict[Subject, BlockBucket]:
    """The shares of late events and of dead letters, from the increase of counters.

    >>> found = anomaly_buckets(0, {"streams_late": 2, "dead_letters_not_json": 10, "streams_organic": 7}, events=90.0)
    >>> {subject.quantity: round(bucket.residual, 3) for subject, bucket in found.items()}
    {'late-share': 0.022, 'dead-letter-share': 0.1}
    """
    late = float(sum(risen.get(name, 0) for name in LATE))
    dead = float(sum(count for name, count in risen.items() if name.startswith(DEAD_LETTERS)))
    return {
        Subject("late-share", EVERYTHING): share_bucket(bucket_ms, min(late, events), events),
        Subject("dead-letter-share", EVERYTHING): share_bucket(bucket_ms, dead, events + dead),
    }


def share_bucket(bucket_ms: int, count: float, total: float) -> BlockBucket:
    """A bucket of `total` zeros and ones with this many ones."""
    return BlockBucket(bucket_ms, total, total, count, count, count)
