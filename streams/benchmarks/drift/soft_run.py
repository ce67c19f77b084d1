"""One world with right groups through the engagement task's monitor: which incidents open, and when."""

from dataclasses import dataclass, field

from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from processors.worlds.soft_blocks import PlantedChange, SoftBlocks
from schemas.monitoring import DriftIncident


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftRun:
    """So many buckets before the change and after it, with about so many visits each.

    It ends when an incident that opened since the change has closed.
    """

    seed: int
    visits: int = 1_000
    before: int = 144
    after: int = 144
    change: PlantedChange = field(default_factory=PlantedChange)


@dataclass(frozen=True, slots=True)
class Incidents:
    """What was told; each message with the number of the bucket in which it was, counted from the change."""

    run: SoftRun
    events: int
    streams: float  # in a bucket
    block: str
    traffic: float
    messages: list[tuple[int, DriftIncident]]

    @property
    def opened_before(self) -> int:
        """Incidents that opened before the change."""
        return sum(message.state == "open" for at, message in self.messages if at < 0)

    def opened_after(self) -> list[tuple[int, DriftIncident]]:
        """Incidents that opened since the change."""
        return [(at, message) for at, message in self.messages if at >= 0 and message.state == "open"]

    def newest(self, incident_id: str) -> DriftIncident:
        """The newest message of an incident."""
        return [message for _, message in self.messages if message.incident_id == incident_id][-1]


def incidents_of(run: SoftRun, settings: DriftSettings) -> Incidents:
    """Play a world, bucket by bucket."""
    world, monitor = SoftBlocks(run.seed), EngagementMonitor(settings)
    length_ms, pages, streams = settings.bucket_length_ms, 0, 0.0
    messages: list[tuple[int, DriftIncident]] = []
    offset, bucket = run.before + settings.settling_buckets, 0
    for bucket in range(offset + run.after + 2):  # the newest close later
        if bucket == offset:
            world.plant(run.change)
        sums = world.sums(bucket * length_ms, visits=run.visits, bucket_length_ms=length_ms)
        pages, streams = pages + sums.impressions, streams + sum(sums.streams)
        at = bucket - offset  # told in this bucket, of an earlier one
        messages += [(at, told) for told in monitor.engagement([sums]) if isinstance(told, DriftIncident)]
        if any(told.state == "closed" and told.opened_ms >= offset * length_ms for _, told in messages):
            break
    block = f"{world.block[0]}.{world.block[1]}"
    return Incidents(run, pages + int(streams), streams / (bucket + 1), block, world.traffic, messages)
