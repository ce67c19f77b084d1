"""`ncis`: normalised capped importance sampling."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray


@dataclass(slots=True)
class NormalisedCapped:
    """Mean reward under weights that are cut at `cap` (Gilotte et al., WSDM 2018; Gruson et al., WSDM 2019).

    Normalising gives back most of what the cap takes away; capped weights alone are sure of a value that is too low.

    >>> import numpy as np
    >>> ncis = NormalisedCapped(cap=2.0); ncis.add(np.array([9.0, 1.0]), np.array([1.0, 0.0])); round(ncis.value, 6)
    0.666667
    """

    cap: float
    weight_total: float = 0.0
    total: float = 0.0

    def __post_init__(self) -> None:
        if not self.cap > 0.0:
            raise ValueError(f"cap is {self.cap:g}; it must be positive")

    def add(self, weights: FloatArray, rewards: FloatArray) -> None:
        """Read exposures."""
        capped = np.minimum(weights, self.cap)
        self.weight_total += float(capped.sum())
        self.total += float((capped * rewards).sum())

    def __add__(self, other: "NormalisedCapped") -> "NormalisedCapped":
        if self.cap != other.cap:
            raise ValueError(f"caps {self.cap:g} and {other.cap:g} do not add up")
        return NormalisedCapped(self.cap, self.weight_total + other.weight_total, self.total + other.total)

    @property
    def value(self) -> float:
        """The estimate."""
        return self.total / self.weight_total if self.weight_total > 0.0 else float("nan")
