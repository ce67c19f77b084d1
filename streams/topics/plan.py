"""What the table of topics asks for against what the cluster has: a list of steps, none of which lowers or deletes."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from msgspec import Struct

from schemas.topics import Topic

Action = Literal["create", "add_partitions", "set_config", "conflict"]


class FoundTopic(Struct, frozen=True, kw_only=True):
    """A topic as the cluster has it."""

    partitions: int
    config: Mapping[str, str]


class Step(Struct, frozen=True, kw_only=True):
    """One thing to do, or (`conflict`) one that a person has to decide."""

    action: Action
    topic: str
    detail: str
    partitions: int = 0
    config: Mapping[str, str] = {}


def plan(wanted: Iterable[Topic], found: Mapping[str, FoundTopic], page_partitions: int) -> list[Step]:
    """Steps from what was found to what is wanted; none where all is as it should be.

    >>> from schemas.topics import TOPICS
    >>> [step.action for step in plan([TOPICS["impressions"]], {}, page_partitions=4)]
    ['create']
    >>> few = FoundTopic(partitions=2, config=TOPICS["impressions"].config())
    >>> [step.detail for step in plan([TOPICS["impressions"]], {"impressions": few}, page_partitions=4)]
    ['has 2 partitions, needs 4: keyed records would move; create it anew, or set page_partitions = 2']
    """
    return [step for topic in wanted for step in _steps(topic, found.get(topic.name), page_partitions)]


def _steps(topic: Topic, found: FoundTopic | None, page_partitions: int) -> Iterator[Step]:
    partitions, config = topic.partition_count(page_partitions), topic.config()
    if found is None:
        detail = f"{partitions} partitions, {topic.cleanup.value}"
        yield Step(action="create", topic=topic.name, detail=detail, partitions=partitions, config=config)
        return
    if found.partitions != partitions:
        yield _partition_step(topic, found.partitions, partitions)
    changed = {name: value for name, value in config.items() if found.config.get(name) != value}
    if "cleanup.policy" in changed and found.config.get("cleanup.policy"):
        policy = found.config["cleanup.policy"]
        detail = f"cleanup.policy is {policy}, must be {topic.cleanup.value}: data would be lost; change it by hand"
        yield Step(action="conflict", topic=topic.name, detail=detail)
        changed.pop("cleanup.policy")
    raised = {name: value for name, value in changed.items() if not _lowers(found.config.get(name), value)}
    if raised:
        detail = ", ".join(f"{name}={value}" for name, value in sorted(raised.items()))
        yield Step(action="set_config", topic=topic.name, detail=detail, config=raised)


def _partition_step(topic: Topic, has: int, needs: int) -> Step:
    if topic.partitions == 0:
        detail = (
            f"has {has} partitions, needs {needs}: keyed records would move; "
            f"create it anew, or set page_partitions = {has}"
        )
        return Step(action="conflict", topic=topic.name, detail=detail)
    if has > needs:
        detail = f"has {has} partitions, needs exactly {needs}: one task reads it whole; create it anew"
        return Step(action="conflict", topic=topic.name, detail=detail)
    return Step(action="add_partitions", topic=topic.name, detail=f"from {has} to {needs}", partitions=needs)


def _lowers(has: str | None, wants: str) -> bool:
    """Whether a size or a time would shrink: an operator's larger one stands.

    >>> _lowers("10", "5"), _lowers("5", "10"), _lowers(None, "5"), _lowers("delete", "compact"), _lowers("-1", "5")
    (True, False, False, False, True)
    """
    if has is None:
        return False
    try:
        return float(has) == -1.0 or float(has) > float(wants)
    except ValueError:
        return False
