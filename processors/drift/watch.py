"""Watches all quantities: closed buckets in, drift alerts and incidents out."""

from collections.abc import Iterator

from msgspec import Struct

from processors.drift.incidents import Incidents
from processors.drift.monitor import Change
from processors.drift.monitors import Monitors
from processors.drift.settings import DriftSettings
from processors.drift.subjects import Subject
from processors.drift.watched_buckets import ClosedBucket, buckets_of, traffic_of
from processors.policies.keyed_draws import name_key
from schemas.monitoring import DriftAlert, DriftIncident

MILLION = 1_000_000
NAME_MAX = 64
"""A longer name (of a client's variant) is replaced by its digest in ids."""


class Watch:
    """Monitors and incidents of one generation.

    A bucket's budget of false alarms is in proportion to its events, so that the setting is a rate. When an incident
    closes, its subjects and their neighbours take the present level as their reference: else neighbours would tell of
    the same change later.
    """

    def __init__(self, settings: DriftSettings) -> None:
        self.settings = settings
        self.labels: tuple[str, ...] = ()
        self.monitors = Monitors(settings)
        self.incidents = Incidents(settings)

    def read(self, closed: ClosedBucket, generation: int) -> Iterator[Struct]:
        """Read one bucket; yields alerts, each followed by the message of its incident, and then other changes."""
        buckets = buckets_of(closed, shares=self.settings.watch_shares)
        traffic = traffic_of(buckets)
        for message in self.incidents.read(closed.bucket_ms, buckets, traffic):
            if message.state == "closed":
                self.monitors.restart_near([Subject(message.quantity, name) for name in message.subjects])
            yield message
        budget = self.settings.false_alarms_per_million * closed.events / MILLION
        for subject, change in self.monitors.read(buckets, budget):
            alert_id = id_of(subject, change.bucket_ms, generation)
            incident = self.incidents.hear(
                subject,
                change,
                alert_id,
                generation=generation,
                label=self._label(subject),
                traffic=traffic.get(subject, 0.0),
            )
            if subject.block is not None:
                yield alert_of(subject, change, alert_id, incident, self._label(subject))
            yield incident

    def regrouped(self, generation: int, bucket_ms: int) -> list[DriftIncident]:
        """Close the incidents of other generations."""
        return self.incidents.regrouped(generation, bucket_ms)

    def _label(self, subject: Subject) -> str:
        """The name of a card group; of another subject, its own."""
        if subject.block is None and subject.quantity != "card-group-share":
            return subject.name
        group = subject.block[1] if subject.block else int(subject.name)
        return self.labels[group] if group < len(self.labels) else f"card group {group}"


def id_of(subject: Subject, bucket_ms: int, generation: int) -> str:
    """The id of an alert, a function of what it is about.

    >>> id_of(Subject("late-share", "x" * 99), bucket_ms=5, generation=2)
    '2.late-share.62691d5fa452b272.5'
    """
    name = subject.name if len(subject.name) <= NAME_MAX else f"{name_key(subject.name):x}"
    quantity = "" if subject.block else f"{subject.quantity}."
    return f"{generation}.{quantity}{name}.{bucket_ms}"


def alert_of(subject: Subject, change: Change, alert_id: str, incident: DriftIncident, label: str) -> DriftAlert:
    """The alert of a co-cluster."""
    assert subject.block is not None
    user_group, card_group = subject.block
    size = change.size
    return DriftAlert(
        alert_id=alert_id,
        generation=incident.generation,
        user_group=user_group,
        card_group=card_group,
        label=label,
        detector=change.detector,
        bucket_ms=change.bucket_ms,
        bucket_count=change.bucket_count,
        before=round(size.before, 6),
        after=round(size.before + size.size, 6),
        standard_errors=round(size.departure, 3),
        incident_id=incident.incident_id,
        change_ms=size.change_ms,
        size=round(size.size, 6),
        size_low=round(size.low, 6),
        size_high=round(size.high, 6),
    )
