"""Experiments: definitions with their shares of a layer, and the first exposure of each listener on each day."""

from itertools import pairwise
from typing import Annotated, Literal

from msgspec import Meta, Struct

from schemas.fields import Count, EventMs, Identifier, Probability, refuse_unless, refuse_unless_identifiers

BUCKETS = 1_000
"""Parts of a layer: a listener is in one of them, and a share is a number of them."""

DAY_MS = 86_400_000

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""Name of an experiment, variant or layer: letters, digits, dots, dashes, underscores; so `a/b c/d` is clear."""

ASSIGNMENTS_MAX = 2_048
Assignments = Annotated[str, Meta(max_length=ASSIGNMENTS_MAX)]
"""Sorted `experiment/variant`, with single spaces between them; empty for none."""

Status = Literal["running", "stopped"]
Bucket = Annotated[int, Meta(ge=0, lt=BUCKETS)]


class Overrides(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a variant ranks, where it differs from the settings of the surface; None means the setting."""

    reward: Identifier | None = None
    policy: Identifier | None = None
    epsilon: Probability | None = None
    draws: Annotated[int, Meta(ge=1, le=1_024)] | None = None
    temperature: Annotated[float, Meta(gt=0.0)] | None = None
    ucb_width: Annotated[float, Meta(ge=0.0)] | None = None
    own_weight: Annotated[float, Meta(ge=0.0)] | None = None
    diversity: Probability | None = None
    freshness: Annotated[float, Meta(ge=0.0)] | None = None
    discovery_share: Probability | None = None


class Variant(Struct, frozen=True, kw_only=True):
    """An arm: its share of the layer, and how it ranks. `buckets` are the parts of the layer that it has been given.

    Buckets are given once and kept while the share lasts, so growing one share moves nobody between other variants.
    """

    name: Name
    share: Probability
    overrides: Overrides = Overrides()
    buckets: tuple[Bucket, ...] = ()

    def __post_init__(self) -> None:
        count = bucket_count(self.share)
        refuse_unless(abs(self.share * BUCKETS - count) < 1e-6, f"share {self.share:g} is not a multiple of 0.001")
        refuse_unless(len(self.buckets) in {0, count}, f"variant {self.name} has not the buckets of its share")
        refuse_unless(len(set(self.buckets)) == len(self.buckets), f"variant {self.name} has a bucket twice")


class Guardrail(Struct, frozen=True, kw_only=True):
    """A metric that must not lose more than `loss_max` of the control's value; 0.02 is two percent."""

    metric: Identifier
    loss_max: Annotated[float, Meta(ge=0.0, le=1.0)]


class Phase(Struct, frozen=True, kw_only=True):
    """What was in force from `effective_ms` of event time, until the next phase."""

    revision: Annotated[int, Meta(ge=1)]
    effective_ms: EventMs
    begins_ms: EventMs
    ends_ms: EventMs | None
    status: Status
    surfaces: tuple[Identifier, ...]
    variants: tuple[Variant, ...]


class ExperimentDefinition(Struct, frozen=True, kw_only=True, tag="experiment-definition.v1", tag_field="type"):
    """An A/B test. Keyed by name; a null value removes it.

    A listener is in one bucket of each `layer`, by a keyed hash of her id, with `salt` and layer as the key;
    experiments of one layer have the same salt and no bucket in common. Variants without buckets have not been admitted
    to the layer yet, and nobody is assigned to them. The first variant is the control: the others are compared to it.

    A revision is in force from `effective_ms` of event time; `earlier` are the revisions before it, oldest first, so
    that the newest record alone tells what was in force at any time. Listeners are assigned and exposed on `surfaces`
    from `begins_ms` to `ends_ms` (exclusive; None: until it is stopped) while the status is `running`.

    `metric` is what it is meant to improve, and `guardrails` what it must not harm. A decision is due at `ends_ms`, or
    when each variant has `listeners_min` exposed listeners and the interval, of level 1 - `alpha` at any time, allows.

    >>> arms = Variant(name="control", share=0.1), Variant(name="30s", share=0.1, overrides=Overrides(reward="static"))
    >>> test = ExperimentDefinition(name="static-home", layer="ranking", variants=arms, metric="stream-rate")
    >>> test.control, [one.name for one in test.treatments], test.surfaces
    ('control', ['30s'], ('home',))
    >>> ExperimentDefinition(name="one", layer="ranking", variants=arms[:1], metric="stream-rate")
    Traceback (most recent call last):
    ValueError: an experiment needs at least two variants
    """

    name: Name
    layer: Name
    variants: tuple[Variant, ...]
    metric: Identifier
    salt: Annotated[str, Meta(max_length=64)] = ""
    surfaces: tuple[Identifier, ...] = ("home",)
    guardrails: tuple[Guardrail, ...] = ()
    begins_ms: EventMs = 0
    ends_ms: EventMs | None = None
    listeners_min: Count = 1_000
    alpha: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.05
    status: Status = "running"
    revision: Annotated[int, Meta(ge=1)] = 1
    effective_ms: EventMs = 0
    earlier: tuple[Phase, ...] = ()
    hypothesis: str = ""

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        refuse_unless(len(names) >= 2, "an experiment needs at least two variants")
        refuse_unless(len(set(names)) == len(names), "two variants have the same name")
        shares = sum(bucket_count(variant.share) for variant in self.variants)
        refuse_unless(shares <= BUCKETS, f"the shares add to {shares / BUCKETS:g}, more than one")
        given = [bucket for variant in self.variants for bucket in variant.buckets]
        refuse_unless(len(set(given)) == len(given), "two variants have a bucket in common")
        refuse_unless(len(self.surfaces) > 0, "an experiment needs a surface")
        refuse_unless(len(set(self.surfaces)) == len(self.surfaces), "a surface is named twice")
        guarded = [guardrail.metric for guardrail in self.guardrails]
        refuse_unless(len(set(guarded)) == len(guarded), "two guardrails are about the same metric")
        refuse_unless(self.ends_ms is None or self.begins_ms < self.ends_ms, "it ends before it begins")
        steps = [(one.revision, one.effective_ms) for one in (*self.earlier, self.phase)]
        rising = all(a[0] < b[0] and a[1] <= b[1] for a, b in pairwise(steps))
        refuse_unless(rising, "the revisions are not in the order of their times")

    @property
    def control(self) -> str:
        """Name of the variant that the others are compared to."""
        return self.variants[0].name

    @property
    def treatments(self) -> tuple[Variant, ...]:
        """The other variants."""
        return self.variants[1:]

    @property
    def phase(self) -> Phase:
        """The newest revision."""
        return Phase(
            revision=self.revision,
            effective_ms=self.effective_ms,
            begins_ms=self.begins_ms,
            ends_ms=self.ends_ms,
            status=self.status,
            surfaces=self.surfaces,
            variants=self.variants,
        )

    def phase_at(self, event_ms: int) -> Phase | None:
        """The revision in force at this event time, whether or not it is running; None before the first."""
        in_force = [one for one in (*self.earlier, self.phase) if one.effective_ms <= event_ms]
        return in_force[-1] if in_force else None


class ExperimentExposure(Struct, frozen=True, kw_only=True, gc=False, tag="experiment-exposure.v1", tag_field="type"):
    """A listener saw the first page of an experiment on a day (UTC, of event time). Keyed by user.

    Written exactly once for each listener, experiment and day: for the first page in the order of the log. `variant` is
    what the page was shown with: what its impression reports (`is_reported`), or else the assignment by `revision`, the
    one in force at `event_ms`. A listener whose variant changes during a day, because a page of an earlier ranking was
    shown first, is exposed to each of them.

    >>> ExperimentExposure(user_id="u1", experiment="e", variant="a", layer="l", revision=1, event_ms=86_400_005,
    ...     impression_id="i1", surface="home", is_reported=True).day_ms
    86400000
    """

    user_id: Identifier
    experiment: Name
    variant: Name
    layer: Name
    revision: Annotated[int, Meta(ge=1)]
    event_ms: EventMs
    impression_id: Identifier
    surface: Identifier
    is_reported: bool

    def __post_init__(self) -> None:
        refuse_unless_identifiers(user_id=self.user_id, impression_id=self.impression_id)

    @property
    def day_ms(self) -> int:
        """Beginning of the day of the exposure."""
        return self.event_ms - self.event_ms % DAY_MS


def bucket_count(share: float) -> int:
    """Number of buckets of a share.

    >>> bucket_count(0.29)
    290
    """
    return round(share * BUCKETS)


def assignments_of(pairs: "dict[str, str]") -> str:
    """The text of assignments, variant by experiment.

    >>> assignments_of({"b": "x", "a": "y"})
    'a/y b/x'
    """
    return " ".join(sorted(f"{experiment}/{variant}" for experiment, variant in pairs.items()))


def assigned(text: str) -> dict[str, str]:
    """Variant by experiment, of a text of assignments; what is no pair of names is left out.

    >>> assigned("a/y b/x"), assigned(""), assigned("a  b/")
    ({'a': 'y', 'b': 'x'}, {}, {})
    """
    pairs = (part.partition("/") for part in text.split(" "))
    return {experiment: variant for experiment, _, variant in pairs if experiment and variant}
