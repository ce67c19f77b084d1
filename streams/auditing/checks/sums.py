"""Statistics are right: those of cards sum to the outcomes, those of blocks to the interactions."""

import math
from collections import defaultdict
from collections.abc import Iterator

from streams.auditing.books import Books
from streams.auditing.recomputed import Recomputed

RELATIVE, ABSOLUTE = 1e-6, 1e-3


def _differ(found: float, expected: float) -> bool:
    return not math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=ABSOLUTE)


def card_sums_wrong(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Cards whose statistics are not the sums over their outcomes: exposures, and successes by the yardstick."""
    exposures: defaultdict[str, float] = defaultdict(float)
    successes: defaultdict[str, float] = defaultdict(float)
    for exposure, settled in books.settled.items():
        last = max([*settled, *books.corrected.get(exposure, ())], key=lambda outcome: outcome.step)
        known = books.statistics.get(last.card_id)
        weight = 1.0 if known is None else known.weight(last.shown_ms)
        weight *= recomputed.rules.importance(settled[0].propensity)
        exposures[last.card_id] += weight * len(settled)
        successes[last.card_id] += weight * (last.played_ms >= 1_000 * recomputed.rules.yardstick_s)
    for card_id in sorted(exposures.keys() | books.statistics.keys()):
        told = books.statistics.get(card_id)
        if told is None or _differ(sum(told.exposures), exposures[card_id]):
            counted = 0.0 if told is None else sum(told.exposures)
            yield f"{card_id}: {counted:.3f} exposures, not {exposures[card_id]:.3f}"
        elif "static" in told.rewards and _differ(sum(told.rewards["static"].total), successes[card_id]):
            yield f"{card_id}: {sum(told.rewards['static'].total):.3f} successes, not {successes[card_id]:.3f}"


def engagement_sums_wrong(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Sums by block that are not the sums over outcomes and interactions."""
    settled = sum(map(len, books.settled.values()))
    expected: dict[str, float] = {"exposures": settled}
    if recomputed.rules.sample_share == 1.0:
        expected["streams"] = sum(books.interactions.values())
        expected["played_s"] = sum(books.played_ms.values()) / 1_000.0
    for name, value in expected.items():
        if _differ(books.engagement[name], value):
            yield f"{name}: blocks sum to {books.engagement[name]:.3f}, not {value:.3f}"


def block_sums_wrong(books: Books, _: Recomputed) -> Iterator[str]:
    """Co-clusters whose counts do not sum to the interactions (none yet: the learner is still warming up)."""
    blocks, interactions = books.blocks, sum(books.interactions.values())
    if blocks is None:
        return
    counted = sum(map(sum, blocks.count)) + blocks.unplaced_count + blocks.withdrawn_count
    if _differ(counted, interactions):
        yield f"blocks count {counted:.3f}, not {interactions} interactions"


def withdrawals_wrong(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """More interactions withdrawn than forgotten listeners had; or fewer than were remembered of them.

    The learner remembers the last `ring` interactions of each listener, if there is room for all; before its first
    fit they are in no block.
    """
    if books.blocks is None:
        return
    rules, withdrawn = recomputed.rules, books.blocks.withdrawn_count
    if withdrawn > sum(books.told_before):
        yield f"{withdrawn} interactions withdrawn, not more than {sum(books.told_before)}"
    remembered = sum(min(count, rules.ring) for count in books.told_before)
    told = max(len({user_id for user_id, _ in books.interactions}), len(books.told_cards))
    in_reach = withdrawn + books.blocks.unplaced_count
    if told <= rules.learner_nodes_max and len(books.interactions) <= rules.learner_edges_max and in_reach < remembered:
        yield f"{withdrawn} interactions withdrawn, {books.blocks.unplaced_count} never placed, not {remembered}"
