"""Converts sums to River's statistics, which also checks that they agree."""

from typing import Any

from river import proba, stats


def as_mean(count: float, total: float) -> Any:
    """River's running mean after `count` observations that sum to `total`.

    >>> as_mean(4.0, 1.0).get()
    0.25
    """
    return stats.Mean._from_state(n=count, mean=total / count if count else 0.0)  # noqa: SLF001  River's own way in


def as_var(count: float, total: float, squares: float) -> Any:
    """River's running variance (ddof 1) from a sum and a sum of squares.

    >>> as_var(4.0, 2.0, 2.0).get()  # 0, 0, 1, 1
    0.3333333333333333
    """
    mean = total / count if count else 0.0
    variance = max(squares - count * mean * mean, 0.0) / (count - 1.0) if count > 1.0 else 0.0
    return stats.Var._from_state(n=count, m=mean, var=variance)  # noqa: SLF001


def as_beta(count: float, total: float, *, prior: float = 1.0, seed: int | None = None) -> Any:
    """River's Beta posterior of a success probability, from a uniform prior, after `total` successes in `count`.

    >>> posterior = as_beta(3.0, 2.0); posterior.alpha, posterior.beta
    (3.0, 2.0)
    """
    beta: Any = proba.Beta  # its annotations say int, its arithmetic accepts any number
    return beta(prior + total, prior + count - total, seed=seed)
