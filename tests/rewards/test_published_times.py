"""Streaming times are learned, published and read back: readers judge by the publisher's thresholds."""

import msgspec
import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.online.settings import LearnerSettings
from processors.learner import Learner
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import REWARD_NAMES, reward_named
from processors.worlds.blocks import BlockWorld, generate
from schemas.codec import decode, encode
from schemas.interactions import Interaction, Interactions
from schemas.learning import CoClusters

WORLD = BlockWorld(users=150, cards=60, user_groups=2, card_groups=2, streams_per_user=12.0, noise_sd=0.5)


def interactions(world_seed: int = 4) -> list[Interaction]:
    history = generate(WORLD, world_seed=world_seed)
    columns = (history.user.tolist(), history.card.tolist(), history.seconds.tolist(), history.event_ms.tolist())
    return [
        Interaction(event_id=f"s{n}", user_id=f"u{u}", card_id=f"c{c}", event_ms=ms, played_ms=round(s * 1_000))
        for n, (u, c, s, ms) in enumerate(zip(*columns, strict=True))
    ]


def learned(half_life_ms: int = 0) -> CoClusters:
    settings = LearnerSettings(user_groups=2, card_groups=2, warmup_events=600, half_life_ms=half_life_ms)
    learner = Learner(settings, REWARD_NAMES, seed=9)
    learner.interactions([Interactions.of("test", interactions())])
    (found, *_) = learner.publish()
    assert isinstance(found, CoClusters)
    message = decode("co-clusters", encode(found))
    assert isinstance(message, CoClusters)
    return message


def test_what_readers_make_of_the_co_clusters_is_what_the_learner_published() -> None:
    message = learned()
    times = times_of(message)
    for name in REWARD_NAMES:
        threshold_s = reward_named(name, seed=9).success(times).threshold_s
        np.testing.assert_array_equal(threshold_s, np.array(message.thresholds_s[name]))


def test_every_stream_stands_in_the_histograms_of_its_block_and_of_its_margins() -> None:
    message = learned()
    assert message.times is not None
    of_blocks = np.array(message.times.histogram)
    assert abs(of_blocks.sum() - len(interactions())) < 1.0
    assert abs(of_blocks.sum() - len(interactions())) < 1.0
    np.testing.assert_allclose(of_blocks.sum(axis=2), message.count, atol=0.1)
    np.testing.assert_allclose(of_blocks.sum(axis=1), message.times.user_histogram, atol=0.1)
    np.testing.assert_allclose(of_blocks.sum(axis=0), message.times.card_histogram, atol=0.1)
    total_s = sum(one.played_ms for one in interactions()) / 1_000.0
    np.testing.assert_allclose(np.sum(message.times.seconds_total), total_s, rtol=1e-4)


def test_old_streams_fade_from_the_distributions_in_event_time() -> None:
    kept, faded = np.sum(learned().count), np.sum(learned(half_life_ms=30_000).count)
    length_ms = interactions()[-1].event_ms
    assert faded < kept * 30_000 / np.log(2.0) / length_ms * 1.3, "about a half-life's worth is left"


def test_a_snapshot_without_histograms_is_read_by_its_normals() -> None:
    flat = CoClusters(
        generation=1,
        version=1,
        event_ms=0,
        user_prior=(1.0,),
        card_prior=(1.0,),
        mean=((6.0,),),
        variance=((0.25,),),
        count=((500.0,),),
        global_mean=6.0,
        global_variance=0.25,
    )
    times = times_of(flat)
    for name in ("mean", "median", "mean:none"):
        np.testing.assert_allclose(reward_named(name).success(times).threshold_s, np.expm1(6.0), rtol=0.05)


def test_thresholds_follow_the_world_once_the_old_streams_have_faded() -> None:
    """In a world so small one threshold may be far off; the middle one of five worlds is not."""
    ratios = np.median([_ratio_of_thresholds(world_seed) for world_seed in range(4, 9)], axis=0)
    np.testing.assert_allclose(ratios, 0.25, rtol=0.15)


def _ratio_of_thresholds(world_seed: int) -> FloatArray:
    """Thresholds after all streams have become four times as short over those before, smallest first."""
    settings = LearnerSettings(user_groups=2, card_groups=2, warmup_events=600, half_life_ms=10_000, stuck_test=False)
    learner = Learner(settings, ("mean", "static"), seed=9)
    history = interactions(world_seed)
    learner.interactions([Interactions.of("test", history)])
    (before, *_) = learner.publish()
    later_ms = history[-1].event_ms + 1
    for again in range(3):
        shift_ms = later_ms * (again + 1)
        shorter = [
            msgspec.structs.replace(one, event_ms=one.event_ms + shift_ms, played_ms=one.played_ms // 4)
            for one in history
        ]
        learner.interactions([Interactions.of("test", shorter)])
    (after, *_) = learner.publish()
    assert isinstance(before, CoClusters)
    assert isinstance(after, CoClusters)
    assert after.thresholds_s["static"] == before.thresholds_s["static"]
    ratio: FloatArray = np.sort(np.ravel(after.thresholds_s["mean"])) / np.sort(np.ravel(before.thresholds_s["mean"]))
    return ratio
