"""What every clusterer must do. A new clusterer is tested by being added to the list."""

from collections.abc import Callable

import numpy as np
import pytest

from processors.cocluster.fitting.clusterer import Clusterer
from processors.cocluster.fitting.information_theoretic import InformationTheoretic
from processors.cocluster.fitting.normal_blocks import NormalBlocks
from processors.cocluster.fitting.static_groups import StaticGroups
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups
from processors.cocluster.online.online_blocks import OnlineBlocks
from processors.cocluster.online.settings import LearnerSettings
from processors.worlds.agreement import adjusted_rand
from processors.worlds.blocks import BlockHistory, BlockWorld, generate

WORLD = BlockWorld(users=150, cards=60, user_groups=3, card_groups=2, streams_per_user=14, noise_sd=0.6)
HISTORY = generate(WORLD, world_seed=21)


def table(history: BlockHistory) -> Interactions:
    return Interactions(history.user, history.card, np.log1p(history.seconds), WORLD.users, WORLD.cards)


def online(user_groups: int, card_groups: int) -> OnlineBlocks:
    settings = LearnerSettings(
        user_groups=user_groups,
        card_groups=card_groups,
        warmup_events=400,
        restarts=2,
        max_users=200,
        max_cards=100,
        max_edges=4_000,
        polish_passes=20,
    )
    return OnlineBlocks(settings=settings)


CLUSTERERS: dict[str, Callable[[], Clusterer]] = {
    "normal 3x2": lambda: NormalBlocks(user_groups=3, card_groups=2),
    "normal 3x1": lambda: NormalBlocks(user_groups=3, card_groups=1),
    "normal 1x2": lambda: NormalBlocks(user_groups=1, card_groups=2),
    "normal 1x1": lambda: NormalBlocks(user_groups=1, card_groups=1),
    "online 3x2": lambda: online(3, 2),
    "online 3x1": lambda: online(3, 1),
    "online 1x2": lambda: online(1, 2),
    "online 1x1": lambda: online(1, 1),
    "information 3x2": lambda: InformationTheoretic(user_groups=3, card_groups=2),
    "information 1x1": lambda: InformationTheoretic(user_groups=1, card_groups=1),
    "static 3x2": lambda: StaticGroups(
        user=np.arange(WORLD.users) % 3, card=np.arange(WORLD.cards) % 2, user_groups=3, card_groups=2
    ),
}


@pytest.fixture(params=CLUSTERERS.values(), ids=CLUSTERERS.keys())
def clusterer(request: pytest.FixtureRequest) -> Clusterer:
    made: Clusterer = request.param()
    return made


def assert_sound(groups: SoftGroups, data: Interactions) -> None:
    for responsibility, nodes in ((groups.user, data.users), (groups.card, data.cards)):
        assert len(responsibility) == nodes
        assert np.isfinite(responsibility).all()
        assert (responsibility >= 0).all()
        np.testing.assert_allclose(responsibility.sum(axis=1), 1.0, rtol=1e-5)
    blocks = groups.parameters
    assert np.isfinite(blocks.mean).all()
    assert (blocks.variance > 0).all()
    np.testing.assert_allclose(groups.statistics[0].sum(), len(data), rtol=1e-3)
    np.testing.assert_allclose(groups.statistics[1].sum(), data.x.sum(), rtol=1e-3)


def test_groups_are_probabilities_and_blocks_count_every_interaction(clusterer: Clusterer) -> None:
    data = table(HISTORY)
    assert_sound(clusterer.groups(data), data)


def test_the_same_table_gives_the_same_bytes(clusterer: Clusterer) -> None:
    one, other = (clusterer.groups(table(HISTORY)) for _ in range(2))
    for a, b in ((one.user, other.user), (one.card, other.card), (one.statistics, other.statistics)):
        assert a.tobytes() == b.tobytes()


@pytest.mark.parametrize("seconds", [np.full(40, 30.0), np.zeros(40), np.full(40, 4e8)])
def test_a_table_without_any_variety_is_no_error(clusterer: Clusterer, seconds: np.ndarray) -> None:
    user, card = np.arange(40) % WORLD.users, np.arange(40) % WORLD.cards
    data = Interactions(user, card, np.log1p(seconds), WORLD.users, WORLD.cards)
    assert_sound(clusterer.groups(data), data)


def test_one_user_with_one_stream_is_no_error(clusterer: Clusterer) -> None:
    one = np.zeros(1, np.int64)
    data = Interactions(one, one, np.log1p(np.array([60.0])), WORLD.users, WORLD.cards)
    assert_sound(clusterer.groups(data), data)


def test_blocks_of_two_halves_of_a_table_add_up_to_those_of_the_whole(clusterer: Clusterer) -> None:
    data = table(HISTORY)
    groups = clusterer.groups(data)
    halves = [
        soft_groups(
            Interactions(data.user[part], data.card[part], data.x[part], data.users, data.cards),
            groups.user,
            groups.card,
        ).statistics
        for part in (slice(0, 900), slice(900, None))
    ]
    whole = soft_groups(data, groups.user, groups.card).statistics
    np.testing.assert_allclose(halves[0] + halves[1], whole, rtol=1e-9)


def test_the_unit_of_time_does_not_matter_to_who_belongs_together() -> None:
    data = table(HISTORY)
    shifted = Interactions(data.user, data.card, data.x + np.log(1000.0), data.users, data.cards)
    maker = CLUSTERERS["normal 3x2"]
    one, other = maker().groups(data), maker().groups(shifted)
    assert adjusted_rand(one.user.argmax(axis=1), other.user.argmax(axis=1)) > 0.95
