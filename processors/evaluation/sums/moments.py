"""Means and covariances of a few terms per record, in one pass, and additive over parts of a log."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray


@dataclass(slots=True)
class Moments:
    """Count, mean [k] and scatter [k, k] (sum of outer products about the mean) of terms [n, k].

    Parts are merged by the method of Chan, Golub and LeVeque (The American Statistician 37, 1983): no large sums of
    squares are subtracted, so weights of a million beside weights of one are harmless.

    >>> one, other = Moments.of(np.array([[1.0], [3.0]])), Moments.of(np.array([[8.0]]))
    >>> both = one + other; both.mean.tolist(), both.covariance.tolist()
    ([4.0], [[13.0]])
    """

    count: int
    mean: FloatArray
    scatter: FloatArray

    @classmethod
    def none(cls, terms: int) -> "Moments":
        """Without any record."""
        return cls(0, np.zeros(terms), np.zeros((terms, terms)))

    @classmethod
    def of(cls, terms: FloatArray) -> "Moments":
        """Moments of these records [n, k]."""
        if not len(terms):
            return cls.none(terms.shape[1])
        mean = terms.mean(axis=0)
        centred = terms - mean
        return cls(len(terms), mean, centred.T @ centred)

    def __add__(self, other: "Moments") -> "Moments":
        count = self.count + other.count
        if not count:
            return self
        apart = other.mean - self.mean
        share = other.count / count
        scatter = self.scatter + other.scatter + np.outer(apart, apart) * self.count * share
        return Moments(count, self.mean + apart * share, scatter)

    @property
    def covariance(self) -> FloatArray:
        """Covariance of one record's terms [k, k]; NaN before the second record."""
        if self.count < 2:
            return np.full_like(self.scatter, np.nan)
        return np.asarray(self.scatter / (self.count - 1), dtype=np.float64)
