"""Incidents: changes that belong together, from the first alert until the new level is usual or the old one is back."""

from msgspec import Struct

from processors.drift.change_size import Size, refined
from processors.drift.e_detector import Prior
from processors.drift.monitor import SHARE_PRIOR, TIME_PRIOR, Change
from processors.drift.settings import DriftSettings
from processors.drift.subjects import STREAMING_TIME, Subject, belong_together
from processors.drift.usual import BlockBucket, Usual
from schemas.monitoring import DriftIncident, IncidentEnd, IncidentState, Severity

RECENT_BUCKETS = 4
"""Buckets that must agree that a shift went back."""
RETURN_ODDS_LOG = 4.6
"""Log of the odds for the level before over the one since: 100 to 1."""
DECIMALS = 6
_SEVERITIES: tuple[Severity, ...] = ("minor", "notable", "severe")


class Incident(Struct, array_like=True):
    """A change in progress: its subjects, the one that explains most first, and sums of that one on both sides.

    `recent` are the newest buckets of the first subject, which are not in `since` yet. `traffic_total` sums its share
    of the traffic over `traffic_buckets`. `heard_ms` is the time of the newest alert, `number` of the newest message.
    """

    incident_id: str
    generation: int
    subjects: list[Subject]
    label: str
    opened_ms: int
    heard_ms: int
    size: Size
    before: Usual
    since: Usual
    recent: list[BlockBucket]
    traffic_total: float
    traffic_buckets: int
    number: int = 0
    severity: Severity = "minor"

    @property
    def traffic(self) -> float:
        """The first subject's share of the traffic."""
        return self.traffic_total / self.traffic_buckets

    @property
    def prior(self) -> Prior:
        """What is known of the first subject beforehand."""
        return TIME_PRIOR if self.subjects[0].quantity == STREAMING_TIME else SHARE_PRIOR

    def follows(self, subject: Subject, size: float) -> bool:
        """Whether a change of this size of a subject is of this incident.

        A second change of its own subjects is: a shift that goes back, or on.
        """
        if subject in self.subjects:
            return True
        is_near = any(belong_together(member, subject) for member in self.subjects)
        return is_near and (subject.quantity != STREAMING_TIME or size * self.size.size > 0.0)

    def lead_by(self, subject: Subject, change: Change, label: str, traffic: float) -> None:
        """Let this subject explain the change from now on."""
        self.subjects = [subject, *(other for other in self.subjects if other != subject)]
        self.label, self.size, self.before, self.since = label, change.size, change.before, change.since
        self.recent, self.traffic_total, self.traffic_buckets = [], traffic, 1

    def read(self, bucket: BlockBucket, traffic: float) -> None:
        """Read the next bucket of the first subject."""
        self.recent.append(bucket)
        if len(self.recent) > RECENT_BUCKETS:
            self.since.add(self.recent.pop(0))
        self.traffic_total += traffic
        self.traffic_buckets += 1
        self.size = refined(self.size, self.before, self.since, self.prior)

    def ended_as(self) -> IncidentEnd:
        """How the change ended, as the newest buckets tell: residuals at the level before, or none of it.

        The learner adapts what it expects, so that residuals go back while the new level lasts. Whether that is so is
        told by x itself.
        """
        if len(self.recent) < RECENT_BUCKETS:
            return ""
        newest, prior = Usual(), self.prior.streams
        for bucket in self.recent:
            newest.add(bucket)
        variance = max(self.before.variance(), newest.variance_within())
        sides = self.before, self.since
        levels = self.before.mean_residual(prior), self.since.mean_residual(0.0)
        mean = newest.residual_total / newest.streams
        unlikely = [
            (mean - level) ** 2 / (variance * (1.0 / newest.worth + side.mean_error(prior))) / 2.0
            for level, side in zip(levels, sides, strict=True)
        ]
        if unlikely[1] - unlikely[0] <= RETURN_ODDS_LOG:
            return ""
        x = newest.log_total / newest.streams
        apart = [abs(x - side.log_total / side.streams) for side in sides]
        return "returned" if apart[0] < apart[1] else "new-level"


class Incidents:
    """The incidents that are open, and the messages that tell of them."""

    def __init__(self, settings: DriftSettings, listed: list[Incident] | None = None) -> None:
        self.settings = settings
        self.listed = listed or []

    def hear(
        self, subject: Subject, change: Change, alert_id: str, *, generation: int, label: str, traffic: float
    ) -> DriftIncident:
        """An alert: of an open incident with a neighbour and the same direction, else of a new one.

        Simultaneous changes of neighbouring blocks may therefore become one incident.
        """
        for one in self.listed:
            if one.follows(subject, change.size.size):
                one.heard_ms = change.bucket_ms
                is_further = abs(change.size.departure) > abs(one.size.departure)
                if is_further and change.size.size * one.size.size > 0.0:
                    one.lead_by(subject, change, label, traffic)
                elif subject not in one.subjects:
                    one.subjects.append(subject)
                return self._message(one, "grown", change.bucket_ms)
        at_ms = change.bucket_ms
        sides = (change.size, change.before, change.since)
        one = Incident(alert_id, generation, [subject], label, at_ms, at_ms, *sides, [], traffic, 1)
        self.listed.append(one)
        return self._message(one, "open", at_ms)

    def read(
        self, bucket_ms: int, buckets: dict[Subject, BlockBucket], traffic: dict[Subject, float]
    ) -> list[DriftIncident]:
        """Read the next buckets; returns messages of the incidents that are over, or have become more severe."""
        messages = []
        for one in list(self.listed):
            subject = one.subjects[0]
            bucket = buckets.get(subject)
            if bucket is not None and bucket.worth >= self.settings.streams_min:
                one.read(bucket, traffic.get(subject, 0.0))
            open_ms = self.settings.incident_buckets * self.settings.bucket_length_ms
            ended_as = one.ended_as() or ("new-level" if bucket_ms - one.heard_ms >= open_ms else "")
            if ended_as:
                messages.append(self._close(one, ended_as, bucket_ms))
            elif _SEVERITIES.index(self._severity(one)) > _SEVERITIES.index(one.severity):
                messages.append(self._message(one, "grown", bucket_ms))
        return messages

    def regrouped(self, generation: int, bucket_ms: int) -> list[DriftIncident]:
        """Close the incidents of other generations, whose groups are no more."""
        return [self._close(one, "regrouped", bucket_ms) for one in list(self.listed) if one.generation != generation]

    def _close(self, one: Incident, closed_as: IncidentEnd, bucket_ms: int) -> DriftIncident:
        self.listed.remove(one)
        return self._message(one, "closed", max(bucket_ms, one.opened_ms), closed_as)

    def _severity(self, one: Incident) -> Severity:
        impact = one.traffic * abs(one.size.size)
        return _SEVERITIES[(impact >= self.settings.notable_impact) + (impact >= self.settings.severe_impact)]

    def _message(
        self, one: Incident, state: IncidentState, bucket_ms: int, closed_as: IncidentEnd = ""
    ) -> DriftIncident:
        one.number += 1
        one.severity = max(one.severity, self._severity(one), key=_SEVERITIES.index)
        size = one.size
        return DriftIncident(
            incident_id=one.incident_id,
            number=one.number,
            state=state,
            closed_as=closed_as,
            quantity=one.subjects[0].quantity,
            subjects=tuple(subject.name for subject in one.subjects),
            label=one.label,
            generation=one.generation,
            severity=one.severity,
            impact=round(one.traffic * abs(size.size), DECIMALS),
            traffic=round(one.traffic, DECIMALS),
            opened_ms=one.opened_ms,
            change_ms=size.change_ms,
            bucket_ms=bucket_ms,
            before=round(size.before, DECIMALS),
            after=round(size.before + size.size, DECIMALS),
            size=round(size.size, DECIMALS),
            size_low=round(size.low, DECIMALS),
            size_high=round(size.high, DECIMALS),
        )
