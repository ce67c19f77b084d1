"""One exposure earns at most one success, whatever thresholds, groups and generations do until its last correction."""

from collections.abc import Sequence

import numpy as np
import pytest

from processors.cards import Cards
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.settlement.settings import SettlementSettings
from schemas.learning import CoClusters
from schemas.outcomes import OutcomeCorrected, OutcomeSettled, one_by_one
from tests.builders import impression, stream_end
from tests.tasks.test_cores import Kept

REWARDS = ("static", "mean")
MINUTE_MS = 60_000
SETTINGS = ListenersSettings(settlement=SettlementSettings(lateness_ms=0), rewards=REWARDS)


def blocks(
    *thresholds_s: float, generation: int = 1, version: int = 1, overlap: Sequence[Sequence[float]] = ()
) -> CoClusters:
    """Co-clusters in which the streams of each user group are usually so long."""
    groups = len(thresholds_s)
    return CoClusters(
        generation=generation,
        version=version,
        event_ms=0,
        user_prior=(1.0 / groups,) * groups,
        card_prior=(1.0,),
        mean=tuple((float(np.log1p(one)),) for one in thresholds_s),
        variance=((0.01,),) * groups,
        count=((1e6,),) * groups,
        global_mean=5.0,
        global_variance=1.0,
        user_overlap=tuple(map(tuple, overlap)),
    )


class Worker:
    """Listeners and cards of one partition each, with what the listeners said."""

    def __init__(self) -> None:
        self.listeners, self.cards, self.kept = Listeners(SETTINGS, source="l"), Cards(REWARDS), Kept()
        self.said: list[OutcomeSettled | OutcomeCorrected] = []

    def learn(self, message: CoClusters) -> None:
        self.listeners.learned.put_co_clusters(message)
        self.cards.put_co_clusters(message)

    def stream(self, name: str, minute: int, seconds: float) -> None:
        ended_ms = minute * MINUTE_MS
        started_ms, played_ms = min(MINUTE_MS, ended_ms), int(1_000 * seconds)
        named = "i" if minute else None
        end = stream_end(
            event_id=name, started_ms=started_ms, event_ms=ended_ms, played_ms=played_ms, impression_id=named
        )
        self.listeners.stream_ends([(minute, end)])

    def at(self, minute: int) -> None:
        """Let event time come so far, and conclude; then the worker dies, and another takes up its rows."""
        now = minute * MINUTE_MS
        self.listeners.impressions([(minute, impression(event_id=f"at-{minute}", user_id="other", event_ms=now))])
        self.listeners.stream_ends(
            [(minute, stream_end(event_id=f"at-{minute}", user_id="other", started_ms=now, event_ms=now))]
        )
        outcomes = [
            message
            for message in self.listeners.conclude().everything()
            if type(message).__name__ in ("OutcomesSettled", "OutcomeCorrected")
        ]
        self.cards.outcomes(outcomes)  # type: ignore[arg-type]
        self.said += [one for one in one_by_one(outcomes) if one.impression_id == "i"]  # type: ignore[arg-type]
        self.kept.keep(self.listeners.changed_rows())
        self.listeners = Listeners(SETTINGS, source="l", learned=self.listeners.learned)
        self.listeners.restore(list(self.kept.rows.items()))

    def sums(self, reward: str) -> tuple[float, float]:
        """Exposures and successes of the card."""
        message = self.cards.table.message("c1")
        return sum(message.exposures), sum(message.rewards[reward].total)


def play(before: Sequence[CoClusters], between: Sequence[CoClusters], first_s: float, second_s: float) -> Worker:
    """A page at one minute, a stream of it that settles, and one that corrects; what is learned changes between."""
    worker = Worker()
    for message in before:
        worker.learn(message)
    worker.listeners.impressions([(0, impression(event_id="i", event_ms=MINUTE_MS, cards=("c1",)))])
    if first_s:
        worker.stream("first", 10, first_s)
    worker.at(40)
    for message in between:
        worker.learn(message)
    worker.stream("second", 50, second_s)
    worker.at(60)
    return worker


@pytest.mark.parametrize(
    ("before_s", "after_s", "first_s", "earned"),
    [(200, 400, 300, [1.0, 1.0]), (400, 200, 300, [0.0, 1.0]), (400, 600, 300, [0.0, 0.0]), (200, 400, 0, [0.0])],
)
def test_what_was_credited_is_taken_back_whatever_the_threshold_is_now(
    before_s: float, after_s: float, first_s: float, earned: list[float]
) -> None:
    worker = play([blocks(before_s)], [blocks(after_s, version=2)], first_s, 200)
    settled, corrected = worker.said
    assert isinstance(settled, OutcomeSettled)
    assert isinstance(corrected, OutcomeCorrected)
    assert settled.rewards == "static,mean"
    assert settled.credits[1:] == tuple(earned[:1] if first_s else [])
    assert corrected.previous_credits[1] == earned[0]
    exposures, total = worker.sums("mean")
    assert total == corrected.credits[1] <= exposures


def test_an_exposure_is_counted_in_the_groups_of_its_page() -> None:
    worker = Worker()
    worker.learn(blocks(100, 3_000))
    worker.stream("before", 0, 100)
    worker.listeners.impressions([(0, impression(event_id="i", event_ms=MINUTE_MS, cards=("c1",)))])
    worker.stream("first", 10, 3_000)  # as long as is usual in the other group
    worker.at(40)
    worker.learn(blocks(90, 3_500, version=2))
    worker.stream("second", 50, 3_000)
    worker.at(60)
    settled, corrected = worker.said
    assert settled.user_weights == corrected.user_weights
    assert worker.listeners.learned.blocks.version == 2
    message = worker.cards.table.message("c1")
    assert all(
        0 <= total <= exposures + 1e-9
        for sums in message.rewards.values()
        for total, exposures in zip(sums.total, message.exposures, strict=True)
    )


@pytest.mark.parametrize("first_s", [0, 300])
def test_a_new_generation_moves_what_was_counted_and_what_is_corrected_alike(first_s: float) -> None:
    split = ((1.0, 0.0, 0.0), (0.0, 0.5, 0.5))
    worker = play([blocks(200, 250)], [blocks(400, 450, 500, generation=2, overlap=split)], first_s, 600)
    settled, corrected = worker.said
    assert (settled.generation, corrected.generation) == (1, 1)
    assert settled.user_weights == corrected.user_weights
    message = worker.cards.table.message("c1")
    for name, sums in message.rewards.items():
        for total, exposures in zip(sums.total, message.exposures, strict=True):
            assert 0 <= total <= exposures + 1e-9, name
    assert sum(message.exposures) == pytest.approx(1.0)
    assert sum(message.rewards["mean"].total) == pytest.approx(1.0, abs=1e-4)
