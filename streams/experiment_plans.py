"""What applying or stopping an experiment would do: the same checks for the command and for the console."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from processors.experiments.layer_admission import admitted, refuse_unless_compatible, stopped
from processors.experiments.overriding import refuse_unless_rankable
from processors.metrics.metric_table import check_metrics
from schemas.codec import UnreadableError, decode
from schemas.experiments import ExperimentDefinition
from streams.settings import Settings

TOPIC = "experiments"
LEAD_S, LEAD_MAX_S = 10, 7 * 86_400
"""Seconds until a change takes effect: longer than a worker needs to read it."""
ExperimentState = Literal["waiting", "running", "stopped", "ended"]


class Plan(Struct, frozen=True, kw_only=True):
    """A definition as it would be written, and the one before it, if there is any."""

    before: ExperimentDefinition | None
    made: ExperimentDefinition
    said: str
    """What happens, after the name of the experiment."""
    is_changed: bool = True
    """Whether there is anything to write."""


def definitions_in(values: Mapping[str, bytes]) -> dict[str, ExperimentDefinition]:
    """The newest record of each experiment, decoded; raises `ValueError` if one cannot be read."""
    found = {}
    for name, value in values.items():
        try:
            found[name] = decode(TOPIC, value)
        except UnreadableError as error:
            raise ValueError(f"the record of experiment {name} cannot be read: {error}; apply it again") from error
    return found


def plan_to_apply(
    wanted: ExperimentDefinition, known: Mapping[str, ExperimentDefinition], settings: Settings, effective_ms: int
) -> Plan:
    """Raises `ValueError` unless workers with these settings can rank it, and its layer has room."""
    refuse_unless_rankable(wanted, settings.ranking, settings.listeners.rewards)
    check_metrics(wanted)
    refuse_unless_compatible(wanted, known)
    made, before = admitted(wanted, known, effective_ms), known.get(wanted.name)
    if before is None:
        return Plan(before=None, made=made, said="starts")
    if _content(before) == _content(made):
        return Plan(before=before, made=before, said="is as it was: nothing was changed", is_changed=False)
    return Plan(before=before, made=made, said="changes")


def plan_to_stop(known: ExperimentDefinition, effective_ms: int) -> Plan:
    """From then on nobody is assigned to it, and its buckets are free for others."""
    if known.status == "stopped":
        return Plan(before=known, made=known, said="was stopped before: nothing was changed", is_changed=False)
    return Plan(before=known, made=stopped(known, effective_ms), said="stops")


def state_at(one: ExperimentDefinition, now_ms: int) -> ExperimentState:
    """What it is at this time: waiting for it, running, ended or stopped."""
    phase = one.phase_at(now_ms)
    if phase is None or now_ms < phase.begins_ms:
        return "waiting"
    if phase.status == "stopped":
        return "stopped"
    return "ended" if phase.ends_ms is not None and phase.ends_ms <= now_ms else "running"


def _content(definition: ExperimentDefinition) -> Any:
    """A definition without what says which revision it is."""
    return replace(definition, revision=1, effective_ms=0, earlier=())
