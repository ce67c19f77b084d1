"""Whether the scores of the demo's rankings came true, from its log: impressions, outcomes, and the rankings shown."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from processors.ranking.calibration import CalibrationRow, calibration, realised_rewards
from processors.ranking.learned import Learned
from processors.rewards.reward_catalogue import reward_named
from schemas.catalogue import CatalogueCard
from schemas.impressions import Impression
from schemas.learning import CardGroup, CoClusters
from schemas.outcomes import ExposureKey, OutcomeCorrected, OutcomeSettled
from schemas.rankings import ShelfRanking

Shown = Mapping[tuple[str, int], ShelfRanking]
"""Rankings by listener and ranking number."""


def learned_at_last(
    reward: str, catalogue: Iterable[CatalogueCard], co_clusters: CoClusters, groups: Iterable[CardGroup]
) -> Learned:
    """What a worker knows when it has read these to their ends."""
    learned = Learned((reward,))
    for card in catalogue:
        learned.put_card(card.card_id, card)
    learned.put_co_clusters(co_clusters)
    for group in groups:
        learned.put_card_group(group)
    return learned


def demo_calibration(
    learned: Learned,
    shown: Shown,
    impressions: Iterable[Impression],
    outcomes: Sequence[OutcomeSettled | OutcomeCorrected],
    *,
    from_ms: int,
) -> list[CalibrationRow]:
    """Deciles of the exposures shown from `from_ms` on in pages that were ranked by the one reward of `learned`.

    What was streamed is judged by the thresholds of the end, not by those in force at the time: it tells as well how
    far these have moved.
    """
    (reward,) = learned.rewards
    number_of = {impression.event_id: impression.ranking_number for impression in impressions}
    played_ms: dict[ExposureKey, int] = {}
    for outcome in outcomes:
        played_ms[outcome.exposure] = max(played_ms.get(outcome.exposure, 0), outcome.played_ms)
    groups = len(learned.blocks.user_prior)
    found = []
    for outcome in outcomes:
        if isinstance(outcome, OutcomeCorrected) or outcome.shown_ms < from_ms or len(outcome.user_weights) != groups:
            continue
        ranking = shown.get((outcome.user_id, number_of.get(outcome.impression_id) or 0))
        if ranking is not None and ranking.reward_version == reward:
            score = ranking.shelves[outcome.row].scores[outcome.slot]
            found.append((score, outcome.card_id, played_ms[outcome.exposure] / 1_000.0, outcome.user_weights))
    if not found:
        return []
    scores, cards, seconds, weights = zip(*found, strict=True)
    realised = realised_rewards(learned, reward_named(reward), cards, np.array(seconds), np.array(weights))
    return calibration(np.array(scores), realised)
