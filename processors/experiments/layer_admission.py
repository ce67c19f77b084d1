"""Admission of a definition to its layer: buckets for its shares, and what the revision follows on."""

from collections.abc import Mapping
from hashlib import blake2b

from msgspec.structs import asdict, replace

from schemas.experiments import BUCKETS, ExperimentDefinition, Variant, bucket_count

REVISIONS_MAX = 100
"""Bounds the record, which contains all revisions."""


def admitted(
    wanted: ExperimentDefinition, known: Mapping[str, ExperimentDefinition], effective_ms: int
) -> ExperimentDefinition:
    """The definition with buckets, in force from `effective_ms`, as the revision after the known one of its name.

    Variants keep their buckets as far as their shares last, and get more at random among the free ones of the layer
    that no other variant has ever had: so listeners move between a variant and nobody, never between variants. Raises
    `ValueError` if there are too few, or if layer or salt change, which would move everybody; or if it ends before.

    >>> from tests.builders import experiment
    >>> small = admitted(experiment("e", shares={"a": 0.1, "b": 0.1}), {}, 5)
    >>> grown = admitted(experiment("e", shares={"a": 0.3, "b": 0.1}), {"e": small}, 9)
    >>> [len(one.buckets) for one in grown.variants], grown.variants[1] == small.variants[1], grown.revision
    ([300, 100], True, 2)
    >>> set(small.variants[0].buckets) < set(grown.variants[0].buckets)
    True
    """
    before = known.get(wanted.name)
    others = [one for name, one in known.items() if name != wanted.name and one.layer == wanted.layer]
    for other in others:
        if other.salt != wanted.salt:
            raise ValueError(
                f"layer {wanted.layer} has the salt {other.salt!r} in experiment {other.name}: experiments of one "
                "layer share a salt, or their listeners would overlap"
            )
    if before is not None and (before.layer, before.salt) != (wanted.layer, wanted.salt):
        raise ValueError("layer and salt of an experiment cannot change: give the new experiment another name")
    if wanted.ends_ms is not None and wanted.ends_ms <= effective_ms:
        raise ValueError("it would end before it takes effect: set a later end")
    if before is not None and before.revision >= REVISIONS_MAX:
        raise ValueError(f"it has been changed {REVISIONS_MAX} times: stop it, and start one of another name")
    taken = {bucket for one in others for bucket in buckets_claimed(one, effective_ms)}
    earlier = () if before is None else (*before.earlier, before.phase)
    return replace(
        wanted,
        variants=_with_buckets(wanted, before, taken),
        revision=1 if before is None else before.revision + 1,
        effective_ms=max(effective_ms, earlier[-1].effective_ms if earlier else 0),
        earlier=earlier,
    )


def stopped(known: ExperimentDefinition, effective_ms: int) -> ExperimentDefinition:
    """The definition as it is, but stopped from this event time on.

    >>> from tests.builders import experiment
    >>> end = stopped(admitted(experiment("e", shares={"a": 0.1, "b": 0.1}), {}, 5), 9)
    >>> end.status, end.revision, end.phase_at(8).status, len(buckets_claimed(end, 9))
    ('stopped', 2, 'running', 0)
    """
    return replace(
        known,
        status="stopped",
        revision=known.revision + 1,
        effective_ms=max(effective_ms, known.effective_ms),
        earlier=(*known.earlier, known.phase),
    )


def refuse_unless_compatible(wanted: ExperimentDefinition, known: Mapping[str, ExperimentDefinition]) -> None:
    """Raise `ValueError` if a listener could be in two experiments of other layers that decide about one setting.

    >>> from schemas.experiments import Overrides
    >>> from tests.builders import experiment
    >>> def test(name):
    ...     return experiment(name, shares={"a": 0.1, "b": 0.1}, overrides={"b": Overrides(epsilon=0.2)}, layer=name)
    >>> refuse_unless_compatible(test("e"), {"f": test("f")})
    Traceback (most recent call last):
    ValueError: experiment f of layer f decides about epsilon on home too: use its layer, so that nobody is in both
    """
    own = _decided(wanted)
    for other in known.values():
        if other.name == wanted.name or other.layer == wanted.layer or other.status == "stopped":
            continue
        common = sorted(set(other.surfaces) & set(wanted.surfaces))
        both = sorted(own & _decided(other))
        if common and both:
            raise ValueError(
                f"experiment {other.name} of layer {other.layer} decides about {', '.join(both)} on "
                f"{', '.join(common)} too: use its layer, so that nobody is in both"
            )


def _decided(definition: ExperimentDefinition) -> set[str]:
    return {name for one in definition.variants for name, value in asdict(one.overrides).items() if value is not None}


def buckets_claimed(definition: ExperimentDefinition, event_ms: int) -> frozenset[int]:
    """The buckets that an experiment owns from this event time on; none once it has stopped or ended."""
    phase = definition.phase
    if phase.status == "stopped" or (phase.ends_ms is not None and phase.ends_ms <= event_ms):
        return frozenset()
    return frozenset(bucket for variant in phase.variants for bucket in variant.buckets)


def _with_buckets(
    wanted: ExperimentDefinition, before: ExperimentDefinition | None, taken: set[int]
) -> tuple[Variant, ...]:
    owned = {one.name: one.buckets for one in before.variants} if before is not None else {}
    kept = {
        one.name: [bucket for bucket in owned.get(one.name, ()) if bucket not in taken][: bucket_count(one.share)]
        for one in wanted.variants
    }
    used, owner = taken.union(*kept.values()), _owners_ever(before)
    free = [bucket for bucket in _shuffled(wanted) if bucket not in used]
    found = []
    for variant in wanted.variants:
        missing = bucket_count(variant.share) - len(kept[variant.name])
        own = [bucket for bucket in free if owner.get(bucket, variant.name) == variant.name][:missing]
        if len(own) < missing:
            raise ValueError(_no_room(wanted, taken, variant, is_moving=len(free) >= missing))
        free = [bucket for bucket in free if bucket not in set(own)]
        found.append(replace(variant, buckets=(*kept[variant.name], *own)))
    return tuple(found)


def _no_room(wanted: ExperimentDefinition, taken: set[int], variant: Variant, *, is_moving: bool) -> str:
    if is_moving:
        return (
            f"variant {variant.name} can only grow by listeners who have been in another variant of {wanted.name}: "
            "stop it, and start an experiment of another name"
        )
    shares = sum(bucket_count(one.share) for one in wanted.variants) / BUCKETS
    room = (BUCKETS - len(taken)) / BUCKETS
    return (
        f"layer {wanted.layer} has {room:g} left, and the shares add to {shares:g}: stop an experiment of the layer, "
        "or use another layer"
    )


def _owners_ever(definition: ExperimentDefinition | None) -> dict[int, str]:
    """The variant that each bucket has belonged to in any revision of the experiment."""
    phases = () if definition is None else (*definition.earlier, definition.phase)
    return {bucket: one.name for phase in phases for one in phase.variants for bucket in one.buckets}


def _shuffled(definition: ExperimentDefinition) -> list[int]:
    """All buckets in an order of the experiment's own, so that the next one gets listeners of all those before it."""

    def place(bucket: int) -> bytes:
        return blake2b(f"{definition.name}\0{definition.salt}\0{bucket}".encode(), digest_size=8).digest()

    return sorted(range(BUCKETS), key=place)
