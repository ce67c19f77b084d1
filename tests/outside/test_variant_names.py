"""A client's variant may have any name: what is told of it is never taken for what we tell of all, or of organic."""

from hypothesis import example, given
from hypothesis import strategies as st

from processors.drift.settings import DriftSettings
from processors.engagement_monitor import EngagementMonitor
from processors.listeners import Listeners
from processors.listeners_settings import ListenersSettings
from schemas.codec import decode, encode
from schemas.fields import IDENTIFIER_MAX
from schemas.monitoring import EngagementMetrics, EngagementSums
from schemas.variant_names import ALL_VARIANTS, ORGANIC, in_metrics
from tests.builders import impression, stream_end

NAMES = st.text("~alorgnic", min_size=1, max_size=12) | st.sampled_from(["all", "organic", "~all", "~~organic"])
DAY_MS = 24 * 3_600_000


@given(NAMES, NAMES)
def test_no_two_variants_share_a_name_and_none_has_one_of_ours(one: str, other: str) -> None:
    assert (in_metrics(one) == in_metrics(other)) == (one == other)
    assert in_metrics(one) not in {ALL_VARIANTS, ORGANIC}


@given(st.integers(0, IDENTIFIER_MAX), st.sampled_from(["", "all", "organic"]))
@example(IDENTIFIER_MAX - 3, "all")
def test_a_name_stays_as_short_as_a_name_may_be(marks: int, end: str) -> None:
    name = ("~" * marks + end)[-IDENTIFIER_MAX:] or "~"
    assert len(in_metrics(name)) <= IDENTIFIER_MAX


def test_metrics_of_such_variants_stand_beside_those_of_all() -> None:
    listeners, watch = Listeners(ListenersSettings(), source="listeners/0"), EngagementMonitor(DriftSettings())
    variants = ("all", "organic", "control")
    pages = [
        impression(event_id=f"i{number}", user_id=f"u{number}", event_ms=0, cards=("c1", "c2"), variant=variant)
        for number, variant in enumerate(variants)
    ]
    clock = impression(event_id="clock", user_id="u9", event_ms=DAY_MS, cards=())
    listeners.impressions(list(enumerate([*pages, clock])))
    alone = stream_end(event_id="s1", user_id="u9", card_id="c9", started_ms=0, event_ms=60_000, played_ms=60_000)
    end = stream_end(event_id="s2", user_id="u9", started_ms=DAY_MS, event_ms=DAY_MS)
    listeners.stream_ends([(0, alone), (1, end)])
    sums = [one for one in listeners.conclude().everything() if isinstance(one, EngagementSums)]
    told = watch.engagement([decode("engagement", encode(one)) for one in sums])
    metrics = [one for one in told if isinstance(one, EngagementMetrics)]
    exposures = {one.variant: 0.0 for one in metrics}
    for one in metrics:
        exposures[one.variant] += one.exposures
    assert exposures == {"~all": 2.0, "~organic": 2.0, "control": 2.0, "organic": 0.0, "all": 6.0}
