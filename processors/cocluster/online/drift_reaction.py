"""How a learner acts on drift, if its settings say so."""

from processors.cocluster.online.learner_state import LearnerState
from processors.cocluster.online.settings import LearnerSettings


class DriftReaction:
    """Forgets sooner while a severe incident is in progress, and rethinks once for each.

    >>> acting = DriftReaction(LearnerSettings(half_life_ms=900, drift_half_life_ms=90, rethink_on_drift=True))
    >>> state = LearnerState.blank(2, 2)
    >>> state.ready = True
    >>> acting.note(50, state)
    >>> acting.half_life_ms, acting.rethink_due
    (90, True)
    >>> acting.rethink_due = False
    >>> acting.note(50, state)
    >>> acting.rethink_due
    False
    """

    def __init__(self, settings: LearnerSettings) -> None:
        self.rethink_due = False
        self._settings, self._is_drifting = settings, False

    def note(self, since_ms: int, state: LearnerState) -> None:
        """Process when the newest severe incident in progress was opened; 0 if there is none.

        What was acted upon is part of the state, so that a restart does not repeat it.
        """
        self._is_drifting = since_ms > 0
        if self._settings.rethink_on_drift and state.ready and since_ms > state.drift_ms:
            state.drift_ms, self.rethink_due = since_ms, True

    @property
    def half_life_ms(self) -> int:
        """The half-life of block statistics at present; 0: they are not forgotten."""
        shorter_ms = self._settings.drift_half_life_ms
        return shorter_ms if self._is_drifting and shorter_ms is not None else self._settings.half_life_ms
