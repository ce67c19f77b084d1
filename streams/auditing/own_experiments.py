"""The auditor's own definitions of experiments and exposures, and its own reading of who is assigned to what."""

from collections.abc import Iterator, Mapping
from hashlib import blake2b

from msgspec import Struct, field

DAY_MS = 86_400_000
BUCKETS = 1_000


class VariantRead(Struct, frozen=True):
    """An arm."""

    name: str
    buckets: list[int] = field(default_factory=list)


class PhaseRead(Struct, frozen=True):
    """A revision."""

    revision: int
    effective_ms: int
    variants: list[VariantRead]
    surfaces: list[str]
    status: str
    begins_ms: int = 0
    ends_ms: int | None = None

    def runs_at(self, event_ms: int) -> bool:
        """Whether listeners are assigned, as far as the revision is in force."""
        return self.status == "running" and self.begins_ms <= event_ms < (self.ends_ms or event_ms + 1)


class ExperimentRead(Struct, frozen=True):
    """A definition with its earlier revisions."""

    name: str
    layer: str
    variants: list[VariantRead]
    salt: str = ""
    surfaces: list[str] = field(default_factory=lambda: ["home"])
    begins_ms: int = 0
    ends_ms: int | None = None
    status: str = "running"
    revision: int = 1
    effective_ms: int = 0
    earlier: list[PhaseRead] = field(default_factory=list)

    def running(self, surface: str, event_ms: int) -> PhaseRead | None:
        """The revision that assigns listeners on a surface at an event time."""
        newest = PhaseRead(
            *(self.revision, self.effective_ms, self.variants, self.surfaces, self.status),
            *(self.begins_ms, self.ends_ms),
        )
        in_force = [one for one in (*self.earlier, newest) if one.effective_ms <= event_ms]
        own = in_force[-1] if in_force else None
        return own if own is not None and own.runs_at(event_ms) and surface in own.surfaces else None


class ExposureRead(Struct, frozen=True, gc=False):
    """The first page of an experiment on a day."""

    user_id: str
    experiment: str
    variant: str
    event_ms: int
    impression_id: str
    is_reported: bool

    @property
    def day(self) -> int:
        """Number of the day."""
        return self.event_ms // DAY_MS


def bucket(user_id: str, layer: str, salt: str) -> int:
    """The bucket of a listener in a layer."""
    key = blake2b(layer.encode() + b"\0" + salt.encode(), digest_size=32).digest()
    return int.from_bytes(blake2b(user_id.encode(), key=key, digest_size=8).digest(), "little") * BUCKETS // 2**64


def running(
    definitions: Mapping[str, ExperimentRead], surface: str, event_ms: int
) -> dict[str, tuple[ExperimentRead, PhaseRead]]:
    """The experiments that assign listeners on a surface at an event time, the senior ones first."""
    found = ((one, one.running(surface, event_ms)) for one in definitions.values())
    both = [(one, phase) for one, phase in found if phase is not None]
    both.sort(key=lambda pair: (min([pair[0].effective_ms, *(p.effective_ms for p in pair[0].earlier)]), pair[0].name))
    return {one.name: (one, phase) for one, phase in both}


def assignment(user_id: str, running_now: Mapping[str, tuple[ExperimentRead, PhaseRead]]) -> dict[str, str]:
    """The variant of a listener by experiment; of two that claim a bucket, the senior one has it."""
    found: dict[str, str] = {}
    layers: set[tuple[str, str]] = set()
    for name, (definition, phase) in running_now.items():
        place = bucket(user_id, definition.layer, definition.salt)
        layer = (definition.layer, definition.salt)
        for variant in phase.variants:
            if layer not in layers and place in variant.buckets:
                found[name] = variant.name
                layers.add(layer)
    return found


def pairs_of(text: str) -> Iterator[tuple[str, str]]:
    """Experiment and variant of each assignment in a text."""
    for part in text.split(" "):
        experiment, _, variant = part.partition("/")
        if experiment and variant:
            yield experiment, variant
