"""What an estimator is: it reads importance weights and rewards, and says what they amount to."""

from typing import Protocol, Self

from processors.arrays import FloatArray


class Estimator(Protocol):
    """Sums over a log; estimators of two logs add up to that of both."""

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read exposures [n]: target's over logging policy's probability, and what each earned."""
        ...

    def __add__(self, other: Self) -> Self:
        """Combine with what another part of the log says."""
        ...

    @property
    def value(self) -> float:
        """The estimate; not a number before anything was read."""
        ...
