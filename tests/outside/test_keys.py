"""Keys of several names are those of no other names: else compaction would keep one of two."""

from hypothesis import example, given
from hypothesis import strategies as st

from schemas.composite_keys import joined, parted
from schemas.policy_values import PolicyValue
from schemas.rankings import HOME, ranking_key, user_of_key
from streams.auditing.own_messages import RankingRead
from streams.subscribers.ranking_table import RankingTable
from streams.tasks.routing import key_of

NAMES = st.one_of(st.text("a@% 2540\0", min_size=1, max_size=8), st.text(min_size=1, max_size=8))
SURFACES = st.sampled_from([HOME, "search", "a@b", "%40"]) | NAMES


@given(NAMES, SURFACES, NAMES, SURFACES)
@example("a", "search", "a@search", HOME)
@example("a%40search", HOME, "a@search", HOME)
@example("a", "b@c", "a@b", "c")
def test_no_two_rankings_share_a_key(user: str, surface: str, other: str, others_surface: str) -> None:
    same = (user, surface) == (other, others_surface)
    assert (ranking_key(user, surface) == ranking_key(other, others_surface)) is same
    assert user_of_key(ranking_key(user, surface), surface) == user
    if surface != others_surface:
        assert user_of_key(ranking_key(user, surface), others_surface) is None


@given(st.lists(NAMES, min_size=1, max_size=3), st.sampled_from("@ "))
def test_names_can_be_told_from_their_key(names: list[str], separator: str) -> None:
    assert parted(joined(tuple(names), separator), separator) == tuple(names)


@given(st.text(st.characters(exclude_characters="@%", codec="utf-8"), min_size=1, max_size=256))
def test_the_home_page_of_an_ordinary_listener_is_keyed_by_the_name(user: str) -> None:
    assert ranking_key(user, HOME) == user


@given(NAMES, SURFACES)
def test_the_auditor_expects_the_same_key(user: str, surface: str) -> None:
    assert RankingRead(user, 1, [], surface=surface).key == ranking_key(user, surface)


@given(NAMES, NAMES, NAMES, NAMES)
def test_no_two_policy_values_share_a_key(candidate: str, yardstick: str, other: str, others_yardstick: str) -> None:
    def value(candidate: str, yardstick: str) -> PolicyValue:
        return PolicyValue(
            candidate=candidate, policy="greedy", reward="mean", yardstick=yardstick, estimator="snips",
            incumbent="mean/greedy", event_ms=0, evidence_count=0, count=0, exposures=0, ess=0.0, weight_max=0.0,
            weight_mean=0.0, weight_mean_error=0.0,
        )  # fmt: skip

    same = (candidate, yardstick) == (other, others_yardstick)
    assert (key_of(value(candidate, yardstick)) == key_of(value(other, others_yardstick))) is same


def test_a_subscriber_forgets_whom_the_key_means() -> None:
    assert RankingTable("search").user_of(ranking_key("a@search", "search").encode()) == "a@search"
    assert not RankingTable(HOME).user_of(b"a@search")
