"""The error of a subscriber whose topic does not exist."""


class TopicMissingError(LookupError):
    """The cluster has no topic of this name."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic

    def __str__(self) -> str:
        return f"the topic {self.topic} does not exist: run `shelfwise topics apply` first"
