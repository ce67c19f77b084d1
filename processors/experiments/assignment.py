"""Assignment of listeners to variants: a keyed hash, the same in the worker and in the subscriber library.

The hash gives each listener one of 1,000 buckets of a layer; a variant owns buckets (*bucket reuse*: Schultzberg,
Kjellin, Rydberg, arXiv:2012.10202). Layers have different keys, so buckets of different layers are independent. The
hash is cryptographic, because weak ones correlate between layers.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from operator import attrgetter
from typing import NamedTuple

from schemas.experiments import BUCKETS, ExperimentDefinition, Overrides, Phase


def layer_key(layer: str, salt: str) -> bytes:
    """The hash key of a layer; layers have no NUL in their names, so no two pairs have the same."""
    return blake2b(f"{layer}\0{salt}".encode(), digest_size=32).digest()


def bucket_of(user_id: str, key: bytes) -> int:
    """The bucket of a listener in the layer of this key.

    >>> [bucket_of(f"user-{number}", layer_key("ranking", "")) for number in range(3)]
    [665, 453, 921]
    """
    digest = blake2b(user_id.encode(), digest_size=8, key=key).digest()
    return int.from_bytes(digest, "little") * BUCKETS >> 64


class Arm(NamedTuple):
    """A variant of an experiment, by its names, and how it ranks."""

    experiment: str
    variant: str
    overrides: Overrides


class Running(NamedTuple):
    """An experiment that is running, by its revision."""

    layer: str
    revision: int
    variants: frozenset[str]


class Plan:
    """Who is assigned to what on one surface, as long as no revision begins or ends.

    Where two experiments claim a bucket, it belongs to the one that was in the layer first.
    """

    def __init__(self, phases: Iterable[tuple[ExperimentDefinition, Phase]]) -> None:
        self.running: dict[str, Running] = {}
        self._layers: dict[bytes, list[Arm | None]] = {}
        for definition, phase in sorted(phases, key=lambda pair: _seniority(pair[0])):
            names = frozenset(variant.name for variant in phase.variants)
            self.running[definition.name] = Running(definition.layer, phase.revision, names)
            owners = self._layers.setdefault(layer_key(definition.layer, definition.salt), [None] * BUCKETS)
            for variant in phase.variants:
                arm = Arm(definition.name, variant.name, variant.overrides)
                for bucket in variant.buckets:
                    owners[bucket] = owners[bucket] or arm

    def arms_of(self, user_id: str) -> tuple[Arm, ...]:
        """The variants of a listener, sorted by experiment."""
        owned = (owners[bucket_of(user_id, key)] for key, owners in self._layers.items())
        return tuple(sorted((arm for arm in owned if arm is not None), key=attrgetter("experiment")))


class Schedule:
    """What is in force at which event time, from the newest records of all definitions.

    >>> from tests.builders import experiment
    >>> test = experiment("e", buckets={"a": range(500), "b": range(500, 1_000)}, effective_ms=1_000)
    >>> schedule = Schedule({"e": test})
    >>> [arm.variant for arm in schedule.plan("home", 1_000).arms_of("user-0")], schedule.plan("home", 999).running
    (['b'], {})
    """

    def __init__(self, definitions: Mapping[str, ExperimentDefinition]) -> None:
        self._definitions = [definitions[name] for name in sorted(definitions)]
        self._plans: dict[tuple[int, str], Plan] = {}
        phases = [phase for one in self._definitions for phase in (*one.earlier, one.phase)]
        times = {phase.effective_ms for phase in phases} | {phase.begins_ms for phase in phases}
        self.changes_ms = sorted(times | {phase.ends_ms for phase in phases if phase.ends_ms is not None})
        """Event times at which a plan may change."""

    def plan(self, surface: str, event_ms: int) -> Plan:
        """The plan of a surface at an event time."""
        number = bisect_right(self.changes_ms, event_ms)
        if (number, surface) not in self._plans:
            in_force = ((one, one.phase_at(event_ms)) for one in self._definitions)
            self._plans[number, surface] = Plan(
                (one, phase)
                for one, phase in in_force
                if phase is not None and is_running(phase, event_ms) and surface in phase.surfaces
            )
        return self._plans[number, surface]


def is_running(phase: Phase, event_ms: int) -> bool:
    """Whether listeners are assigned at this event time, if this revision is in force."""
    return (
        phase.status == "running"
        and phase.begins_ms <= event_ms
        and (phase.ends_ms is None or event_ms < phase.ends_ms)
    )


def _seniority(definition: ExperimentDefinition) -> tuple[int, str]:
    first = (*definition.earlier, definition.phase)[0]
    return first.effective_ms, definition.name
