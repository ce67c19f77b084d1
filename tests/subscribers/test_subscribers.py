"""Both subscribers, on the embedded broker and on Apache Kafka: whatever a service that shows pages relies on."""

import pytest

from streams.harness.embedded_harness import EmbeddedKafka
from streams.harness.interface import KafkaHarness
from streams.subscribers import TopicMissingError
from tests.subscribers.conftest import SUBSCRIBERS, Driven, catch_up, own, ranking, until, write


def test_the_newest_version_wins_in_whatever_order_it_comes(bootstrap: str, subscriber: type[Driven]) -> None:
    write(bootstrap, [("u1", ranking("u1", number)) for number in (1, 3, 2)])
    with subscriber(bootstrap) as service:
        catch_up(service)
        assert own(service, "u1") == 3
        assert service.inner.table.counters["old"] == 1


def test_a_listener_whom_the_worker_had_forgotten_counts_anew(bootstrap: str, subscriber: type[Driven]) -> None:
    write(bootstrap, [("u1", ranking("u1", 7, event_ms=7_000)), ("u1", ranking("u1", 1, event_ms=90_000))])
    with subscriber(bootstrap) as service:
        catch_up(service)
        assert own(service, "u1") == 1


def test_it_has_caught_up_once_all_that_stood_there_is_read(bootstrap: str, subscriber: type[Driven]) -> None:
    write(bootstrap, [(f"u{number}", ranking(f"u{number}", 1)) for number in range(500)])
    with subscriber(bootstrap) as service:
        catch_up(service)
        assert len(service.inner.table) == 500
        until(service, lambda: service.inner.behind_count == 0)


def test_an_empty_topic_is_caught_up_with_and_has_no_answer(bootstrap: str, subscriber: type[Driven]) -> None:
    with subscriber(bootstrap) as service:
        catch_up(service)
        assert service.get("u1") is None


def test_what_was_not_committed_is_never_shown(bootstrap: str, subscriber: type[Driven]) -> None:
    write(bootstrap, [("u1", ranking("u1", 1))])
    write(bootstrap, [("u1", ranking("u1", 2))], commit=False)
    with subscriber(bootstrap) as service:
        catch_up(service)
        assert own(service, "u1") == 1
        write(bootstrap, [("u1", ranking("u1", 3))])
        until(service, lambda: own(service, "u1") == 3)


def test_an_unknown_listener_gets_the_groups_ranking_else_anybodys(bootstrap: str, subscriber: type[Driven]) -> None:
    write(bootstrap, [("u1", ranking("u1", 1, weights=(0.9, 0.1))), ("u2", ranking("u2", 2, weights=(0.1, 0.9)))])
    with subscriber(bootstrap) as service:
        catch_up(service)
        for group, user_id in ((0, "u1"), (1, "u2")):
            found = service.get("nobody", user_group=group)
            assert found is not None
            assert (found.source, found.ranking.user_id) == ("group", user_id)
        found = service.get("nobody", user_group=5)
        assert found is not None
        assert found.source == "global"


def test_gaps_and_age_are_seen(bootstrap: str, subscriber: type[Driven]) -> None:
    write(bootstrap, [("u1", ranking("u1", 1)), ("u1", ranking("u1", 4)), ("u2", ranking("u2", 9))])
    with subscriber(bootstrap) as service:
        catch_up(service)
        found = service.get("u1")
        assert found is not None
        assert (found.unseen_count, found.age_ms) == (2, 5_000)
        assert service.inner.table.counters["unseen"] == 2


def test_a_deleted_ranking_is_gone_and_others_stand_in(bootstrap: str, subscriber: type[Driven]) -> None:
    both = [("u1", ranking("u1", 1, weights=(0.0, 1.0))), ("u2", ranking("u2", 1, weights=(0.0, 1.0)))]
    write(bootstrap, both)
    with subscriber(bootstrap) as service:
        catch_up(service)
        write(bootstrap, [("u2", None)])
        until(service, lambda: own(service, "u2") is None)
        for found in (service.get("u2"), service.get("u2", user_group=1)):
            assert found is not None
            assert found.ranking.user_id == "u1"


def test_bytes_that_are_no_ranking_are_counted_and_passed_over(bootstrap: str, subscriber: type[Driven]) -> None:
    headless = ranking("u2", 1).replace(b'"shelves"', b'"shelfs"')
    write(bootstrap, [("u1", ranking("u1", 1)), ("u1", b"{"), ("u2", headless)])
    with subscriber(bootstrap) as service:
        catch_up(service)
        assert own(service, "u1") == 1
        assert own(service, "u2") is None
        assert service.inner.table.counters["unreadable"] == 2


@pytest.mark.parametrize("harness", ["embedded"], indirect=True)  # Apache Kafka takes 20 s to die and come back
def test_a_broker_that_dies_and_comes_back_is_waited_for(
    harness: KafkaHarness, bootstrap: str, subscriber: type[Driven]
) -> None:
    write(bootstrap, [("u1", ranking("u1", 1))])
    with subscriber(bootstrap) as service:
        catch_up(service)
        harness.kill()
        for _ in range(5):
            service.go_on()
        assert own(service, "u1") == 1, "what is known is still shown"
        harness.restart()
        write(bootstrap, [("u1", ranking("u1", 2))])
        until(service, lambda: own(service, "u1") == 2)


@pytest.mark.parametrize("name", SUBSCRIBERS)
def test_without_the_topic_it_says_what_to_do(name: str) -> None:
    with (
        EmbeddedKafka() as kafka,
        pytest.raises(TopicMissingError, match="shelfwise topics apply"),
        SUBSCRIBERS[name](kafka.bootstrap),
    ):
        pass
