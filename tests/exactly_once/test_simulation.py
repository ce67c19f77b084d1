"""Thousands of crashes of the takeover protocol: nothing twice, nothing lost, state and position as one.

More of them, in minutes: python -m tests.exactly_once.simulation --crashes 100000
"""

from collections.abc import Callable, Collection

import pytest
from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from streams.exactly_once.transactions import takeover
from streams.exactly_once.transactions.takeover import COMPLETING_TIMEOUT_MS, Held, Identity
from tests.exactly_once.simulation import worker
from tests.exactly_once.simulation.cluster import Cluster
from tests.exactly_once.simulation.history import Counts, History
from tests.exactly_once.simulation.worker import Restored, ViolationError

HISTORIES = range(1, 101)


@given(st.integers(0, 1 << 32))
def test_no_crash_counts_an_input_twice_loses_one_or_parts_state_from_position(seed: int) -> None:
    History(seed).play()


def test_histories_have_in_them_what_they_are_about() -> None:
    counts = Counts()
    for seed in HISTORIES:
        counts = counts.plus(History(seed).play())
    assert counts.crashes >= 2_000
    assert counts.freezes >= 200
    assert counts.coordinator_crashes >= 1_000
    assert counts.left_out >= 300


def is_caught(first: int = 1, **changes: object) -> bool:
    """Whether one of 200 histories finds fault with a changed protocol."""
    try:
        for seed in range(first, first + 200):
            History(seed, **changes).play()  # type: ignore[arg-type]
    except ViolationError:
        return True
    return False


def offset_of_the_group(cluster: Cluster) -> Callable[[Restored], int]:
    """Where the driver went on before the state had a position: the offset that the group has committed."""
    return lambda _: cluster.group_offset() or 0


def test_to_go_on_at_the_groups_offset_is_caught() -> None:
    assert is_caught(position_of=offset_of_the_group)


def test_to_go_on_at_the_groups_offset_is_caught_where_no_marker_is_ever_left_out() -> None:
    assert is_caught(position_of=offset_of_the_group, leave_out=False)


def forget_the_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takeover, "_timeout_ms", lambda timeout_ms, *, committed: timeout_ms)


def complete_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def complete(_: object, held: Held, places: Collection[TopicPartition], timeout_ms: int) -> Held:
        return held

    monkeypatch.setattr(takeover, "complete", complete)


def complete_once_whatever_happens_to_the_coordinator(monkeypatch: pytest.MonkeyPatch) -> None:
    async def complete(
        coordinator: takeover.Coordinator, held: Held, places: Collection[TopicPartition], timeout_ms: int
    ) -> Held:
        await coordinator.begin_completing(held.identity, places)
        await coordinator.end(held.identity, committed=held.was_committed)
        timeout_ms = COMPLETING_TIMEOUT_MS if held.was_committed else timeout_ms
        return held._replace(identity=await takeover.fenced_again(coordinator, held.identity, timeout_ms))

    monkeypatch.setattr(takeover, "complete", complete)


def begin_over_any_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def begin(
        coordinator: takeover.Coordinator, identity: Identity, places: Collection[TopicPartition], **_: object
    ) -> Identity:
        await coordinator.begin(identity, places, over=None)
        return identity

    monkeypatch.setattr("tests.exactly_once.simulation.worker.begin", begin)


def confirm_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def confirm(_: object) -> None:
        """Go on, whoever has announced a takeover."""

    monkeypatch.setattr(worker.ModelCoordinator, "_confirm", confirm)


def announce_without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "ANNOUNCED_STEPS", 0)


@pytest.mark.parametrize(
    ("weaken", "first"),
    [
        (forget_the_decision, 1),
        (complete_nothing, 1),
        (complete_once_whatever_happens_to_the_coordinator, 1),
        (begin_over_any_connection, 1),
        (confirm_nothing, 1),
        (announce_without_waiting, 1900),  # two of the first 4,000 histories catch it
    ],
)
def test_no_step_of_the_protocol_can_be_left_out(
    monkeypatch: pytest.MonkeyPatch, weaken: Callable[[pytest.MonkeyPatch], None], first: int
) -> None:
    weaken(monkeypatch)
    assert is_caught(first)
