"""Listeners credit and cards count: totals are the sums over exposures, whatever moves and whoever restarts between."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.cards import Cards
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from processors.settlement.settings import SettlementSettings
from schemas.learning import CoClusters
from schemas.outcomes import Outcome, OutcomeCorrected, OutcomesSettled
from tests.bandit.credited_histories import check, snapshot, story_told_by
from tests.builders import card, impression, stream_end, stream_playing
from tests.tasks.test_cores import Kept

MINUTE_MS = 60_000
CARDS = ("c1", "c2", "c3")
REWARDS = ("static", "mean", "mean:users", "continuous")
SETTINGS = ListenersSettings(settlement=SettlementSettings(lateness_ms=0), rewards=REWARDS)


class Act(NamedTuple):
    """What happens `minutes` later: a page, a stream of a page or the news that it is playing, other thresholds, a
    generation, or a restart.
    """

    kind: str
    minutes: int
    which: int


ACTS = st.lists(
    st.builds(
        Act,
        st.sampled_from(
            ("page", "page", "stream", "stream", "stream", "playing", "playing", "thresholds", "generation", "restart")
        ),
        st.sampled_from((0, 1, 5, 20, 60)),
        st.integers(0, 2**20),
    ),
    min_size=3,
    max_size=30,
)


class Loop:
    """Listeners and cards of one partition each, with what was said and learned in order."""

    def __init__(self) -> None:
        self.listeners, self.cards = Listeners(SETTINGS, source="l"), Cards(REWARDS)
        self.kept, self.cards_kept = Kept(), Kept()
        self.told: list[Outcome | CoClusters] = []
        self.pages: list[tuple[str, int]] = []
        self.now_ms = MINUTE_MS
        self.generation, self.version, self.groups = 1, 1, 2
        for name in CARDS:
            self.listeners.learned.put_card(name, card(name))
        self.learn(snapshot(1, 1, 2))

    def act(self, number: int, act: Act) -> None:
        self.now_ms += act.minutes * MINUTE_MS
        if act.kind == "page":
            user_id = f"u{act.which % 2}"
            self.show(f"i{len(self.pages)}", user_id, CARDS)
            self.pages.append((user_id, self.now_ms))
        elif act.kind in {"stream", "playing"} and self.pages:
            self.stream(number, act.which, has_ended=act.kind == "stream")
        elif act.kind == "thresholds":
            self.version += 1
            self.learn(snapshot(self.generation, self.version, self.groups))
        elif act.kind == "generation":
            self.begin_generation(np.random.default_rng(act.which), 1 + act.which % 3)
        elif act.kind == "restart":
            self.restart()

    def show(self, event_id: str, user_id: str, cards: Sequence[str]) -> None:
        page = impression(event_id=event_id, user_id=user_id, event_ms=self.now_ms, cards=tuple(cards))
        self.listeners.impressions([(0, page)])

    def stream(self, number: int, which: int, *, has_ended: bool) -> None:
        """Of a card of one of the pages; seconds lie on both sides of any threshold.

        One that is playing may be that of a stream-end to come, of the same card or of another.
        """
        page = which % len(self.pages)
        seconds = (5, 40, 100, 200, 400, 1_000)[which // 8 % 6]
        user_id, started_ms = self.pages[page]
        named = {"event_id": f"s{number}"}
        if not has_ended:
            named = {"event_id": f"p{number}", "stream_id": f"s{number + which // 512 % 4}"}
        event = (stream_end if has_ended else stream_playing)(
            **named,
            user_id=user_id,
            card_id=CARDS[which // 64 % 3],
            started_ms=started_ms,
            event_ms=self.now_ms,
            played_ms=min(1_000 * seconds, self.now_ms - started_ms),
            impression_id=f"i{page}",
        )
        self.listeners.stream_ends([(0, event)])

    def conclude(self) -> None:
        said: list[Outcome] = [
            message
            for message in self.listeners.conclude().everything()
            if isinstance(message, OutcomesSettled | OutcomeCorrected)
        ]
        self.told += said
        self.cards.outcomes(said)
        self.kept.keep(self.listeners.changed_rows())
        self.cards_kept.keep(self.cards.changed_rows())

    def learn(self, message: CoClusters) -> None:
        self.conclude()
        self.told.append(message)
        self.listeners.learned.put_co_clusters(message)
        self.cards.put_co_clusters(message)
        self.newest = message

    def begin_generation(self, rng: np.random.Generator, groups: int) -> None:
        overlap = rng.dirichlet(np.full(groups, 0.5), size=self.groups)
        self.generation, self.version, self.groups = self.generation + 1, self.version + 1, groups
        self.learn(snapshot(self.generation, self.version, groups, overlap / overlap.sum(axis=1, keepdims=True)))

    def restart(self) -> None:
        """Both die after a commit, and take up their rows; what is learned lies in its topic."""
        self.conclude()
        self.listeners = Listeners(SETTINGS, source="l", learned=self.listeners.learned)
        self.listeners.restore(list(self.kept.rows.items()))
        self.cards = Cards(REWARDS)
        self.cards.restore(self.cards_kept.rows.items())
        self.cards.put_co_clusters(self.newest)

    def pass_time(self, steps: Sequence[int]) -> None:
        for hours in steps:
            self.now_ms += 60 * hours * MINUTE_MS
            self.show(f"end-{hours}", "clock", ())
            clock = stream_end(event_id=f"e{hours}", user_id="clock", started_ms=self.now_ms, event_ms=self.now_ms)
            self.listeners.stream_ends([(0, clock)])
            self.conclude()


@settings(max_examples=40)
@given(ACTS, st.sampled_from([(1, 14), (14,)]))
def test_totals_are_the_sums_over_exposures_of_what_listeners_credited(acts: list[Act], steps: Sequence[int]) -> None:
    """Whether exposures settle, are corrected and are dropped at different times, or in one transaction."""
    loop = Loop()
    for number, act in enumerate(acts):
        loop.act(number, act)
    loop.pass_time(steps)
    story = story_told_by(loop.told)
    assert len(story.exposures) == len(CARDS) * len(loop.pages)
    check(loop.cards, story)
    assert not {name for name in loop.cards.counters if "credits" in name or "generation" in name}
