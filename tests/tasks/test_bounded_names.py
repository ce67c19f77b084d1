"""The learner task remembers a bounded number of names, and what it learns does not depend on it."""

import numpy as np

from processors.cocluster.online.settings import LearnerSettings
from processors.learner import Learner
from schemas.interactions import Interaction, Interactions
from tests.tasks.test_cores import Kept

SETTINGS = LearnerSettings(
    user_groups=2, card_groups=2, warmup_events=300, refresh_events=100, max_users=64, max_cards=32, max_edges=2_048
)


def passing_listeners(count: int) -> list[Interaction]:
    """Listeners who come, play a few cards, and are never seen again."""
    rng = np.random.default_rng(4)
    return [
        Interaction(
            event_id=f"e{number}",
            user_id=f"u{number // 4}",
            card_id=f"c{number // 200}-{rng.integers(10)}",
            event_ms=1_000 * number,
            played_ms=int(1_000 * np.exp(rng.normal(5.0 + 2.0 * (number // 4 % 2), 0.5))),
        )
        for number in range(count)
    ]


def test_numbers_of_forgotten_names_are_given_again() -> None:
    learner, kept = Learner(SETTINGS, ("mean",), seed=1), Kept()
    history = passing_listeners(4_000)
    for at in range(0, len(history), 100):
        learner.interactions([Interactions.of("test", history[at : at + 100])])
        kept.keep(learner.changed_rows())
        assert len(learner.users) <= SETTINGS.max_users + 25, "at most a batch more than are remembered"
        assert len(learner.cards) <= SETTINGS.max_cards + 10
    assert max(learner.users.all_ids()) < 2 * SETTINGS.max_users
    assert len(kept.rows) < 2 * (SETTINGS.max_users + SETTINGS.max_cards) + 10, "rows of the forgotten are deleted"


def test_what_is_learned_does_not_depend_on_when_numbers_are_released() -> None:
    history = passing_listeners(2_000)
    often, never = (Learner(SETTINGS, ("mean",), seed=1) for _ in range(2))
    for at in range(0, len(history), 100):
        for learner in (often, never):
            learner.interactions([Interactions.of("test", history[at : at + 100])])
        list(often.changed_rows())
    assert often.publish()[0] == never.publish()[0]


def test_a_restart_remembers_the_same_names() -> None:
    learner, kept = Learner(SETTINGS, ("mean",), seed=1), Kept()
    history = passing_listeners(2_000)
    for at in range(0, len(history), 100):
        learner.interactions([Interactions.of("test", history[at : at + 100])])
        kept.keep(learner.changed_rows())
    again = Learner(SETTINGS, ("mean",), seed=1)
    again.restore(kept.rows.items())
    assert again.users.all_names() == learner.users.all_names()
    assert again.cards.all_names() == learner.cards.all_names()
    newcomers = ["new-1", "new-2"]
    assert again.users.ids_of(newcomers).tolist() == learner.users.ids_of(newcomers).tolist()
