"""When a task publishes what it has learned."""


class PublishRhythm:
    """At most once per interval of the wall clock; a look that found nothing to publish does not count.

    >>> rhythm = PublishRhythm(1_000)
    >>> rhythm.is_due(5_000); rhythm.published(5_000); rhythm.is_due(5_999), rhythm.is_due(6_000)
    True
    (False, True)
    """

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._published_ms = 0

    def is_due(self, now_ms: int) -> bool:
        """Whether the interval has passed since the last publication."""
        return now_ms - self._published_ms >= self._interval_ms

    def published(self, now_ms: int) -> None:
        """Something has been published."""
        self._published_ms = now_ms
