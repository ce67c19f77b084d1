"""One streamed time in, and what each reward makes of it in each co-cluster."""

from collections.abc import Callable

import numpy as np
from msgspec import Struct

from processors.arrays import FloatArray
from processors.rewards.published_times import times_of
from processors.rewards.reward_catalogue import reward_named
from processors.rewards.success_shares import success_shares
from streams.console.console_state import ConsoleState
from streams.pictures import words
from streams.pictures.figures import Figure, Table
from streams.pictures.heat_map_picture import chosen_reward, known_rewards
from streams.pictures.known_groups import KnownGroups, user_group_name
from streams.pictures.reward_table_picture import reward_table_picture
from streams.pictures.threshold_pictures import ladder_picture

SECONDS_MAX = 7 * 86_400.0


class RewardsPage(Struct, frozen=True, kw_only=True):
    """Everything on the page of rewards."""

    seconds: float
    reward: str
    rewards: tuple[str, ...]
    ladder: Figure
    table: Figure | None
    earned: Table
    shares: Table


def rewards_page(state: ConsoleState, *, seconds: float, reward: str, seed: int) -> RewardsPage | None:
    """The page; None until there are co-clusters with thresholds."""
    known = state.known_groups()
    if known is None or not known.model.thresholds_s:
        return None
    names = known_rewards(known.model)
    chosen = chosen_reward(known.model, reward)
    times = times_of(known.model)
    successes = {name: reward_named(name, seed).success(times) for name in names}
    earned = {name: success.of(np.array([seconds]))[0] for name, success in successes.items()}
    shares = {name: success_shares(times, success) for name, success in successes.items()}
    return RewardsPage(
        seconds=seconds,
        reward=chosen,
        rewards=names,
        ladder=ladder_picture(known, earned, shares, seconds=seconds),
        table=reward_table_picture(known, seed=seed),
        earned=_matrix(known, f"What {words.seconds(seconds)} earn by {chosen}", earned[chosen], "{:.2f}".format),
        shares=_matrix(known, f"Share of the streams that succeed by {chosen}", shares[chosen], words.share),
    )


def _matrix(known: KnownGroups, caption: str, values: FloatArray, text: Callable[[float], str]) -> Table:
    users, cards = values.shape
    return Table(
        caption=caption,
        columns=("", *(known.column_name(k) for k in range(cards))),
        rows=tuple((user_group_name(g), *(text(float(values[g, k])) for k in range(cards))) for g in range(users)),
    )
