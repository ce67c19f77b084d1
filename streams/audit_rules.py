"""Derives the auditor's rules from settings: all that it knows of the pipeline."""

from streams.auditing.settlement_rules import AuditRules
from streams.settings import Settings


def audit_rules(settings: Settings, *, closed: bool = False) -> AuditRules:
    """The rules for these settings; `closed` requires that every exposure has settled.

    >>> audit_rules(Settings()).horizon_ms
    1800000
    """
    settlement, learner = settings.settlement, settings.coclusters
    return AuditRules(
        horizon_ms=settlement.horizon_ms,
        attribution_ms=settlement.attribution_ms,
        correction_ms=settlement.correction_ms,
        lateness_ms=settlement.lateness_ms,
        sample_share=settings.sample_share,
        ring=learner.ring,
        learner_nodes_max=min(learner.max_users, learner.max_cards),
        learner_edges_max=learner.max_edges,
        weight_max=settings.reward_weight_max,
        longest_only=settlement.longest_only,
        metrics_window_ms=settings.metrics.window_ms if settings.metrics.enabled else 0,
        metrics_history_ms=settings.metrics.history_ms,
        closed=closed,
    )
