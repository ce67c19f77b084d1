"""Learned state that is broadcast to every worker: card statistics, card groups and co-clusters."""

from msgspec import Struct, field

from schemas.fields import (
    Count,
    EventMs,
    Identifier,
    Weights,
    refuse_unless,
    refuse_unless_identifiers,
    refuse_unless_shaped,
    refuse_unless_weights,
)

Matrix = tuple[tuple[float, ...], ...]


class RewardSums(Struct, frozen=True, kw_only=True):
    """Sum and sum of squares of one reward by user group; both are additive over partitions.

    Empty `squares` mean that they equal `total`, as for every reward that is 0 or 1.
    """

    total: tuple[float, ...]
    squares: tuple[float, ...] = ()


class CardStatistics(Struct, frozen=True, kw_only=True, tag="card-statistics.v1", tag_field="type"):
    """Bandit statistics of one card: soft exposures by user group, and sums of every reward. Keyed by card.

    With a half-life, an outcome shown at time t has weight 2 ** (t / half_life_ms - epoch). Outcomes may also be
    weighted by the inverse of their propensities; then `weight_squares` are the sums of the exposures' squared weights
    by group, and exposures**2 / weight_squares is their effective number. Empty: all weights are one.

    >>> CardStatistics(card_id="c1", generation=1, version=3, updated_ms=0, exposures=(2.0, 0.0),
    ...     rewards={"static": RewardSums(total=(1.0, 0.0), squares=(1.0, 0.0))}).version
    3
    """

    card_id: Identifier
    generation: Count
    version: Count
    updated_ms: EventMs
    exposures: tuple[float, ...]
    rewards: dict[str, RewardSums]
    half_life_ms: Count = 0
    epoch: Count = 0
    weight_squares: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        refuse_unless_identifiers(card_id=self.card_id)
        groups = len(self.exposures)
        refuse_unless(len(self.weight_squares) in {0, groups}, f"weight_squares has not {groups} groups")
        for name, sums in self.rewards.items():
            fits = len(sums.total) == groups and len(sums.squares) in {0, groups}
            refuse_unless(fits, f"reward {name} has not {groups} groups")


class CardGroup(Struct, frozen=True, kw_only=True, tag="card-group.v1", tag_field="type"):
    """Soft card group of one card, as log probabilities, and its most likely group. Keyed by card.

    >>> CardGroup(card_id="c1", generation=1, version=1, logits=(0.0, -3.0), group=0).group
    0
    """

    card_id: Identifier
    generation: Count
    version: Count
    logits: tuple[float, ...]
    group: Count

    def __post_init__(self) -> None:
        refuse_unless_identifiers(card_id=self.card_id)
        refuse_unless(self.group < len(self.logits), "group names no logit")


class CardGroupName(Struct, frozen=True, kw_only=True, tag="card-group-name.v1", tag_field="type"):
    """An editor's name for a card group of `generation`. Keyed by the group's number.

    The name follows the group's cards into later generations; a null value removes it.

    >>> CardGroupName(group=2, generation=1, name="Falling asleep").key
    '2'
    """

    group: Count
    generation: Count
    name: Identifier

    def __post_init__(self) -> None:
        refuse_unless_identifiers(name=self.name)

    @property
    def key(self) -> str:
        """Key of its record."""
        return str(self.group)


class TimeDistributions(Struct, frozen=True, kw_only=True):
    """Streaming times of each co-cluster and of the margins: additive sums, and histograms.

    Matrices are user groups x card groups; log is log1p(seconds). `histogram[g][k][b]` counts the streams that lasted
    less than `bounds_s[b]` seconds (the last bin is open) and at least the previous bound; `user_histogram[g][b]`
    and `card_histogram[k][b]` are its margins.
    """

    bounds_s: tuple[float, ...]
    log_total: Matrix
    log_squares: Matrix
    seconds_total: Matrix
    histogram: tuple[Matrix, ...]
    user_histogram: Matrix
    card_histogram: Matrix


class CoClusters(Struct, frozen=True, kw_only=True, tag="co-clusters.v1", tag_field="type"):
    """Co-clusters of users and cards: distributions of x = log1p(streamed seconds) by block, and success thresholds.

    Matrices are user groups x card groups. `thresholds_s[reward][g][k]` is the streaming time in seconds from which the
    reward of a stream is at least one half. In a new `generation` groups changed in kind: `user_overlap[old][new]` and
    `card_overlap[old][new]` give the share of each old group in each new one. Within a generation numbers are stable.
    `labels[k]` is an editor's name or the most characteristic genre of the cards, `most_frequent[k]` their most
    frequent genre, which is often the same for all groups. `count` includes every interaction except `unplaced_count`,
    evicted from the bounded memory before the first fit, and `withdrawn_count`, withdrawn for listeners who asked to be
    forgotten. `signatures[g][k]` is the typical streaming time of a user group on a card group, relative to that of all
    users.

    >>> CoClusters(generation=1, version=1, event_ms=0, user_prior=(1.0,), card_prior=(1.0,), mean=((5.0,),),
    ...     variance=((1.0,),), count=((10.0,),), global_mean=5.0, global_variance=1.0).version
    1
    """

    generation: Count
    version: Count
    event_ms: EventMs
    user_prior: Weights
    card_prior: Weights
    mean: Matrix
    variance: Matrix
    count: Matrix
    global_mean: float
    global_variance: float
    thresholds_s: dict[str, Matrix] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    most_frequent: tuple[str, ...] = ()
    signatures: Matrix = ()
    user_overlap: Matrix = ()
    card_overlap: Matrix = ()
    times: TimeDistributions | None = None
    unplaced_count: Count = 0
    withdrawn_count: Count = 0

    def __post_init__(self) -> None:
        rows, columns = len(self.user_prior), len(self.card_prior)
        refuse_unless_weights(self.user_prior, "user_prior")
        refuse_unless_weights(self.card_prior, "card_prior")
        refuse_unless_shaped(rows, columns, mean=self.mean, variance=self.variance, count=self.count)
        refuse_unless_shaped(rows, columns, **{f"thresholds_s[{name}]": m for name, m in self.thresholds_s.items()})
        refuse_unless(all(v > 0.0 for row in self.variance for v in row), "a block variance is not positive")
        refuse_unless(len(self.labels) in {0, columns}, "labels and card groups differ in number")
        refuse_unless(len(self.most_frequent) in {0, columns}, "genres and card groups differ in number")
        if self.signatures:
            refuse_unless_shaped(rows, columns, signatures=self.signatures)
        if self.times is not None:
            _refuse_unless_fitting(self.times, rows, columns)


def _refuse_unless_fitting(times: TimeDistributions, rows: int, columns: int) -> None:
    bins = len(times.bounds_s)
    sums = {"log_total": times.log_total, "log_squares": times.log_squares, "seconds_total": times.seconds_total}
    refuse_unless_shaped(rows, columns, **sums)
    refuse_unless(len(times.histogram) == rows, f"histogram has not {rows} user groups")
    refuse_unless_shaped(columns, bins, **{f"histogram[{g}]": m for g, m in enumerate(times.histogram)})
    refuse_unless_shaped(rows, bins, user_histogram=times.user_histogram)
    refuse_unless_shaped(columns, bins, card_histogram=times.card_histogram)
