"""Partitions are shared out fairly, together, and with as few moves as possible."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.exactly_once.consumer.assignor import CoPartitionedAssignor, shares
from streams.exactly_once.task import TaskSpec
from tests.exactly_once.keyed_sums import KeyedSums

members_and_partitions = st.tuples(
    st.integers(1, 40),
    st.dictionaries(st.sampled_from("abcdefgh"), st.lists(st.integers(0, 50), max_size=20), min_size=1),
)


class Topics:
    """As much of a cluster's metadata as an assignor asks for."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self.counts = counts

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return set(range(self.counts[topic])) if topic in self.counts else None


def spec(name: str, *inputs: str) -> TaskSpec:
    return TaskSpec(name=name, inputs=inputs, state_topic=f"{name}-state", make=lambda partition: KeyedSums(name))


def assigned(
    members: Mapping[str, CoPartitionedAssignor], counts: Mapping[str, int]
) -> dict[str, dict[str, list[int]]]:
    told = {name: member.metadata(()) for name, member in members.items()}
    leader = next(iter(members.values()))
    result = leader.assign(Topics(counts), told)
    for name, member in members.items():
        member.on_assignment(result[name])
    return {name: dict(given_to.assignment) for name, given_to in result.items()}


@given(members_and_partitions)
def test_every_partition_has_one_owner_and_shares_differ_by_at_most_one(
    drawn: tuple[int, dict[str, list[int]]],
) -> None:
    partitions, owned = drawn
    result = shares(partitions, owned, dict.fromkeys(owned, 0))
    assert sorted(number for given_to in result.values() for number in given_to) == list(range(partitions))
    sizes = [len(given_to) for given_to in result.values()]
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 40), st.integers(1, 6))
def test_nothing_moves_when_nobody_comes_or_goes(partitions: int, count: int) -> None:
    load = {f"member-{number}": 0 for number in range(count)}
    before = shares(partitions, {member: [] for member in load}, load)
    assert shares(partitions, before, load) == before


@given(st.integers(1, 40), st.integers(2, 6))
def test_when_a_member_leaves_the_others_keep_what_they_had(partitions: int, count: int) -> None:
    load = {f"member-{number}": 0 for number in range(count)}
    before = shares(partitions, {member: [] for member in load}, load)
    del load["member-0"], before["member-0"]
    after = shares(partitions, before, load)
    assert all(set(before[member]) <= set(after[member]) for member in before)


def test_inputs_of_a_task_stay_together_however_uneven_the_group() -> None:
    members = {name: CoPartitionedAssignor([spec("sums", "left", "right")]) for name in "abc"}
    counts = {"left": 7, "right": 7}
    for given_to in assigned(members, counts).values():
        assert given_to["left"] == given_to["right"]


def test_members_get_partitions_of_their_own_tasks_only() -> None:
    members = {
        "both": CoPartitionedAssignor([spec("sums", "left", "right"), spec("other", "third")]),
        "one": CoPartitionedAssignor([spec("sums", "left", "right")]),
    }
    result = assigned(members, {"left": 4, "right": 4, "third": 3})
    assert result["both"]["third"] == [0, 1, 2]
    assert "third" not in result["one"]
    assert len(result["one"]["left"]) == 2


def test_tasks_of_one_partition_each_spread_over_the_members() -> None:
    specs = [spec(f"task-{number}", f"topic-{number}") for number in range(4)]
    members = {name: CoPartitionedAssignor(specs) for name in ("a", "b")}
    result = assigned(members, {f"topic-{number}": 1 for number in range(4)})
    sizes = [sum(len(numbers) for numbers in topics.values()) for topics in result.values()]
    assert sizes == [2, 2]


def test_a_second_assignment_keeps_what_the_first_gave() -> None:
    members = {name: CoPartitionedAssignor([spec("sums", "left")]) for name in ("a", "b")}
    first = assigned(members, {"left": 6})
    members["c"] = CoPartitionedAssignor([spec("sums", "left")])
    second = assigned(members, {"left": 6})
    assert [len(second[name]["left"]) for name in "abc"] == [2, 2, 2]
    for name in "ab":
        assert set(second[name]["left"]) <= set(first[name]["left"])


@pytest.mark.parametrize("owned", [{}, {"sums": [0, 1]}])
def test_what_members_tell_is_plain_json(owned: dict[str, list[int]]) -> None:
    told = json.loads(CoPartitionedAssignor([spec("sums", "left")]).metadata(["left"]).user_data)
    assert told == {"inputs": {"sums": ["left"]}, "owned": {}}


def test_tasks_that_keep_step_go_to_one_member_and_stay_there() -> None:
    def member() -> CoPartitionedAssignor:
        paced = [replace(spec(name, f"{name}-in"), step_slack_ms=5) for name in ("pages", "plays")]
        return CoPartitionedAssignor([*paced, spec("sums", "left")])

    members, counts = {name: member() for name in "ab"}, {"pages-in": 3, "plays-in": 2, "left": 4}
    first = assigned(members, counts)
    [owner] = [name for name in "ab" if first[name]["pages-in"]]
    assert (first[owner]["pages-in"], first[owner]["plays-in"]) == ([0, 1, 2], [0, 1])
    assert [len(first[name]["left"]) for name in "ab"] == [2, 2], "the others are shared out as ever"
    again = assigned({**members, "0": member()}, counts)
    assert again[owner]["pages-in"] == [0, 1, 2]
    del members[owner]
    [left] = members
    assert assigned(members, counts)[left]["plays-in"] == [0, 1]
