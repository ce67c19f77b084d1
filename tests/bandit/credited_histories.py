"""Histories of credited outcomes and corrections while thresholds, groups and generations move, and what they sum to.

Whoever produces them, `Story` is what the checks take: the messages in order with the co-clusters between, and of each
exposure what it had earned in the end. Here the messages are made up, credits and all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import numpy as np
from hypothesis import strategies as st

from processors.arrays import FloatArray
from processors.cards import Cards
from schemas.learning import CoClusters
from schemas.outcomes import (
    Credits,
    ExposureKey,
    Outcome,
    OutcomeCorrected,
    OutcomeSettled,
    OutcomesSettled,
    one_by_one,
)
from tests.builders import outcome

NAMED = ("mean", "other", "static")
"""The rewards that messages name, in their order; cards know `static` and `mean`, and `additive` besides."""
KNOWN = ("static", "mean", "additive")
HOUR_MS = 3_600_000


class Step(NamedTuple):
    """What happens next: `kind` settles an exposure, corrects one, or brings a generation; the rest says which."""

    kind: str
    which: int
    seed: int


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(("settle", "settle", "settle", "correct", "correct", "generation")),
        st.integers(0, 7),
        st.integers(0, 2**32 - 1),
    ),
    min_size=1,
    max_size=24,
)


@dataclass
class Exposure:
    """An exposure as its last message left it: soft groups and credits by the groups of its page's generation."""

    settled: OutcomeSettled
    credits: FloatArray  # [R, g]
    stream_count: int

    @property
    def weights(self) -> FloatArray:
        return np.array(self.settled.user_weights)


@dataclass
class Story:
    """Messages and co-clusters in order; exposures; and the overlap that began each generation after the first."""

    steps: list[Outcome | CoClusters] = field(default_factory=list)
    exposures: list[Exposure] = field(default_factory=list)
    overlaps: list[FloatArray] = field(default_factory=list)
    first_groups: int = 2

    @property
    def generation(self) -> int:
        return 1 + len(self.overlaps)

    def groups_of(self, generation: int) -> int:
        return self.overlaps[generation - 2].shape[1] if generation > 1 else self.first_groups

    def moved(self, values: FloatArray, generation: int) -> FloatArray:
        """Sums [..., g] by the groups of a generation, carried over to the newest step by step."""
        for overlap in self.overlaps[generation - 1 :]:
            values = values @ overlap
        return values


def snapshot(generation: int, version: int, groups: int, overlap: FloatArray | None = None) -> CoClusters:
    one = tuple((1.0,) for _ in range(groups))
    return CoClusters(
        generation=generation,
        version=version,
        event_ms=0,
        user_prior=(1.0 / groups,) * groups,
        card_prior=(1.0,),
        mean=tuple((float(np.log1p(30.0 + 40.0 * version * (1 + group))),) for group in range(groups)),
        variance=one,
        count=one,
        global_mean=5.0,
        global_variance=1.0,
        user_overlap=() if overlap is None else tuple(map(tuple, overlap.tolist())),
    )


def story_of(steps: Sequence[Step], groups: int) -> Story:
    """Play these steps: credits are drawn at random, as thresholds may move anyhow, and exposures are 24 h apart."""
    story = Story(first_groups=groups)
    story.steps.append(snapshot(1, 1, groups))
    for number, step in enumerate(steps):
        rng = np.random.default_rng(step.seed)
        if step.kind == "generation":
            old, new = story.groups_of(story.generation), 1 + step.which % 4
            overlap = np.round(rng.dirichlet(np.full(new, 0.4), size=old), 3) + 0.001
            story.overlaps.append(overlap / overlap.sum(axis=1, keepdims=True))
            story.steps.append(snapshot(story.generation, number + 2, new, story.overlaps[-1]))
        elif step.kind == "settle":
            story.steps.append(_settled(story, number, step, rng))
        elif story.exposures:
            story.steps.append(_corrected(story.exposures[step.which % len(story.exposures)], number, rng))
    return story


def story_told_by(steps: Sequence[Outcome | CoClusters]) -> Story:
    """The same of messages that somebody else has made: each correction takes back what the exposure had."""
    story, known = Story(list(steps)), dict[ExposureKey, Exposure]()
    for step in steps:
        if isinstance(step, CoClusters):
            if step.generation == 1:
                story.first_groups = len(step.user_prior)
            elif step.generation > story.generation:
                story.overlaps.append(np.array(step.user_overlap))
            continue
        for one in one_by_one([step]):
            shape = (len(one.rewards.split(",")), len(one.user_weights))
            earned = np.array(one.credits).reshape(shape) if one.credits else np.zeros(shape)
            if isinstance(one, OutcomeSettled):
                known[one.exposure] = Exposure(one, earned, one.stream_count)
                continue
            before = known[one.exposure]
            previous = np.array(one.previous_credits).reshape(shape) if one.previous_credits else np.zeros(shape)
            assert (one.generation, one.user_weights) == (before.settled.generation, before.settled.user_weights)
            assert previous.tolist() == before.credits.tolist()
            before.credits, before.stream_count = earned, one.stream_count
    story.exposures = list(known.values())
    return story


def _settled(story: Story, number: int, step: Step, rng: np.random.Generator) -> Outcome:
    """Up to four exposures of a card, shown in this generation or an earlier one, some of them streamed."""
    generation = max(1, story.generation - step.which % 3)
    groups = story.groups_of(generation)
    rows = []
    for place in range(1 + step.which % 4):
        weights = np.round(rng.dirichlet(np.full(groups, 0.5)), 6)
        weights[0] = round(1.0 - float(weights[1:].sum()), 6)
        plain = outcome(
            card_id=f"c{step.which % 3}",
            played_ms=int(rng.integers(0, 2)) * 60_000,
            weights=np.maximum(weights, 0.0).tolist(),
            generation=generation,
        )
        shown_ms = int(rng.integers(0, 72)) * HOUR_MS
        earned = _drawn(rng, groups) if plain.played_ms else np.zeros((len(NAMED), groups))
        one = msgspec.structs.replace(
            plain, impression_id=f"i{number}", slot=place, shown_ms=shown_ms, settled_ms=shown_ms + 1,
            rewards=",".join(NAMED), credits=_told(earned) if plain.played_ms else (),
            propensity=round(float(rng.uniform(0.01, 1.0)), 4),
            row_propensity=round(float(rng.uniform(0.1, 1.0)), 4) if number % 2 else None,
        )  # fmt: skip
        rows.append(one)
        story.exposures.append(Exposure(one, earned, one.stream_count))
    return OutcomesSettled.of(rows)


def _corrected(exposure: Exposure, number: int, rng: np.random.Generator) -> Outcome:
    """One more stream: it may earn more, or less under the thresholds of now, than the exposure had before."""
    before, settled = exposure.credits, exposure.settled
    exposure.credits = _drawn(rng, before.shape[1])
    previous_ms = 60_000 * exposure.stream_count
    exposure.stream_count += 1
    return OutcomeCorrected(
        impression_id=settled.impression_id,
        row=0,
        slot=settled.slot,
        user_id=settled.user_id,
        card_id=settled.card_id,
        stream_event_id=f"s{number}",
        shown_ms=settled.shown_ms,
        corrected_ms=settled.settled_ms + number + 1,
        previous_ms=previous_ms,
        played_ms=previous_ms + 60_000,
        stream_count=exposure.stream_count,
        generation=settled.generation,
        user_weights=settled.user_weights,
        rewards=",".join(NAMED),
        credits=_told(exposure.credits),
        previous_credits=_told(before) if previous_ms or rng.random() < 0.5 else (),
        propensity=settled.propensity,
        row_propensity=settled.row_propensity,
    )


def _drawn(rng: np.random.Generator, groups: int) -> FloatArray:
    """Credits: zero, one, or between, to the four decimals that messages have."""
    drawn = np.round(rng.random((len(NAMED), groups)), 4)
    return np.where(drawn < 0.3, 0.0, np.where(drawn > 0.6, 1.0, drawn))


def _told(earned: FloatArray) -> Credits:
    return tuple(earned.ravel().tolist())


def tell(core: Cards, steps: Sequence[Outcome | CoClusters]) -> None:
    """Let cards have these one after the other, outcomes that follow each other as one batch."""
    batch: list[Outcome] = []
    for step in steps:
        if isinstance(step, CoClusters):
            core.outcomes(batch)
            batch = []
            core.put_co_clusters(step)
        else:
            batch.append(step)
    core.outcomes(batch)


def check(core: Cards, story: Story) -> None:
    """For every card, group and reward the total lies in [0, exposures], and equals the sum over exposures."""
    table = core.table
    shape = (len(table.row), len(table.rewards), table.groups)
    exposures, total, squares = np.zeros((len(table.row), table.groups)), np.zeros(shape), np.zeros(shape)
    for one in story.exposures:
        card, settled = table.row[one.settled.card_id], one.settled
        (factor,) = table.forgetting.weights(np.array([settled.shown_ms]), table.epochs[[card]])
        exposures[card] += factor * story.moved(one.weights, settled.generation)
        for name, earned in zip(settled.rewards.split(","), one.credits, strict=True):
            if name in table.rewards:
                soft, reward = one.weights, table.rewards.index(name)
                total[card, reward] += factor * story.moved(soft * earned, settled.generation)
                squares[card, reward] += factor * story.moved(soft * earned**2, settled.generation)
    count = len(table.row)
    np.testing.assert_allclose(table.exposures[:count], exposures, atol=1e-9)
    np.testing.assert_allclose(table.total[:count], total, atol=1e-9)
    np.testing.assert_allclose(table.squares[:count], squares, atol=1e-9)
    assert (table.total[:count] >= -1e-9).all()
    assert (table.total[:count] <= table.exposures[:count, None] + 1e-9).all()
