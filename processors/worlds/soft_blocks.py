"""A world of streams whose listeners' and cards' groups are known softly, and rightly: sums without a learner."""

from typing import Literal, NamedTuple

import numpy as np
from msgspec import Struct

from processors.arrays import BoolArray, FloatArray, IntArray
from processors.drift.evidence import block_evidence, evidence_message
from schemas.monitoring import EngagementSums
from schemas.variant_names import ORGANIC

Block = tuple[int, int]
Kind = Literal["none", "length", "migration", "ones", "unreadable", "rate"]


class PlantedChange(Struct, frozen=True):
    """A change of the world: streams of the busiest block `log_factor` longer, or `share` of listeners who change.

    In `migration` these listeners of the largest group join another; in `ones` their client sends 1 for all
    propensities, in `unreadable` none, so that its pages are dead letters; in `rate` they stream half as often.
    """

    kind: Kind = "none"
    log_factor: float = 0.0
    share: float = 0.3


class SoftBlocks:
    """Listeners and cards with soft groups, from which the true ones are drawn; residuals vary by taste and by stream.

    Listeners come in visits, of which each has a page with six exposures and some streams. `block` is the busiest
    co-cluster.

    >>> world = SoftBlocks(1)
    >>> message = world.sums(0, visits=400, bucket_length_ms=600_000)
    >>> len(message.evidence.streams), message.impressions > 350, sum(message.exposures) > 2_000
    (6, True, True)
    """

    def __init__(self, seed: int, *, users: int = 300, cards: int = 200, groups: int = 6) -> None:
        self.rng = rng = np.random.default_rng([seed, 99])
        self.groups = groups
        self.users, self.cards = rng.dirichlet(np.full(groups, 0.3), users), rng.dirichlet(np.full(groups, 0.15), cards)
        self.user_group = np.array([rng.choice(groups, p=weights) for weights in self.users])
        self.card_group = np.array([rng.choice(groups, p=weights) for weights in self.cards])
        self.activity = rng.gamma(2.0, size=users)
        self.activity /= self.activity.sum()
        traffic = np.outer(self.activity @ self.users, self.cards.sum(axis=0) / cards)
        place = int(traffic.argmax())
        self.block: Block = (place // groups, place % groups)
        self.traffic = float(traffic.max())
        self.taste = 0.3 * rng.standard_normal((users, cards))
        self.streams = np.minimum(0.6 * np.exp(0.4 * rng.standard_normal(users)), 3.0)  # a visit
        self.is_control = rng.random(users) < 0.3
        self.client = rng.random(users)
        self._change = PlantedChange()

    def plant(self, change: PlantedChange) -> None:
        """From now on, the world is different."""
        self._change = change
        if change.kind == "migration":
            moving = (self.user_group == self.block[0]) & (self.client < change.share)
            goal = (self.block[0] + 1) % self.groups
            self.users = self.users.copy()
            self.users[moving] = 0.1 / (self.groups - 1)
            self.users[moving, goal] = 0.9
            self.user_group = np.where(moving, goal, self.user_group)
        if change.kind == "rate":
            self.streams = np.where(self.client < change.share, self.streams / 2.0, self.streams)

    def sums(self, bucket_ms: int, *, visits: int, bucket_length_ms: int) -> EngagementSums:
        """What a bucket with about so many visits adds up to; the message closes all buckets before it."""
        user = self.rng.choice(len(self.users), size=self.rng.poisson(visits), p=self.activity)
        counters = {}
        if self._change.kind == "unreadable":
            is_dead = self.client[user] < self._change.share
            counters["dead_letters_invalid"] = int(is_dead.sum())
            user = user[~is_dead]
        counters["streams_late"] = int(self.rng.poisson(0.005 * len(user)))
        exposures = 6.0 * np.bincount(user, minlength=len(self.users))
        streams = self.rng.poisson(self.streams[user])
        streamed = np.bincount(user, np.minimum(streams, 6), len(self.users)).astype(np.float64)
        is_sure = (self.client < self._change.share) & (self._change.kind == "ones")
        sure = self.rng.binomial(exposures.astype(np.int64), np.where(is_sure, 1.0, 0.02)).astype(np.float64)
        streamer = np.repeat(user, streams)
        card = self.rng.integers(len(self.cards), size=len(streamer))
        is_organic = self.rng.random(len(streamer)) < 0.1
        organic = np.bincount(self.card_group[card[is_organic]], minlength=self.groups).astype(np.float64)
        rows = Rows.of(self.user_group, self.is_control, self.groups)
        none = (0.0,) * len(rows.variant)
        return EngagementSums(
            source="listeners/0",
            bucket_ms=bucket_ms,
            watermark_ms=bucket_ms + bucket_length_ms,
            generation=1,
            variant=rows.variant,
            user_group=rows.user_group,
            card_group=rows.card_group,
            exposures=rows.sums(exposures),
            streamed=rows.sums(streamed),
            streams=rows.with_organic((len(streamer) - float(organic.sum())), organic),
            played_s=none,
            log_total=none,
            log_squares=none,
            sure=rows.sums(sure),
            impressions=len(user),
            evidence=evidence_message(self.evidence(streamer, card)),
            counters=counters,
        )

    def evidence(self, user: IntArray, card: IntArray) -> FloatArray:
        """Sums [5, G, K] of streams [n] of these listeners and cards."""
        left = 1.3 * self.rng.standard_normal(len(user)) + self.taste[user, card]
        is_changed = (self.user_group[user] == self.block[0]) & (self.card_group[card] == self.block[1])
        left[is_changed] += self._change.log_factor
        return block_evidence(self.users[user], self.cards[card], left + 6.0, np.full(len(user), 6.0))


class Rows(NamedTuple):
    """Rows of a message: both arms by user group, and organic streams by card group."""

    variant: tuple[str, ...]
    user_group: tuple[int, ...]
    card_group: tuple[int, ...]
    row: IntArray  # of each listener
    groups: int

    @classmethod
    def of(cls, user_group: IntArray, is_control: BoolArray, groups: int) -> "Rows":
        """For listeners in these groups and arms."""
        both = tuple(range(groups))
        return cls(
            variant=("control",) * groups + ("learning",) * groups + (ORGANIC,) * groups,
            user_group=both + both + (0,) * groups,
            card_group=(0,) * 2 * groups + both,
            row=user_group + np.where(is_control, 0, groups),
            groups=groups,
        )

    def sums(self, counts: FloatArray) -> tuple[float, ...]:
        """Counts by listener, summed by row."""
        return (*np.bincount(self.row, counts, 2 * self.groups).tolist(), *(0.0 for _ in range(self.groups)))

    def with_organic(self, others: float, organic: FloatArray) -> tuple[float, ...]:
        """Streams by row; those with an exposure are all in the first."""
        return (others, *(0.0 for _ in range(2 * self.groups - 1)), *organic.tolist())
