"""A sticky assignor that keeps the partitions of a task's input topics together.

Members report to the group's leader which tasks they run and which partitions they owned. Partition N of all input
topics of a task goes to one member, shares of a task differ by at most one, and a member keeps its partitions as
far as its share allows, because every move costs a restore. Members that run other tasks are ignored.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)

from streams.exactly_once.task import TaskSpec

PROTOCOL_VERSION = 0


class Member(NamedTuple):
    """A member's report: input topics of its tasks, partitions of each that it owned, and tasks that keep step."""

    inputs: Mapping[str, Sequence[str]]
    owned: Mapping[str, Sequence[int]]
    in_step: Sequence[str] = ()


def shares(partitions: int, owned: Mapping[str, Sequence[int]], load: Mapping[str, int]) -> dict[str, list[int]]:
    """Assign the partitions of one task to members, each of which keeps as many as it can.

    Shares differ by at most one; larger shares go to members that own more already, then to those with less
    ``load`` from other tasks. The result does not depend on the order of the members.

    >>> shares(4, {"a": [0, 1, 2, 3], "b": []}, {"a": 0, "b": 0})
    {'a': [0, 1], 'b': [2, 3]}
    """
    members = sorted(owned, key=lambda member: (-len(owned[member]), load[member], member))
    base, larger = divmod(partitions, len(members))
    room = {member: base + (rank < larger) for rank, member in enumerate(members)}
    result: dict[str, list[int]] = {member: [] for member in sorted(owned)}
    free = set(range(partitions))
    for member in members:
        kept = [number for number in sorted(set(owned[member])) if number in free][: room[member]]
        result[member] = kept
        free.difference_update(kept)
    for member in members:
        for number in sorted(free)[: room[member] - len(result[member])]:
            result[member].append(number)
            free.discard(number)
        result[member].sort()
    return result


def one_member(owned: Mapping[str, Sequence[int]], load: Mapping[str, int]) -> str:
    """The member for a task that must not be divided: the one that owned most of it, or has least to do.

    >>> one_member({"a": [], "b": [0]}, {"a": 0, "b": 7}), one_member({"a": [], "b": []}, {"a": 3, "b": 1})
    ('b', 'b')
    """
    return min(owned, key=lambda member: (-len(owned[member]), load[member], member))


class CoPartitionedAssignor(AbstractPartitionAssignor):  # type: ignore[misc]  # aiokafka has no types
    """Assigns tasks instead of topics."""

    name = "copartitioned-sticky"

    def __init__(self, specs: Sequence[TaskSpec]) -> None:
        self._specs = tuple(specs)
        self._owned: dict[str, list[int]] = {}

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """This member's report to the leader."""
        told = {"inputs": {spec.name: spec.inputs for spec in self._specs}, "owned": self._owned}
        if in_step := [spec.name for spec in self._specs if spec.step_slack_ms is not None]:
            told["in_step"] = in_step
        return ConsumerProtocolMemberMetadata(PROTOCOL_VERSION, sorted(topics), json.dumps(told).encode())

    def assign(
        self, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Assign all tasks; called on the leader only."""
        told = {member: Member(**json.loads(metadata.user_data)) for member, metadata in members.items()}
        topics: dict[str, dict[str, list[int]]] = {member: {} for member in members}
        load = dict.fromkeys(members, 0)
        in_step = {task for member in told.values() for task in member.in_step}
        together: str | None = None
        for task in sorted({task for member in told.values() for task in member.inputs}):
            runners = {member: word.owned.get(task, []) for member, word in told.items() if task in word.inputs}
            counts = {
                topic: len(cluster.partitions_for_topic(topic) or ())
                for member in runners
                for topic in told[member].inputs[task]
            }
            partitions = max(counts.values())
            if task in in_step:
                together = together if together in runners else one_member(runners, load)
                divided = {member: list(range(partitions)) if member == together else [] for member in runners}
            else:
                divided = shares(partitions, runners, load)
            for member, numbers in divided.items():
                load[member] += len(numbers)
                for topic in told[member].inputs[task]:
                    topics[member][topic] = [number for number in numbers if number < counts[topic]]
        return {
            member: ConsumerProtocolMemberAssignment(PROTOCOL_VERSION, sorted(given.items()), b"")
            for member, given in topics.items()
        }

    def on_assignment(self, assignment: Any) -> None:
        """Remember the assignment for the next report."""
        topics = dict(assignment.assignment)
        self._owned = {spec.name: sorted(topics.get(spec.inputs[0], ())) for spec in self._specs}
