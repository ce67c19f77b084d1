"""What the auditor is told of the pipeline it audits, and nothing else."""

from msgspec import Struct


class AuditRules(Struct, frozen=True, kw_only=True):
    """Times as the pipeline's settings have them, in event time.

    `closed` demands that every exposure has settled; without it those may be open whose horizon event time may not
    have passed. `sample_share` below one lets the interactions of some users be absent. `yardstick_s` is the fixed
    threshold of the reward `static`. The learner remembers `ring` interactions of each of `learner_nodes_max` users
    and cards, `learner_edges_max` of all; of zero nothing is asked.
    """

    horizon_ms: int
    attribution_ms: int
    correction_ms: int
    lateness_ms: int
    sample_share: float = 1.0
    yardstick_s: float = 30.0
    ring: int = 0
    learner_nodes_max: int = 0
    learner_edges_max: int = 0
    closed: bool = False
    examples_max: int = 5
