"""A definition that is written as text is read as the same definition."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.experiments import ExperimentDefinition, Guardrail, Overrides
from streams.files.experiment_file import definition_of
from streams.files.experiment_text import text_of_definition
from tests.builders import experiment

TEXTS = st.text(max_size=20)
OVERRIDES = st.builds(
    Overrides,
    reward=st.none() | st.text(min_size=1, max_size=9),
    epsilon=st.none() | st.floats(0.0, 1.0),
    draws=st.none() | st.integers(1, 1_024),
    temperature=st.none() | st.floats(1e-9, 1e9),
)
DEFINITIONS = st.builds(
    lambda first, second, begins_ms, length_ms, overrides, **others: experiment(
        "e", shares={"control": first / 1_000, "other": second / 1_000}, overrides={"other": overrides},
        begins_ms=begins_ms, ends_ms=None if length_ms is None else min(begins_ms + length_ms, 253_402_300_799_999),
        **others,
    ),
    st.integers(0, 500), st.integers(0, 500), st.just(0) | st.integers(1, 10**13),
    st.none() | st.integers(1, 10**9), OVERRIDES,
    hypothesis=TEXTS,
    salt=TEXTS,
    surfaces=st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=3, unique=True).map(tuple),
    guardrails=st.sampled_from([(), (Guardrail(metric="minutes", loss_max=0.02), Guardrail(metric="x", loss_max=1.0))]),
    alpha=st.floats(1e-9, 0.5),
    listeners_min=st.integers(0, 10**6),
)  # fmt: skip


@settings(max_examples=60)
@given(DEFINITIONS)
def test_what_is_written_is_read_as_the_same(definition: ExperimentDefinition) -> None:
    given_later = replace(definition, revision=3, effective_ms=7, status="stopped")
    assert definition_of(text_of_definition(given_later), "it") == definition
