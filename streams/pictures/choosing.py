"""Pictures of groups by name, and those of a report."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from processors.arrays import FloatArray
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import reward_named
from processors.rewards.success_shares import success_shares
from streams.pictures.distribution_picture import beside_all
from streams.pictures.figures import Figure
from streams.pictures.genre_picture import genre_picture
from streams.pictures.heat_map_picture import chosen_reward, heat_map_picture, known_rewards
from streams.pictures.known_groups import KnownGroups
from streams.pictures.matrix_picture import matrix_picture
from streams.pictures.picture_names import GroupPicture
from streams.pictures.reward_table_picture import reward_table_picture
from streams.pictures.threshold_pictures import ladder_picture
from streams.pictures.time_histograms import shares

LEAST_SHARE = 0.02
"""Share of all streams below which a group is not chosen as the one that differs most."""


class NoPictureError(Exception):
    """What the picture shows is not known."""


def group_pictures(
    known: KnownGroups,
    picture: GroupPicture,
    *,
    reward: str,
    user_group: int | None = None,
    card_group: int | None = None,
    seconds: float = 180.0,
    seed: int = 0,
) -> list[Figure]:
    """The figures of this name; raises `NoPictureError` if they would show nothing."""
    needs_thresholds = picture in {GroupPicture.REWARD_RATE, GroupPicture.REWARDS, GroupPicture.LADDER}
    if needs_thresholds and not known.model.thresholds_s:
        raise NoPictureError("these co-clusters were published without thresholds")
    chosen = chosen_reward(known.model, reward)
    made: dict[GroupPicture, Callable[[], Sequence[Figure | None]]] = {
        GroupPicture.ALL: lambda: talk_pictures(known, reward=chosen, seed=seed),
        GroupPicture.DISTRIBUTION: lambda: [beside_all(known, user_group=user_group, card_group=card_group)],
        GroupPicture.TIME: lambda: [heat_map_picture(known, shown="time", reward=chosen)],
        GroupPicture.VOLUME: lambda: [heat_map_picture(known, shown="volume", reward=chosen)],
        GroupPicture.REWARD_RATE: lambda: [heat_map_picture(known, shown="reward", reward=chosen, seed=seed)],
        GroupPicture.MATRIX: lambda: [matrix_picture(known, reward=chosen)],
        GroupPicture.GENRES: lambda: [genre_picture(known)],
        GroupPicture.REWARDS: lambda: [reward_table_picture(known, seed=seed)],
        GroupPicture.LADDER: lambda: [_ladder(known, seconds, seed)],
    }
    figures = [figure for figure in made[picture]() if figure is not None]
    if not figures:
        raise NoPictureError("no card of these groups has genres in the catalogue")
    return figures


def talk_pictures(known: KnownGroups, *, reward: str, seed: int = 0) -> list[Figure]:
    """Streaming time of the card group and of the user group that differ most from all, the matrix, genres, rewards."""
    user_group, card_group = most_different(known)
    found: Iterable[Figure | None] = (
        beside_all(known, card_group=card_group),
        beside_all(known, user_group=user_group),
        matrix_picture(known, reward=chosen_reward(known.model, reward)),
        genre_picture(known),
        reward_table_picture(known, seed=seed),
    )
    return [figure for figure in found if figure is not None]


def most_different(known: KnownGroups) -> tuple[int, int]:
    """The user group and the card group whose distributions of streaming time lie farthest from that of all streams."""
    histogram = times_of(known.model).histogram
    return _farthest(histogram.sum(axis=2)), _farthest(histogram.sum(axis=1))


def _farthest(counts: FloatArray) -> int:
    """The column of [B, n] with the largest total variation from the sum of all, among those that are not tiny."""
    everybody, total = shares(counts.sum(axis=1)), float(counts.sum())
    apart = [
        float(np.abs(shares(column) - everybody).sum()) if column.sum() >= LEAST_SHARE * total else -1.0
        for column in counts.T
    ]
    return int(np.argmax(apart))


def _ladder(known: KnownGroups, seconds: float, seed: int) -> Figure:
    times = times_of(known.model)
    successes = {name: reward_named(name, seed).success(times) for name in known_rewards(known.model)}
    return ladder_picture(
        known,
        {name: success.of(np.array([seconds]))[0] for name, success in successes.items()},
        {name: success_shares(times, success) for name, success in successes.items()},
        seconds=seconds,
    )
