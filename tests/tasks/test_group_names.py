"""Editors' names for card groups survive refits, generations and restarts."""

import numpy as np

from processors.cocluster.online.settings import LearnerSettings
from processors.group_names import GroupNames
from processors.learner import Learner
from schemas.interactions import Interaction, Interactions
from schemas.learning import CardGroupName, CoClusters
from tests.builders import card
from tests.tasks.test_cores import Kept

SETTINGS = LearnerSettings(user_groups=1, card_groups=2, warmup_events=300, refresh_events=100)


def named(group: int, name: str, generation: int = 1) -> CardGroupName:
    return CardGroupName(group=group, generation=generation, name=name)


def streams_of_two_kinds(count: int) -> list[Interaction]:
    """Cards with even numbers are streamed for minutes, odd ones for hours."""
    rng = np.random.default_rng(8)
    numbers = rng.integers(20, size=count).tolist()
    return [
        Interaction(
            event_id=f"e{n}",
            user_id=f"u{n % 40}",
            card_id=f"c{number}",
            event_ms=1_000 * n,
            played_ms=int(1_000 * np.exp(rng.normal(5.0 + 3.0 * (number % 2), 0.4))),
        )
        for n, number in enumerate(numbers)
    ]


def learner_with_catalogue() -> Learner:
    learner = Learner(SETTINGS, ("mean",), seed=2)
    for number in range(20):
        genres = ("everywhere", "sleep") if number % 2 else ("everywhere",)
        learner.put_card(f"c{number}", card(f"c{number}", genres=genres))
    return learner


def published(learner: Learner) -> CoClusters:
    found = learner.publish()[0]
    assert isinstance(found, CoClusters)
    return found


def test_a_group_goes_by_its_most_characteristic_genre_until_an_editor_names_it_and_again_after() -> None:
    learner, history = learner_with_catalogue(), streams_of_two_kinds(1_200)
    learner.interactions([Interactions.of("test", history[:600])])
    first = published(learner)
    sleep = first.labels.index("sleep")
    assert first.most_frequent[sleep] == "everywhere", "the raw top genre stands beside"
    learner.put_name(str(sleep), named(sleep, "Falling asleep"))
    learner.interactions([Interactions.of("test", history[600:900])])
    assert published(learner).labels[sleep] == "Falling asleep"
    learner.put_name(str(sleep), None)
    learner.interactions([Interactions.of("test", history[900:])])
    assert published(learner).labels[sleep] == "sleep"


def test_a_name_is_there_again_after_a_restart() -> None:
    learner, kept, history = learner_with_catalogue(), Kept(), streams_of_two_kinds(900)
    learner.interactions([Interactions.of("test", history[:600])])
    learner.put_name("0", named(0, "First"))
    kept.keep(learner.changed_rows())
    again = learner_with_catalogue()
    again.restore(kept.rows.items())
    again.put_name("0", named(0, "First"))  # the topic is read from its beginning
    again.interactions([Interactions.of("test", history[600:])])
    assert published(again).labels[0] == "First"


def test_a_name_follows_its_cards_into_a_new_generation_also_after_a_restart() -> None:
    names, kept = GroupNames(), Kept()
    names.generation = 1
    names.put("0", named(0, "Sleep"), 1)
    names.put("1", named(1, "Focus"), 1)
    names.follow(2, np.array([[0.0, 1.0], [0.9, 0.1]]))
    assert names.current() == {1: "Sleep", 0: "Focus"}
    kept.keep(names.changed_rows())
    again = GroupNames()
    for key, value in kept.rows.items():
        assert again.adopt(key, value)
    again.generation = 2
    again.put("0", named(0, "Sleep"), 2)
    assert again.current() == names.current()


def test_of_two_names_for_one_group_the_later_counts() -> None:
    names = GroupNames()
    names.generation = 1
    names.put("0", named(0, "Sleep"), 1)
    names.follow(2, np.array([[0.0, 1.0], [1.0, 0.0]]))
    names.put("1", named(1, "Night", generation=2), 2)
    assert names.current() == {1: "Night"}


def test_a_name_for_groups_that_are_no_more_is_counted_and_left() -> None:
    names = GroupNames()
    names.put("0", named(0, "Sleep", generation=1), 3)
    assert (names.current(), names.out_of_date_count) == ({}, 1)


def test_a_user_groups_signature_says_how_it_consumes_each_card_group() -> None:
    learner = learner_with_catalogue()
    learner.interactions([Interactions.of("test", streams_of_two_kinds(600))])
    message = published(learner)
    np.testing.assert_allclose(message.signatures, np.ones((1, 2)), atol=1e-3)
