"""What breaks, and when: a function of the seed alone, so that a storm can be played again."""

from enum import StrEnum
from random import Random

from msgspec import Struct


class ActKind(StrEnum):
    """What is done to workers and brokers."""

    KILL_WORKER = "kill_worker"  # SIGKILL; another starts at once
    FREEZE_WORKER = "freeze_worker"  # SIGSTOP, later SIGCONT: a zombie, if others took over meanwhile
    SCALE = "scale"  # start workers, or stop them politely
    KILL_BROKER = "kill_broker"  # at once; back after a while
    FAULTS = "faults"  # wrong, late and lost answers for a while; embedded broker only


class Act(Struct, frozen=True, kw_only=True, order=True):
    """One act. `number`: how many workers (scale), or which one (by modulo). `lasts_s`: how long until it is undone."""

    at_s: float
    kind: ActKind
    number: int = 0
    lasts_s: float = 0.0


class StormSettings(Struct, frozen=True, kw_only=True):
    """How long, how many of what, how fast. Counts are those of the whole storm."""

    seed: int = 1
    seconds: float = 900.0
    nodes: int = 3
    workers: int = 2
    worker_kills: int = 36
    broker_kills: int = 6
    scale_changes: int = 6
    freezes: int = 2
    freeze_s: float = 60.0
    fault_bursts: int = 0
    events_per_second: int = 150
    transaction_timeout_ms: int = 20_000  # well below `freeze_s`: a stopped worker loses its transaction

    def __post_init__(self) -> None:
        if self.freezes and self.seconds <= self.freeze_s:
            raise ValueError(f"a storm of {self.seconds:g} s has no room for a worker stopped for {self.freeze_s:g} s")


SCALES = (3, 1, 2)


def schedule(settings: StormSettings) -> list[Act]:
    """The acts in their order. Freezes end before the storm does; all else is anywhere but in its first seconds.

    >>> schedule(StormSettings(seed=3)) == schedule(StormSettings(seed=3)) != schedule(StormSettings(seed=4))
    True
    """
    random = Random(settings.seed)  # noqa: S311  a storm that can be played again, no secret
    end_s = settings.seconds * 0.97

    def anywhere(until_s: float = end_s) -> float:
        return round(random.uniform(0.03 * settings.seconds, until_s), 3)

    acts = [
        Act(at_s=anywhere(), kind=ActKind.KILL_WORKER, number=random.randrange(12))
        for _ in range(settings.worker_kills)
    ]
    for number in range(settings.broker_kills):
        at_s = _share(number, settings.broker_kills, random) * end_s
        down_s = round(random.uniform(0.2, 8.0), 3)
        acts.append(Act(at_s=at_s, kind=ActKind.KILL_BROKER, number=random.randrange(settings.nodes), lasts_s=down_s))
    for number in range(settings.freezes):
        at_s = _share(number, settings.freezes, random) * (end_s - settings.freeze_s)
        acts.append(Act(at_s=at_s, kind=ActKind.FREEZE_WORKER, number=random.randrange(12), lasts_s=settings.freeze_s))
    for number in range(settings.scale_changes):
        at_s = _share(number, settings.scale_changes, random) * end_s
        acts.append(Act(at_s=at_s, kind=ActKind.SCALE, number=SCALES[number % len(SCALES)]))
    for _ in range(settings.fault_bursts):
        burst_s = round(random.uniform(1.0, 4.0), 3)
        acts.append(Act(at_s=anywhere(), kind=ActKind.FAULTS, lasts_s=burst_s))
    return sorted(acts)


def _share(number: int, count: int, random: Random) -> float:
    """A place in the `number`-th of `count` equal parts: spread out, since these take their time."""
    return round((number + random.uniform(0.2, 0.8)) / count, 6)
