"""Plans the steps from the cluster's topics to the table of topics; no step shrinks or deletes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from schemas.topics import STAMP_AHEAD_MAX, Topic

UNLIMITED = str(2**63 - 1)

Action = Literal["create", "add_partitions", "set_config", "conflict"]


class FoundTopic(Struct, frozen=True, kw_only=True):
    """A topic on the cluster."""

    partitions: int
    config: Mapping[str, str]
    replicas: int = 1


class Step(Struct, frozen=True, kw_only=True):
    """One step, or a `conflict` that needs a decision."""

    action: Action
    topic: str
    detail: str
    partitions: int = 0
    config: Mapping[str, str] = {}


class Wanted(Struct, frozen=True, kw_only=True):
    """Requirements of all topics: number of page partitions, and replicas.

    An acknowledged write (acks=all) is on all replicas but one, so losing one broker loses nothing.

    >>> Wanted(page_partitions=4, replication_factor=3).durability()
    {'min.insync.replicas': '2'}
    """

    page_partitions: int
    replication_factor: int = 1

    def durability(self) -> dict[str, str]:
        """Number of replicas that an acknowledgement needs."""
        return {"min.insync.replicas": str(max(1, self.replication_factor - 1))}


def plan(topics: Iterable[Topic], found: Mapping[str, FoundTopic], wanted: Wanted) -> list[Step]:
    """Steps from the found to the wanted topics; empty if they match.

    >>> from schemas.topics import TOPICS
    >>> both, four = [TOPICS["impressions"], TOPICS["stream-ends"]], Wanted(page_partitions=4)
    >>> [step.action for step in plan(both, {}, four)]
    ['create', 'create']
    >>> def existing(partitions):
    ...     config = {**TOPICS["impressions"].config(), "min.insync.replicas": "1"}
    ...     return FoundTopic(partitions=partitions, config=config)
    >>> [step.detail for step in plan(both, {"impressions": existing(2), "stream-ends": existing(2)}, four)][0]
    'has 2 partitions, needs 4: keyed records would move; use `topics grow`, or set page_partitions = 2'
    >>> [step.detail for step in plan(both, {"impressions": existing(4), "stream-ends": existing(3)}, four)][0]
    'has 3 partitions, impressions has 4: they are joined by partition and must be equal; recreate it with 4'
    """
    topics = list(topics)
    counts = {topic.name: found[topic.name].partitions for topic in topics if topic.is_paged and topic.name in found}
    return [step for topic in topics for step in _steps(topic, found.get(topic.name), wanted, counts)]


def _steps(topic: Topic, found: FoundTopic | None, wanted: Wanted, counts: Mapping[str, int]) -> Iterator[Step]:
    partitions = topic.partition_count(wanted.page_partitions)
    config = {**topic.config(), **wanted.durability()}
    if found is None:
        detail = f"{partitions} partitions, {topic.cleanup.value}"
        yield Step(action="create", topic=topic.name, detail=detail, partitions=partitions, config=config)
        return
    if found.partitions != partitions:
        yield _partition_step(topic, found.partitions, partitions, counts)
    if found.replicas < wanted.replication_factor:
        copies, needs = "copy" if found.replicas == 1 else "copies", wanted.replication_factor
        detail = f"has {found.replicas} {copies}, needs {needs}: add them with kafka-reassign-partitions.sh"
        yield Step(action="conflict", topic=topic.name, detail=detail)
    changed = {name: value for name, value in config.items() if found.config.get(name) != value}
    if STAMP_AHEAD_MAX not in found.config:
        changed.pop(STAMP_AHEAD_MAX, None)  # unknown to brokers before 3.6
    if "cleanup.policy" in changed and found.config.get("cleanup.policy"):
        policy = found.config["cleanup.policy"]
        detail = f"cleanup.policy is {policy}, must be {topic.cleanup.value}: data would be lost; change it by hand"
        yield Step(action="conflict", topic=topic.name, detail=detail)
        changed.pop("cleanup.policy")
    has = found.config
    raised = {
        name: value
        for name, value in changed.items()
        if _is_unlimited(name, has.get(name)) or not _lowers(has.get(name), value)
    }
    if raised:
        detail = ", ".join(f"{name}={value}" for name, value in sorted(raised.items()))
        yield Step(action="set_config", topic=topic.name, detail=detail, config=raised)


def _partition_step(topic: Topic, has: int, needs: int, counts: Mapping[str, int]) -> Step:
    if topic.is_paged:
        return Step(action="conflict", topic=topic.name, detail=f"has {has} partitions, {_way_out(has, needs, counts)}")
    if has > needs:
        detail = f"has {has} partitions, needs exactly {needs}: one task reads it whole; recreate it"
        return Step(action="conflict", topic=topic.name, detail=detail)
    return Step(action="add_partitions", topic=topic.name, detail=f"from {has} to {needs}", partitions=needs)


def _way_out(has: int, needs: int, counts: Mapping[str, int]) -> str:
    """Advice for a page topic with another partition count, which depends on the other page topics."""
    if len(set(counts.values())) == 1:
        grows = needs > has and needs % has == 0
        way = "use `topics grow`" if grows else "recreate it"
        return f"needs {needs}: keyed records would move; {way}, or set page_partitions = {has}"
    fewest, most = min(counts.values()), max(counts.values())
    other = next(name for name, count in counts.items() if count != has)
    if most % fewest == 0 and {*counts.values()} == {fewest, most}:
        return f"{other} has {counts[other]}: if a growth was cut, finish it: `topics grow --page-partitions {most}`"
    return f"{other} has {counts[other]}: they are joined by partition and must be equal; recreate it with {needs}"


def _is_unlimited(name: str, has: str | None) -> bool:
    """Whether the broker accepts any timestamp: the default before 4.0, not a choice."""
    return name == STAMP_AHEAD_MAX and has == UNLIMITED


def _lowers(has: str | None, wants: str) -> bool:
    """Whether a size or a time would shrink: an operator's larger value is kept.

    >>> _lowers("10", "5"), _lowers("5", "10"), _lowers(None, "5"), _lowers("delete", "compact"), _lowers("-1", "5")
    (True, False, False, False, True)
    """
    if has is None:
        return False
    try:
        return float(has) == -1.0 or float(has) > float(wants)
    except ValueError:
        return False
