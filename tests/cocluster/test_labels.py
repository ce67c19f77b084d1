"""Words for groups: lift, not frequency; an editor's name stays with its cards."""

import numpy as np

from processors.cocluster.fitting.matching import overlap, transition
from processors.cocluster.model.labels import carried_names, label_card_groups

GENRES = ["pop", "jazz", "sleep", "one-off"]


def tags() -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Thirty cards in three groups: all pop; the second also jazz, the third also sleep; one a one-off."""
    groups = np.repeat(np.eye(3), 10, axis=0)
    card = np.concatenate((np.arange(30), np.arange(10, 20), np.arange(20, 30), [0]))
    genre = np.concatenate((np.zeros(30, int), np.full(10, 1), np.full(10, 2), [3]))
    return groups, (card, genre)


def test_labels_go_by_lift_and_show_the_raw_top_genre_beside() -> None:
    groups, tagged = tags()
    labels = label_card_groups(groups, tagged, GENRES, words=1)
    assert [label.name for label in labels[1:]] == ["jazz", "sleep"]
    assert {label.most_frequent for label in labels} == {"pop"}
    assert labels[1].lifts[0] > 2.0


def test_an_editors_name_wins_and_follows_its_cards_through_a_refit() -> None:
    groups, tagged = tags()
    renamed = {2: "Night"}
    assert label_card_groups(groups, tagged, GENRES, renamed=renamed)[2].name == "Night"
    refitted = groups[:, [2, 0, 1]]
    carried = carried_names(renamed, transition(overlap(groups, refitted)))
    assert carried == {0: "Night"}
    assert label_card_groups(refitted, tagged, GENRES, renamed=carried)[0].name == "Night"


def test_a_name_of_a_scattered_group_is_dropped() -> None:
    assert carried_names({0: "Night"}, np.array([[0.4, 0.3, 0.3]])) == {}


def test_groups_that_would_share_a_name_are_told_apart_by_one_word_more() -> None:
    groups = np.repeat(np.eye(3), 10, axis=0)
    news, sport, jazz = np.arange(20), np.arange(10), np.arange(20, 30)
    tagged = (np.concatenate((news, sport, jazz)), np.repeat([0, 1, 2], [20, 10, 10]))
    names = [label.name for label in label_card_groups(groups, tagged, ["news", "sport", "jazz"], words=1)]
    assert len(set(names)) == 3
    assert names[2] == "jazz"
