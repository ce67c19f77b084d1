"""The schedule of a storm's faults: a function of the seed, so that a storm can be repeated."""

from enum import StrEnum
from random import Random

from msgspec import Struct


class ActKind(StrEnum):
    """Kinds of faults of workers and brokers."""

    KILL_WORKER = "kill_worker"  # SIGKILL; another worker starts at once
    KILL_OPENING = "kill_opening"  # SIGKILL to a worker during a takeover
    FREEZE_WORKER = "freeze_worker"  # SIGSTOP, later SIGCONT: a zombie, if others took over meanwhile
    SCALE = "scale"  # start workers, or stop them with SIGTERM
    KILL_BROKER = "kill_broker"  # SIGKILL; restarted after a while
    FAULTS = "faults"  # wrong, late and lost responses for a while; embedded broker only


class Act(Struct, frozen=True, kw_only=True, order=True):
    """One act. `number` is the number of workers (scale), or the worker (by modulo); `lasts_s` its duration."""

    at_s: float
    kind: ActKind
    number: int = 0
    lasts_s: float = 0.0


class StormSettings(Struct, frozen=True, kw_only=True):
    """Duration, rate, and numbers of acts in the whole storm.

    ``clusters`` are additional groups of acts within seconds; ``busy`` is the number of processes that load the
    processors.
    """

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
    clusters: int = 0
    busy: int = 0
    events_per_second: int = 150
    forget: int = 0  # listeners who ask to be forgotten
    transaction_timeout_ms: int = 20_000  # well below `freeze_s`: a stopped worker loses its transaction

    def __post_init__(self) -> None:
        if self.freezes and self.seconds <= self.freeze_s:
            raise ValueError(f"a storm of {self.seconds:g} s is too short for a worker frozen for {self.freeze_s:g} s")


SCALES = (3, 1, 2)


def schedule(settings: StormSettings) -> list[Act]:
    """The acts in order. Freezes end before the storm does; others are anywhere but in its first seconds.

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
    for number in range(settings.clusters):
        at_s = 4.0 + _share(number, settings.clusters, random) * max(0.0, end_s - 40.0)
        acts += _cluster(round(at_s, 3), CLUSTERS[number % len(CLUSTERS)], random)
    return sorted(acts)


CLUSTERS = ("broker_and_worker", "openings", "thaw", "broker_and_opening")


def _cluster(at_s: float, kind: str, random: Random) -> list[Act]:
    """Acts around one moment, in which a task moves from one worker to another.

    A broker dies with workers just before and after it; workers die one after the other while they take over from the
    previous one; a zombie comes back during a takeover; a broker dies during one.
    """

    def act(act_kind: ActKind, early_s: float, late_s: float, lasts_s: float = 0.0) -> Act:
        when_s = round(max(0.0, at_s + random.uniform(early_s, late_s)), 3)
        return Act(at_s=when_s, kind=act_kind, number=random.randrange(12), lasts_s=lasts_s)

    broker_s = round(random.uniform(0.2, 6.0), 3)
    if kind == "broker_and_worker":
        number = random.choice(SCALES)
        scale = Act(at_s=round(at_s + random.uniform(0.0, 3.0), 3), kind=ActKind.SCALE, number=number)
        kills = [act(ActKind.KILL_WORKER, -3.0, 0.0), act(ActKind.KILL_WORKER, 0.0, 3.0)]
        return [act(ActKind.KILL_BROKER, -0.3, 0.3, broker_s), scale, *kills]
    if kind == "openings":
        return [act(ActKind.KILL_OPENING, 0.0, 3.0) for _ in range(3)]
    if kind == "broker_and_opening":
        return [act(ActKind.KILL_OPENING, 0.0, 1.5), act(ActKind.KILL_BROKER, 0.0, 3.0, broker_s)]
    frozen_s = round(random.uniform(8.0, 14.0), 3)  # longer than a session timeout: others have begun to take over
    freeze = Act(at_s=at_s, kind=ActKind.FREEZE_WORKER, number=random.randrange(12), lasts_s=frozen_s)
    return [freeze, *(act(ActKind.KILL_OPENING, frozen_s - 3.0, frozen_s) for _ in range(2))]


def _share(number: int, count: int, random: Random) -> float:
    """A time in the `number`-th of `count` equal parts: spread out, because these acts take long."""
    return round((number + random.uniform(0.2, 0.8)) / count, 6)
