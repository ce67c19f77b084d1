"""What exposures were credited with is what cards' statistics sum to, and what corrections take back."""

import math
from collections.abc import Iterator
from itertools import pairwise

from streams.auditing.books import Books
from streams.auditing.credit_book import Gain
from streams.auditing.own_messages import CardStatisticsRead
from streams.auditing.recomputed import Recomputed

RELATIVE, ABSOLUTE = 1e-6, 1e-6


def credits_misshapen(books: Books, _: Recomputed) -> Iterator[str]:
    """Outcomes whose credits are not one in [0, 1] for each reward that they name and each group of the listener's."""
    yield from books.credits.misshapen


def credits_not_taken_back(books: Books, _: Recomputed) -> Iterator[str]:
    """Corrections that take back other credits than the exposure had, or are by other groups than its outcome.

    Steps that tell no credits, as older versions wrote them, and steps that name other rewards are not compared.
    """
    for exposure, corrections in books.corrected.items():
        if exposure[0] in books.forgotten:
            continue
        steps = sorted(corrections, key=lambda step: step.step)
        for before, after in pairwise([*books.settled.get(exposure, ())[:1], *steps]):
            if not before.rewards or before.rewards != after.rewards:
                continue
            if before.page_mark != after.page_mark:
                yield f"{exposure}: correction {after.stream_count} is by other groups than the outcome"
            elif before.earned != after.earned_before:
                yield f"{exposure}: correction {after.stream_count} takes back other credits than there were"


def totals_out_of_range(books: Books, _: Recomputed) -> Iterator[str]:
    """Cards of which a reward sums to less than nothing, or to more than there were exposures, in some group.

    Cards with a correction that tells no credits are not compared: what it took back depends on thresholds then.
    """
    for card_id, told in sorted(books.statistics.items()):
        if card_id in books.credits.uncorrected:
            continue
        for reward, sums in told.rewards.items():
            for group, (total, exposures) in enumerate(zip(sums.total, told.exposures, strict=False)):
                margin = ABSOLUTE + RELATIVE * abs(exposures)
                if not -margin <= total <= exposures + margin:
                    yield f"{card_id}: {reward} sums to {total:.6f} of {exposures:.6f} exposures in group {group}"


def totals_wrong(books: Books, recomputed: Recomputed) -> Iterator[str]:
    """Cards of which a reward does not sum to the credits of its outcomes, corrections as differences.

    Sums over all groups are compared, with the weight that an outcome has where statistics forget. Group by group they
    are compared where nothing is forgotten or weighted and all outcomes are of the statistics' own generation, so that
    nothing was carried over to other groups. Cards of which a stream tells no credits are not compared.
    """
    for card_id, told in sorted(books.statistics.items()):
        if card_id in books.credits.untold:
            continue
        gains = books.credits.gains.get(card_id, [])
        for reward, sums in told.rewards.items():
            expected = sum(
                told.weight(gain.shown_ms) * recomputed.rules.importance(gain.propensity) * _of(gain, reward)
                for gain in gains
            )
            if _differ(sum(sums.total), expected):
                yield f"{card_id}: {reward} sums to {sum(sums.total):.6f}, its outcomes earned {expected:.6f}"
            else:
                yield from _wrong_by_group(books, card_id, told, reward)


def _wrong_by_group(books: Books, card_id: str, told: CardStatisticsRead, reward: str) -> Iterator[str]:
    by_generation = books.credits.by_group[card_id]
    if told.half_life_ms or told.weight_squares or by_generation.keys() != {told.generation}:
        return
    own = by_generation[told.generation]
    nothing = [0.0] * len(own.exposures)
    for what, found, expected in (
        ("exposures", told.exposures, own.exposures),
        (reward, told.rewards[reward].total, own.totals.get(reward, nothing)),
    ):
        if len(found) != len(expected) or any(map(_differ, found, expected)):
            yield f"{card_id}: {what} by group are {_listed(found)}, its outcomes say {_listed(expected)}"
            return


def _of(gain: Gain, reward: str) -> float:
    names = gain.rewards.split(",")
    return gain.gained[names.index(reward)] if reward in names else 0.0


def _differ(found: float, expected: float) -> bool:
    return not math.isclose(found, expected, rel_tol=RELATIVE, abs_tol=1e-3)


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)
