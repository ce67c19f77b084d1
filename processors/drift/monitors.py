"""The monitors of all that is watched in one generation."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from processors.drift.monitor import SHARE_PRIOR, TIME_PRIOR, Change, Monitor, MonitorState
from processors.drift.settings import DriftSettings
from processors.drift.subjects import STREAMING_TIME, Subject, belong_together
from processors.drift.usual import BlockBucket
from schemas.monitoring import DriftQuantity

SUBJECTS_MAX = 2_000
"""Bounds the state: variants have names of clients."""
PRIOR_DEGREES = 20.0
LEAD_ERRORS = 0.5
"""Standard errors by which a neighbour must have departed further to be reported before a block that fired."""


class Monitors:
    """One monitor for each subject with evidence, and a state row for each.

    >>> from processors.drift.subjects import of_block
    >>> monitors = Monitors(DriftSettings(reference_buckets=2))
    >>> means, block = [0.0, 0.1, 0.0, -0.1, 0.0, -1.0, -1.0, -1.0, -1.0], of_block(0, 0)
    >>> for at, mean in enumerate(means):
    ...     for found, change in monitors.read({block: BlockBucket(at, 20.0, 20.0, 100.0, 20.0 * mean, 20.0)}, 1e-3):
    ...         print(found.name, change.bucket_ms)
    0.0 6
    """

    def __init__(self, settings: DriftSettings) -> None:
        self.settings = settings
        self._monitors: dict[Subject, Monitor] = {}
        self._changed: set[Subject] = set()

    def read(self, buckets: Mapping[Subject, BlockBucket], budget: float) -> Iterator[tuple[Subject, Change]]:
        """Read one bucket of each subject; yields the subjects that have changed.

        `budget` is the number of false alarms to expect of changes that begin here. The subject that departed furthest
        comes first. A block that has not fired is reported before a neighbour that has, if it explains more: streams
        are shared, and the detector of a block with few listeners may fire later.
        """
        fired: dict[Subject, Change] = {}
        dispersion = self._dispersion()
        for subject, share in allotted(buckets, budget).items():
            if subject not in self._monitors and len(self._monitors) >= SUBJECTS_MAX:
                continue
            self._changed.add(subject)
            change = self._monitor(subject).read(buckets[subject], share, dispersion[subject.quantity])
            if change is not None:
                fired[subject] = change
        for subject in sorted(fired, key=lambda subject: (-abs(fired[subject].size.departure), subject)):
            lead = self._lead(subject, fired, dispersion[subject.quantity])
            if lead is not None:
                self._monitors[lead[0]].conclude()
                self._changed.add(lead[0])
                yield lead
            yield subject, fired[subject]

    def _monitor(self, subject: Subject, state: MonitorState | None = None) -> Monitor:
        if subject not in self._monitors:
            prior = TIME_PRIOR if subject.quantity == STREAMING_TIME else SHARE_PRIOR
            self._monitors[subject] = Monitor(self.settings, prior, state)
        return self._monitors[subject]

    def _dispersion(self) -> "defaultdict[DriftQuantity, float]":
        """By quantity: variance between buckets over that within, at least one.

        Streams of one bucket are correlated if few listeners contribute most of them. It is estimated from all subjects
        together, because each alone has few buckets.
        """
        sums: dict[DriftQuantity, tuple[float, int]] = {}
        for subject, monitor in self._monitors.items():
            apart, degrees = monitor.dispersed()
            known = sums.get(subject.quantity, (PRIOR_DEGREES, int(PRIOR_DEGREES)))
            sums[subject.quantity] = known[0] + apart, known[1] + degrees
        found: defaultdict[DriftQuantity, float] = defaultdict(lambda: 1.0)
        found.update({quantity: max(apart / degrees, 1.0) for quantity, (apart, degrees) in sums.items()})
        return found

    def _lead(self, subject: Subject, fired: dict[Subject, Change], dispersion: float) -> tuple[Subject, Change] | None:
        """The neighbour that explains more of a change than this block and all that have fired, if any."""
        if subject.block is None:
            return None
        own = fired[subject].size
        known = [
            abs(change.size.departure)
            for other, change in fired.items()
            if belong_together(subject, other) and change.size.size * own.size > 0.0
        ]
        best: tuple[Subject, Change] | None = None
        least = max(known) + LEAD_ERRORS
        for other in sorted(self._monitors):
            is_near = other not in fired and belong_together(subject, other)
            change = self._monitors[other].change(dispersion) if is_near else None
            if change is None or change.bucket_ms != fired[subject].bucket_ms or change.size.size * own.size <= 0.0:
                continue
            if abs(change.size.departure) > least:
                best, least = (other, change), abs(change.size.departure)
        return best

    def restart_near(self, subjects: Collection[Subject]) -> None:
        """Let these and all that belongs together with them learn their reference anew."""
        for other, monitor in self._monitors.items():
            if any(belong_together(subject, other) for subject in subjects):
                monitor.conclude()
                self._changed.add(other)

    def clear(self) -> None:
        """Remove all monitors."""
        self._changed.update(self._monitors)
        self._monitors = {}

    def changed_rows(self) -> Iterable[tuple[bytes, bytes | None]]:
        """Rows of the monitors that have changed since the last call; None for one that was removed."""
        for subject in sorted(self._changed):
            monitor = self._monitors.get(subject)
            key = "/".join(subject).encode()
            yield key, None if monitor is None else msgspec.msgpack.encode(monitor.state)
        self._changed.clear()

    def restore(self, key: bytes, value: bytes) -> None:
        """Restore the monitor that wrote this row."""
        quantity, _, name = key.decode().partition("/")
        subject = Subject(msgspec.convert(quantity, DriftQuantity), name)
        self._monitor(subject, msgspec.msgpack.decode(value, type=MonitorState))


def allotted(buckets: Mapping[Subject, BlockBucket], budget: float) -> dict[Subject, float]:
    """The budget by subject: half for streaming time, the rest equally for other quantities; by streams within each.

    Changes of what makes up much of the traffic are found earlier. If one of both halves has no subject, the other has
    the whole budget.

    >>> from processors.drift.subjects import of_block
    >>> few, many = (BlockBucket(0, streams, streams, 0.0, 0.0, 0.0) for streams in (1.0, 3.0))
    >>> parts = allotted({of_block(0, 0): few, of_block(0, 1): many, Subject("late-share", "all"): few}, 8.0)
    >>> list(parts.values())
    [1.0, 3.0, 4.0]
    """
    streams: dict[DriftQuantity, float] = {}
    for subject, bucket in buckets.items():
        streams[subject.quantity] = streams.get(subject.quantity, 0.0) + bucket.streams
    others = len(streams) - (STREAMING_TIME in streams)
    for_time = 0.0 if STREAMING_TIME not in streams else 0.5 if others else 1.0
    parts = {
        quantity: budget * (for_time if quantity == STREAMING_TIME else (1.0 - for_time) / others)
        for quantity in streams
    }
    return {
        subject: parts[subject.quantity] * bucket.streams / streams[subject.quantity]
        for subject, bucket in buckets.items()
        if bucket.streams > 0.0
    }
