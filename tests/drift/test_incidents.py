"""A change among streams that are shared by blocks: who is named, how large it is said to be, what belongs together."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.drift.block_monitor import Change
from processors.drift.evidence import block_evidence, evidence_message
from processors.drift.incidents import Block, Incident, joined
from processors.drift.monitors import Monitors
from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from schemas.codec import encode
from schemas.monitoring import EngagementSums
from tests.tasks.test_cores import Kept, co_clusters

USERS, CARDS, GROUPS = 300, 200, 6
BUCKETS, CHANGE_AT, STREAMS = 45, 25, 600
SETTINGS = DriftSettings()


@dataclass(frozen=True)
class Heard:
    bucket: int
    block: Block
    change: Change
    incident: str


class World:
    """Listeners and cards whose groups are known softly, and rightly: the true ones are drawn from the soft ones."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng([seed, 99])
        self.users, self.cards = rng.dirichlet(np.full(GROUPS, 0.3), USERS), rng.dirichlet(np.full(GROUPS, 0.15), CARDS)
        self.user_group = np.array([rng.choice(GROUPS, p=weights) for weights in self.users])
        self.card_group = np.array([rng.choice(GROUPS, p=weights) for weights in self.cards])
        busiest = np.outer(self.users.sum(axis=0), self.cards.sum(axis=0)).argmax()
        self.block: Block = (int(busiest) // GROUPS, int(busiest) % GROUPS)
        self.taste = 0.3 * rng.standard_normal((USERS, CARDS))

    def evidence(self, shift: float) -> np.ndarray:
        streams = self.rng.poisson(STREAMS)
        user, card = self.rng.integers(USERS, size=streams), self.rng.integers(CARDS, size=streams)
        left = 1.3 * self.rng.standard_normal(streams) + self.taste[user, card]
        left[(self.user_group[user] == self.block[0]) & (self.card_group[card] == self.block[1])] += shift
        return block_evidence(self.users[user], self.cards[card], left + 6.0, np.full(streams, 6.0))


def heard(world: World, shift: float) -> list[Heard]:
    monitors, found = Monitors(SETTINGS), []
    incidents: list[Incident] = []
    for bucket in range(BUCKETS):
        for block, change in monitors.read(bucket, world.evidence(shift * (bucket >= CHANGE_AT))):
            incident = joined(incidents, block, change, f"{block} {bucket}", SETTINGS.incident_buckets)
            found.append(Heard(bucket, block, change, incident))
    return found


WORLDS = range(8)


@pytest.mark.parametrize("shift", [-np.log(12.0), -np.log(5.0), np.log(5.0)])
def test_the_block_that_changed_comes_first_and_its_size_is_right(shift: float) -> None:
    firsts, within, false, sizes, began = 0, 0, 0, [], []
    for seed in WORLDS:
        world = World(seed)
        found = heard(world, shift)
        first, *others = [one for one in found if one.bucket >= CHANGE_AT]
        false += found[0] is not first
        firsts += first.block == world.block
        size = first.change.size
        within += size.low <= shift <= size.high
        sizes.append(size.size / shift)
        began.append(size.change_ms - CHANGE_AT)
        beside = [
            one
            for one in others
            if one.block[0] == first.block[0] or one.block[1] == first.block[1]
            if one.change.size.size * shift > 0.0 and one.bucket - first.bucket <= SETTINGS.incident_buckets
        ]
        assert {one.incident for one in beside} <= {first.incident}
    assert false <= 1
    assert firsts >= 7
    assert within >= 6
    assert 0.8 < np.median(sizes) < 1.2, "neither spread over a window that spans the change, nor over other blocks"
    assert np.median(np.abs(began)) <= 1


def test_where_nothing_changes_there_is_hardly_an_incident() -> None:
    assert len([one for seed in WORLDS for one in heard(World(seed + 100), 0.0)]) <= 1


def messages(seed: int) -> list[EngagementSums]:
    world = World(seed)
    return [
        EngagementSums(
            source="listeners/0",
            bucket_ms=bucket * SETTINGS.bucket_length_ms,
            watermark_ms=bucket * SETTINGS.bucket_length_ms + 1,
            generation=1,
            variant=(), user_group=(), card_group=(), exposures=(), streamed=(), streams=(), played_s=(), log_total=(),
            log_squares=(),
            evidence=evidence_message(world.evidence(-2.5 * (bucket >= CHANGE_AT))),
        )
        for bucket in range(BUCKETS)
    ]  # fmt: skip


MESSAGES = messages(3)


def told(places: set[int]) -> list[bytes]:
    """What a watch says that is written down and taken up again before these messages."""
    watch, kept, said = EngagementMonitor(SETTINGS), Kept(), []
    watch.put_co_clusters(co_clusters())
    for place, message in enumerate(MESSAGES):
        if place in places:
            watch = EngagementMonitor(SETTINGS)
            watch.restore(kept.rows.items())
            watch.put_co_clusters(co_clusters())
        said.extend(encode(one) for one in watch.engagement([message]))
        kept.keep(watch.changed_rows())
    return [one for one in said if b"drift-alert" in one]


WHOLE = told(set())


@settings(max_examples=10)
@given(st.sets(st.integers(0, BUCKETS - 1), max_size=8))
def test_what_belongs_together_does_so_after_any_crash(places: set[int]) -> None:
    assert len(WHOLE) > 1
    assert told(places) == WHOLE
