"""The closed loop without Kafka: what is learned makes rankings better, and a change in the world is found."""

from processors.cocluster.online.settings import LearnerSettings
from processors.drift.settings import DriftSettings
from processors.listeners_settings import ListenersSettings
from processors.ranking.ranking_settings import RankingSettings
from processors.worlds.satisfaction import SatisfactionWorld, world_settings
from schemas.codec import encode
from tests.pure_loop import PureLoop

HOUR = 60


def loop(seed: int) -> PureLoop:
    return PureLoop(
        SatisfactionWorld(world_settings("W1", users=200, cards=60), world_seed=seed),
        listeners=ListenersSettings(ranking=RankingSettings(seed=seed)),
        learner=LearnerSettings(warmup_events=1_000),
        drift=DriftSettings(),
        visits_per_minute=15.0,
        seed=seed + 100,
    )


def test_the_loop_learns_and_the_same_seed_gives_the_same_bytes() -> None:
    first, again = loop(3), loop(3)
    for _ in range(HOUR):
        first.step()
    after_an_hour = {u: encode(p) for u, p in first.pages.items()}
    for _ in range(3 * HOUR):
        first.step()
    for _ in range(HOUR):
        again.step()
    assert after_an_hour == {u: encode(p) for u, p in again.pages.items()}
    assert first.model is not None
    late = first.now_ms - 2 * HOUR * 60_000
    learning, control = first.stream_rate("learning", late), first.stream_rate("control", late)
    assert learning > 1.05 * control, f"learning {learning:.3f}, random {control:.3f}"
    users, cards = first.ari()
    assert users > 0.1
    assert cards > 0.1
    assert not first.alerts, "nothing has changed yet"
